import assert from "node:assert/strict";
import { lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { command } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
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

const namesOf = (all: readonly Event[], name: string): (string | undefined)[] =>
  all.filter((event) => event.ph === "M" && event.name === name).map(({ args }) => args?.name);

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
