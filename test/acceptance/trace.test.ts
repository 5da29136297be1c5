import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { command } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { Runtime } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("trace", { boxOnly: "--trace" });

interface Event {
  pid: number;
  tid: number;
  name: string;
  ph: "M" | "X";
  cat?: "step" | "syscall";
  ts?: number;
  dur?: number;
  args?: { name?: string; about?: string; result?: string | number };
}

/** The end of the array is left out, as the format allows. */
const events = (path: string): Event[] => JSON.parse(`${readFileSync(path, "utf8").replace(/,\n$/, "")}]`) as Event[];

const box = (lab: Lab, ...args: string[]) => command([context.runtime.path, "--root", lab.root, ...args]);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * What the Trace Event Format asks of the events that box writes, and what its readers need to draw them: names for all
 * rows, and spans of one row that lie within each other or side by side.
 */
function assertValid(all: readonly Event[]): void {
  for (const event of all) {
    const { pid, tid, name, ph, cat, ts = NaN, dur = NaN, args } = event;
    assert.ok(isCount(pid) && isCount(tid) && name.length > 0, JSON.stringify(event));
    if (ph === "M") assert.ok(name.endsWith("_name") && typeof args?.name === "string", JSON.stringify(event));
    else assert.ok(ph === "X" && (cat === "step" || cat === "syscall") && ts > 0 && dur >= 0, JSON.stringify(event));
  }
  for (const key of new Set(all.map(({ pid, tid }) => `${pid} ${tid}`))) {
    const row = all.filter(({ pid, tid }) => `${pid} ${tid}` === key);
    assert.ok(row.some(({ name }) => name === "thread_name"));
    const spans = row.filter(({ ph }) => ph === "X") as (Event & { ts: number; dur: number })[];
    const ends: number[] = [];
    for (const { name, ts, dur } of spans.sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      while (ends.length > 0 && (ends.at(-1) as number) <= ts) ends.pop();
      // Sums of fractions of microseconds are off in their last digits.
      assert.ok(
        ends.every((end) => ts + dur <= end + 0.001),
        `${name} at ${ts} goes beyond what it lies in`,
      );
      ends.push(ts + dur);
    }
  }
  for (const pid of new Set(all.map((event) => event.pid)))
    assert.ok(all.some((event) => event.pid === pid && event.name === "process_name"));
}

const namesOf = (all: readonly Event[], name: string): (string | undefined)[] =>
  all.filter((event) => event.ph === "M" && event.name === name).map(({ args }) => args?.name);

scenario(
  "create writes its record before the pid file, and not again: whoever reads that may start it",
  async (lab) => {
    const file = lab.path("trace.json");
    const { place } = lab.runtime;
    const runtime = new Runtime({ ...place, flags: [...place.flags, "--trace", file] });
    const container = await lab.container(["/bin/true"], undefined, runtime).create();
    const host = events(file).filter(({ tid, name }) => tid === 1 && name === "renameat");
    const renamed = host.map(({ args }) => args?.about ?? "");
    assert.match(renamed.at(-1) ?? "", new RegExp(`^\\.${basename(container.pidFile).slice(0, 200)}`));
    assert.match(renamed.at(-2) ?? "", /^\.state\.json\./);
  },
);

scenario("run leaves a timeline of both sides with steps and system calls", async (lab) => {
  const container = lab.container(["/bin/true"]);
  const file = lab.path("trace.json");
  ok(await box(lab, "--trace", file, "run", "--bundle", container.bundle, container.id));
  const all = events(file);
  assert.deepEqual(namesOf(all, "process_name"), [`box run --bundle ${container.bundle} ${container.id}`]);
  assert.deepEqual(namesOf(all, "thread_name").slice(0, 2).sort(), ["child", "host side"]);
  assert.ok(namesOf(all, "thread_name").includes("init"));
  const [host, init] = [...new Set(all.map(({ tid }) => tid))].sort((a, b) => a - b);
  for (const [tid, step, call] of [
    [host, "plan", "clone3"],
    [init, "mounts", "move_mount"],
  ] as const) {
    const own = all.filter((event) => event.tid === tid);
    assert.ok(own.some(({ cat, name }) => cat === "step" && name === step));
    assert.ok(own.some(({ cat, name }) => cat === "syscall" && name === call));
  }
  const spans = all.filter(({ ph }) => ph === "X");
  assert.ok(spans.every(({ ts, dur }) => (ts as number) > 0 && (dur as number) >= 0));
  assert.ok(spans.some(({ args }) => args?.about?.endsWith("/config.json") === true));
});

scenario("several commands add to one file, and box trace prints it", async (lab) => {
  const container = lab.container(["/bin/true"]);
  container.spec.hooks = { poststart: [{ path: "/bin/true" }] };
  container.writeConfig();
  const file = lab.path("trace.json");
  const flags = ["--trace", file];
  ok(await box(lab, ...flags, "run", "--detach", "--bundle", container.bundle, container.id));
  ok(await box(lab, ...flags, "delete", "--force", container.id));
  const { stdout } = ok(await box(lab, "trace", file));
  assert.equal(stdout.match(/^box (run|delete) /gm)?.length, 2);
  assert.match(stdout, /^ +\d+\.\d{3} +\d+\.\d{3} +\d+ +\d+\.\d{3} {3}hooks\.poststart\[0\]/m);
  assert.equal(stdout.match(/longest calls/g)?.length, 2);
});

scenario("every command leaves a valid timeline", { needs: ["cgroup: freezer", "userspace: ps"] }, async (lab) => {
  const container = await lab.running();
  const { id, bundle } = container;
  const traced = async (name: string, ...args: string[]) => {
    const file = lab.path(`${name}.json`);
    ok(await box(lab, "--trace", file, name, ...args));
    const all = events(file);
    assertValid(all);
    assert.ok(
      all.some(({ cat, name: step }) => cat === "step" && step === name),
      `no step of ${name}`,
    );
    assert.ok(
      all.some(({ cat }) => cat === "syscall"),
      `no call of ${name}`,
    );
  };
  await traced("state", id);
  await traced("list");
  await traced("exec", id, "/bin/true");
  await traced("ps", id);
  await traced("events", "--stats", id);
  await traced("update", "--pids-limit", "100", id);
  await traced("pause", id);
  await traced("resume", id);
  await traced("features");
  await traced("doctor");
  await traced("validate", "--bundle", bundle);
  mkdirSync(lab.path("empty"));
  await traced("spec", "--bundle", lab.path("empty"));
  const waiting = traced("wait", id);
  await traced("kill", id, "KILL");
  await waiting;
  await container.exit();
  await traced("delete", id);

  const other = lab.container(["/bin/true"]);
  await traced("run", "--bundle", other.bundle, other.id);
  const third = lab.container(["/bin/probe", "wait"]);
  const file = lab.path("create.json");
  await lab.watch(lab.runtime.shim(["--trace", file, "create", "--bundle", third.bundle, third.id])).ok();
  await traced("start", third.id);
  assertValid(events(file));
});

scenario("a created init goes on in the file of create until the program is executed", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const file = lab.path("trace.json");
  const create = ["--trace", file, "create", "--bundle", container.bundle, container.id];
  await lab.watch(lab.runtime.shim(create)).ok();
  const before = events(file).length;
  ok(await lab.runtime.start(container.id));
  assert.ok(events(file).length > before);
  assert.ok(events(file).some(({ cat, name }) => cat === "step" && name === "privileges"));
});

scenario("the program has no descriptor of the trace", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"]);
  const { stdout } = ok(
    await box(lab, "--trace", lab.path("trace.json"), "run", "--bundle", container.bundle, container.id),
  );
  // The last is the directory that ls reads.
  assert.equal(stdout, "0 1 2 3 ");
});

scenario("a trace that cannot be opened is an error, and a link is not followed", async (lab) => {
  refused(await box(lab, "--trace", lab.path("none/trace.json"), "list"), /--trace: openat.*ENOENT/);
  symlinkSync(lab.path("target"), lab.path("link"));
  refused(await box(lab, "--trace", lab.path("link"), "list"), /--trace: openat.*ELOOP/);
  assert.equal(lstatSync(lab.path("target"), { throwIfNoEntry: false }), undefined);
});

scenario("box trace refuses what is no trace", async (lab) => {
  writeFileSync(lab.path("other.json"), '{"a": 1}\n\n');
  refused(await box(lab, "trace", lab.path("other.json")), /line 1 is not of a --trace file/);
});
