/** NOTIFY_SOCKET: a container that tells the manager of its caller's service that it is ready, sd_notify(3). */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import { Container, makeSpec } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { isAlive } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { Lines } from "./harness/lines.ts";
import type { Shim } from "./harness/shim.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("notify");

/** The suite's service manager. */
class Manager {
  readonly env: { NOTIFY_SOCKET: string };
  readonly lines: Lines;
  readonly #child: ChildProcess;

  private constructor(address: string) {
    this.env = { NOTIFY_SOCKET: address };
    const child = spawn(context.probe, ["manager", address], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.on("error", () => undefined);
    this.#child = child;
    this.lines = new Lines(child.stdout);
  }

  static async at(lab: Lab, address = lab.path("manager.sock")): Promise<Manager> {
    const manager = new Manager(address);
    lab.later(() => manager.end());
    await manager.lines.line(/^ready$/);
    return manager;
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.lines.end();
  }

  /** Lets go of the descriptors that came with the last message. */
  confirm(): void {
    this.#child.stdin?.write("\n");
  }

  /** Every message until now. */
  async messages(): Promise<string[]> {
    // Nothing overtakes what is sent last.
    ok(await command([context.probe, "notify"], { env: this.env, input: "LAST=1\n" }));
    await this.lines.line(/^LAST=1 \(0\)$/);
    return this.lines.text.split("\n").slice(1, -2);
  }

  /** All that was said, up to the barrier, which waits for `confirm`. Some say all at once, some line by line. */
  async untilBarrier(): Promise<string[]> {
    await this.lines.line(/^BARRIER=1 \(1\)$/);
    return this.lines.text
      .split("\n")
      .slice(1, -2)
      .flatMap((line) => line.split(" "))
      .filter((word) => /^\w+=/.test(word))
      .toSorted();
  }
}

let roots = 0;

/** A container whose state directory has a path that is short enough for every runtime to bind a socket there. */
function service(lab: Lab, args = ["/bin/probe", "notify"], change?: (spec: Spec) => void): Container {
  const root = join(context.dir, `n${process.pid}${++roots}`);
  const id = lab.newId();
  const spec = makeSpec(args, lab.cgroupsPath(id), change);
  const container = new Container(lab.runtimeAt(root), id, lab.path(`bundle-${id}`), spec);
  lab.later(async () => {
    ok(await container.runtime.delete(id, "--force"));
    await container.shimOrNone?.finished();
    assert.ok(!existsSync(join(root, id)));
  });
  return container;
}

/** `start` under the manager, not waited for. */
function starting(lab: Lab, { runtime, id }: Container, env: { NOTIFY_SOCKET: string }): Shim {
  return lab.watch(runtime.shim(["start", id], { env }));
}

/** Has the program send a message, and sees that it is taken. */
async function tells(container: Container, message: string): Promise<void> {
  container.say(`${message}\n`);
  assert.equal(await container.line(), "sent");
}

scenario("the program has a socket of its own, which it can only send to", async (lab) => {
  const manager = await Manager.at(lab);
  const container = service(lab, ["/bin/sh", "-c", "env; ls -l /run/notify; touch /run/notify/x; cat /proc/mounts"]);
  await container.create([], { env: manager.env });
  assert.equal(await starting(lab, container, manager.env).exited(), "exit 0");
  const output = await container.output();
  assert.match(output, /^NOTIFY_SOCKET=\/run\/notify\/notify.sock$/m);
  assert.match(output, /^srwxrwxrwx .* notify.sock$/m);
  assert.match(output, / \/run\/notify \S+ ro,nosuid,nodev,noexec/);
  assert.match(await container.shim.stderr.end(), /Read-only file system/);
});

scenario("start waits until the program is ready, tells its pid, and until the manager knows", async (lab) => {
  const manager = await Manager.at(lab);
  const container = await service(lab).create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  await container.expectStatus("running");
  await tells(container, "READY=1");
  assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${container.pid}`, "READY=1"]);
  await container.expectStatus("running");
  assert.ok(isAlive(await start.started()), "start did not wait for the manager");
  manager.confirm();
  assert.equal(await start.exited(), "exit 0");
  await container.expectStatus("running");
});

scenario("run --detach waits as start does", async (lab) => {
  const manager = await Manager.at(lab);
  const container = service(lab);
  const run = container.running(["--detach"], { env: manager.env });
  await container.line(/^ready$/);
  await tells(container, "READY=1");
  const { pid } = await container.state();
  assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${pid}`, "READY=1"]);
  manager.confirm();
  assert.equal(await run.exited(), "exit 0");
});

scenario(
  "run in the foreground tells no pid: it stays the service's process itself",
  { boxOnly: "runc looks for READY=1 in the first tenth of a second only" },
  async (lab) => {
    const manager = await Manager.at(lab);
    const container = service(lab);
    const run = container.running([], { env: manager.env });
    await container.line(/^ready$/);
    await tells(container, "STATUS=soon");
    await tells(container, "STATUS=now READY=1");
    assert.equal(await manager.lines.line(), "READY=1 (0)");
    container.say("READY=1\n");
    await container.line(/^errno/);
    container.shim.stdin.end();
    assert.equal(await run.exited(), "exit 0");
    assert.deepEqual(await manager.messages(), ["READY=1 (0)"]);
  },
);

scenario("run in the foreground passes on what a program says last", { boxOnly: "as above" }, async (lab) => {
  const manager = await Manager.at(lab);
  const container = service(lab, ["/bin/sh", "-c", "echo READY=1 | probe notify; exit 7"]);
  assert.equal(await container.running([], { env: manager.env }).exited(), "exit 7");
  assert.equal(await manager.lines.line(), "READY=1 (0)");
});

scenario("start passes on what a program says last", { boxOnly: "runc may miss it" }, async (lab) => {
  const manager = await Manager.at(lab);
  const container = service(lab, ["/bin/sh", "-c", "echo READY=1 | probe notify; exit 7"]);
  await container.create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  assert.equal(await container.exit(), "exit 7");
  assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${container.pid}`, "READY=1"]);
  manager.confirm();
  assert.equal(await start.exited(), "exit 0");
});

scenario("start returns when the program ends without a word", async (lab) => {
  const manager = await Manager.at(lab);
  const container = await service(lab).create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  container.shim.stdin.end();
  assert.equal(await container.exit(), "exit 0");
  assert.equal(await start.exited(), "exit 0");
  assert.deepEqual(await manager.messages(), []);
});

scenario("a deleted container ends the wait for its word", async (lab) => {
  const manager = await Manager.at(lab);
  const container = await service(lab).create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  // Before it has recorded that the program runs, start is itself ended by the deletion.
  const record = join(container.runtime.place.root, container.id, "state.json");
  if (context.runtime.name === "box")
    await until("start has recorded it", () => readFileSync(record, "utf8").includes('"phase":"running"'));
  await container.delete("--force");
  assert.equal(await start.exited(), "exit 0");
});

const hostile: [what: string, message: string][] = [
  ["a word that only begins so", "READY=10 XREADY=1 READY=1x READY"],
  ["another main process", "MAINPID=1"],
  ["the whole of the protocol", "FDSTORE=1 WATCHDOG=trigger STOPPING=1 ERRNO=5 BARRIER=1"],
  ["descriptors", "1x64 FDSTORE=1"],
  ["a long message", `${"x".repeat(60_000)} READY=1`],
  ["thousands of messages", "5000x3 STATUS=flood"],
  ["nothing", "1x0 "],
];

scenario(
  "the container cannot make the manager believe anything else",
  { boxOnly: "its own words only" },
  async (lab) => {
    const manager = await Manager.at(lab);
    const container = await service(lab).create([], { env: manager.env });
    const start = starting(lab, container, manager.env);
    await container.line(/^ready$/);
    for (const [, message] of hostile) await tells(container, message);
    await tells(container, "1x2 MAINPID=1 READY=1 STATUS=x");
    assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${container.pid}`, "READY=1"]);
    manager.confirm();
    assert.equal(await start.exited(), "exit 0");
    assert.deepEqual(await manager.messages(), [`MAINPID=${container.pid} READY=1 (0)`, "BARRIER=1 (1)"]);
  },
);

scenario("run in the foreground serves its signals in a flood of messages", { boxOnly: "as above" }, async (lab) => {
  const manager = await Manager.at(lab);
  const script =
    "(yes STATUS=flood | probe notify >/dev/null) & trap 'exit 9' TERM; echo ready; while :; do wait; done";
  const container = service(lab, ["/bin/sh", "-c", script]);
  const run = container.running([], { env: manager.env });
  await container.line(/^ready$/);
  process.kill(await run.started(), "SIGTERM");
  assert.equal(await run.exited(), "exit 9");
});

scenario("a program in a user namespace can tell", async (lab) => {
  const manager = await Manager.at(lab);
  const container = service(lab, ["/bin/probe", "notify"], ({ linux, process }) => {
    // Of an ordinary user's container the suite's own one.
    if (context.user === undefined) {
      linux.namespaces.push({ type: "user" });
      linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    }
    process.user = { uid: 1000, gid: 1000 };
  });
  // The container's root may not write to the image.
  mkdirSync(join(container.rootfs, "run/notify"), { recursive: true });
  await container.create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  await tells(container, "READY=1");
  assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${container.pid}`, "READY=1"]);
  manager.confirm();
  assert.equal(await start.exited(), "exit 0");
});

scenario("the manager's address may be abstract", async (lab) => {
  const manager = await Manager.at(lab, `@${lab.token}manager`);
  const container = await service(lab).create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  await tells(container, "READY=1");
  assert.deepEqual(await manager.untilBarrier(), [`MAINPID=${container.pid}`, "READY=1"]);
  manager.confirm();
  assert.equal(await start.exited(), "exit 0");
});

scenario("exec has nothing to do with it", async (lab) => {
  const { runtime, id } = await lab.running();
  const env = { NOTIFY_SOCKET: lab.path("nobody.sock") };
  const { stdout } = ok(await runtime.exec(id, ["/bin/env"], [], { env }));
  assert.doesNotMatch(stdout, /NOTIFY/);
});

scenario("without a manager there is no socket", async (lab) => {
  const container = service(lab, ["/bin/sh", "-c", "env; ls -d /run/notify"]);
  await container.create([], { env: { NOTIFY_SOCKET: "" } });
  assert.equal(await starting(lab, container, { NOTIFY_SOCKET: "" }).exited(), "exit 0");
  assert.doesNotMatch(await container.output(), /notify/i);
});

for (const [what, address, text] of [
  [
    "is not there",
    "/nonexistent/manager.sock",
    /NOTIFY_SOCKET: connect\("\/nonexistent\/manager.sock"\): no such file/,
  ],
  ["cannot be an address", `/${"long".repeat(40)}`, /NOTIFY_SOCKET: .*name too long/],
  [
    "is of another kind",
    "vsock:2:1234",
    /NOTIFY_SOCKET: must be an absolute path or begin with "@", not "vsock:2:1234"/,
  ],
] as const)
  scenario(`a manager that ${what} is told before anything is made`, { boxOnly: "asked first" }, async (lab) => {
    const { runtime, bundle, id } = lab.container(["/bin/true"]);
    const env = { NOTIFY_SOCKET: address };
    for (const command of [["create"], ["run"], ["run", "--detach"]])
      refused(await runtime.call([...command, "--bundle", bundle, id], { env }), text);
    assert.deepEqual(lab.stateEntries(), []);
  });

scenario("start refuses a manager of which create did not know", async (lab) => {
  const manager = await Manager.at(lab);
  const container = await service(lab).create();
  refused(
    await container.runtime.call(["start", container.id], { env: manager.env }),
    /^box: start "[^"]+": NOTIFY_SOCKET: the container was created without one\n$/,
  );
  await container.expectStatus("created");
  assert.equal(await starting(lab, container, { NOTIFY_SOCKET: "" }).exited(), "exit 0");
});

scenario("a program that cannot be started is told, and leaves nothing", async (lab) => {
  const manager = await Manager.at(lab);
  const { runtime, bundle, id } = service(lab, ["/nonexistent"]);
  refused(await runtime.call(["run", "--detach", "--bundle", bundle, id], { env: manager.env }), /no such file/);
});

scenario("a manager that has gone is a warning: the program runs", { boxOnly: "runc fails then" }, async (lab) => {
  const manager = await Manager.at(lab);
  const container = await service(lab).create([], { env: manager.env });
  const start = starting(lab, container, manager.env);
  await container.line(/^ready$/);
  await manager.end();
  await tells(container, "READY=1");
  assert.equal(await start.exited(), "exit 0");
  assert.match(await start.stderr.end(), /^box: warning: NOTIFY_SOCKET: sendmsg.*\n$/);
  await container.expectStatus("running");
});
