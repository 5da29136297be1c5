import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandTable } from "./args.ts";
import { allOptions, parseArguments } from "./args.ts";
import * as create from "./commands/create.ts";
import * as deleteCommand from "./commands/delete.ts";
import * as doctor from "./commands/doctor.ts";
import * as events from "./commands/events.ts";
import * as exec from "./commands/exec.ts";
import * as features from "./commands/features.ts";
import * as kill from "./commands/kill.ts";
import * as list from "./commands/list.ts";
import * as mounts from "./commands/mounts.ts";
import * as pause from "./commands/pause.ts";
import * as ps from "./commands/ps.ts";
import * as resume from "./commands/resume.ts";
import * as run from "./commands/run.ts";
import * as spec from "./commands/spec.ts";
import * as start from "./commands/start.ts";
import * as state from "./commands/state.ts";
import * as trace from "./commands/trace.ts";
import * as update from "./commands/update.ts";
import * as validate from "./commands/validate.ts";
import * as wait from "./commands/wait.ts";
import { commandHelp } from "./help.ts";
import { commands } from "./table.ts";

const tables: readonly CommandTable[] = [
  create,
  start,
  run,
  exec,
  state,
  kill,
  wait,
  deleteCommand,
  update,
  mounts,
  list,
  pause,
  resume,
  ps,
  events,
  spec,
  validate,
  doctor,
  trace,
  features,
].map(({ table }) => table);

/** What the contract of the command line asks of each command: its operands, and the options that callers send. */
const contract: Readonly<Record<string, readonly [operands: string, ...options: string[]]>> = {
  create: [
    "ID",
    ...["-b", "--bundle=x", "--console-socket=x", "--pid-file=x", "--no-pivot", "--no-new-keyring"],
    ...["--preserve-fds=0", "-f", "--config=x", "--no-subreaper", "--pidfd-socket=x"],
  ],
  run: [
    "ID",
    ...["-b", "--bundle=x", "--console-socket=x", "--pid-file=x", "--no-pivot", "--no-new-keyring"],
    ...["--preserve-fds=0", "-f", "--config=x", "--no-subreaper", "--pidfd-socket=x", "-d", "--detach", "--keep"],
  ],
  update: [
    "ID",
    ...["-r", "--resources=x", "--blkio-weight=1", "--cpu-period=1", "--cpu-quota=1", "--cpu-share=1"],
    ...["--cpu-burst=1", "--cpu-rt-period=1", "--cpu-rt-runtime=1", "--cpuset-cpus=0", "--cpuset-mems=0"],
    ...["--cpu-idle=1", "--kernel-memory=1", "--kernel-memory-tcp=1", "--memory=1", "--memory-reservation=1"],
    ...["--memory-swap=1", "--pids-limit=1", "--l3-cache-schema=x", "--mem-bw-schema=x"],
  ],
  exec: [
    "ID CMD",
    ...["-p", "--process=x", "-t", "--tty", "-d", "--detach", "--pid-file=x", "-e", "--env=A=b", "--cwd=/", "-u"],
    ...["--user=0", "-g", "--additional-gids=0", "-c", "--cap=x", "--no-new-privs", "--apparmor=x"],
    ...["--process-label=x", "--preserve-fds=0", "--ignore-paused", "--cgroup=x", "--console-socket=x"],
    ...["--pidfd-socket=x"],
  ],
  start: ["ID"],
  state: ["ID"],
  wait: ["ID"],
  mounts: ["ACTION ID FILE"],
  kill: ["ID SIGNAL", "-a", "--all", "-r", "--regex"],
  delete: ["ID", "-f", "--force", "-r", "--regex"],
  list: ["", "-f", "--format=json", "-q", "--quiet"],
  pause: ["ID"],
  resume: ["ID"],
  ps: ["ID", "-f", "--format=json"],
  events: ["ID", "--interval=1s", "--stats"],
  spec: ["", "-b", "--bundle=x", "--rootless", "-f", "--file=x"],
  doctor: ["", "--json"],
  trace: ["FILE"],
  validate: ["", "-b", "--bundle=x", "-f", "--config=x", "--json"],
  features: [""],
};

test("every command that `box --help` lists has a table of that name, and the other way round", () => {
  assert.deepEqual(
    tables.map(({ name }) => name),
    commands.map(([name]) => name),
  );
});

for (const table of tables) {
  test(`box ${table.name} --help tells every option`, () => {
    const help = commandHelp(table);
    for (const { name, short, value, help: text, obsolete } of allOptions(table)) {
      const head = `${short === undefined ? "   " : `-${short},`} --${name}${value === undefined ? "" : ` ${value}`} `;
      const isTold = help.split("\n").some((line) => line.startsWith(`  ${head}`) && line.endsWith(` ${text}`));
      assert.equal(isTold, obsolete !== true, name);
    }
  });

  test(`box ${table.name} has no two options of one name`, () => {
    const names = allOptions(table).flatMap(({ name, short = [], also = [] }) => [name, short, also].flat());
    assert.equal(new Set(names).size, names.length);
  });

  test(`box ${table.name} takes what its callers send`, () => {
    const [operands, ...options] = contract[table.name] ?? [];
    assert.ok(operands !== undefined);
    const words = operands === "" ? [] : operands.split(" ");
    const short = new Map(table.options.map((option) => [`-${option.short}`, option]));
    for (const option of options) {
      const args = short.get(option)?.value === undefined ? [option] : [option, "x"];
      assert.deepEqual(parseArguments(table, [...args, ...words]).operands, words, option);
      // Where a command line of its own follows, all after the first operand belongs to that.
      const after = table.optionsFirst === true ? [...words, ...args] : words;
      assert.deepEqual(parseArguments(table, [...words, ...args]).operands, after, option);
    }
  });
}
