import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import { isAlive } from "./harness/host.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("lifecycle");

scenario("a container passes through created, running and stopped", async (lab) => {
  const container = await lab.created(["/bin/sh", "-c", "echo ready; read line; exit 7"]);
  await container.expectStatus("created");
  await container.start();
  await container.line(/^ready$/);
  await container.expectStatus("running");
  container.say("go on\n");
  assert.equal(await container.exit(), "exit 7");
  await container.expectStatus("stopped");
  await container.delete();
  refused(await lab.runtime.state(container.id), /does not exist/);
});

scenario(
  "create does not run the program",
  { clause: 'runtime.md, Create: "the user-specified program MUST NOT be run"' },
  async (lab) => {
    const container = lab.container(["/bin/cat", "/moment"]);
    writeFileSync(join(container.rootfs, "moment"), "create\n");
    await container.create();
    writeFileSync(join(container.rootfs, "moment"), "start\n");
    await container.start();
    assert.equal(await container.output(), "start\n");
  },
);

scenario(
  "state has every member that the specification asks for when created",
  { clause: "runtime.md, State" },
  async (lab) => {
    const container = await lab.created(undefined, (spec) => {
      spec.annotations = { "org.example.key": "a value", "org.example.empty": "" };
    });
    const state = await container.state();
    assert.match(state.ociVersion, /^1\.\d+\.\d+/);
    assert.equal(state.id, container.id);
    assert.equal(state.status, "created");
    assert.equal(state.pid, container.pid);
    assert.equal(state.bundle, container.bundle);
    assert.deepEqual(state.annotations, { "org.example.key": "a value", "org.example.empty": "" });
  },
);

scenario("state has pid 0 when stopped", async (lab) => {
  const container = await lab.stopped();
  assert.equal((await container.expectStatus("stopped")).pid, 0);
});

scenario(
  "state prints an absolute bundle when create was given a relative one",
  { clause: "runtime.md, State: bundle is an absolute path" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"]);
    const shim = lab.watch(lab.runtime.create(container.id, "./bundle-1", [], { cwd: lab.dir }));
    await shim.ok();
    const state = JSON.parse(ok(await lab.runtime.state(container.id)).stdout) as State;
    assert.equal(state.bundle, container.bundle);
  },
);

scenario("create uses the working directory when no bundle is named", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const shim = lab.watch(lab.runtime.shim(["create", container.id], { cwd: container.bundle }));
  await shim.ok();
  assert.equal((await container.state()).bundle, container.bundle);
});

scenario("the pid file has the pid of init, and nothing else", async (lab) => {
  const container = await lab.created();
  assert.equal(readFileSync(container.pidFile, "utf8"), `${(await container.state()).pid}`);
});

scenario("the pid file is not there when create fails", { boxOnly: "the pid file is written last" }, async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.mounts.push({ destination: "/mnt", type: "nosuchfs", source: "none" });
  });
  refused(await container.creating().result());
  assert.ok(!existsSync(container.pidFile));
});

scenario("init is a child of the nearest subreaper after create", async (lab) => {
  const container = await lab.created();
  await container.stop();
});

scenario(
  "changes to config.json after create have no effect",
  { clause: 'runtime.md, Lifecycle 2: "Any updates to config.json after this step MUST NOT affect the container"' },
  async (lab) => {
    const container = await lab.created(["/bin/echo", "first"]);
    container.spec.process.args = ["/bin/echo", "second"];
    container.writeConfig();
    await container.start();
    assert.equal(await container.output(), "first\n");
  },
);

scenario("a container outlives its config.json", async (lab) => {
  const container = await lab.created(["/bin/echo", "here"]);
  rmSync(join(container.bundle, "config.json"));
  await container.start();
  assert.equal(await container.output(), "here\n");
  await container.exit();
  await container.delete();
});

scenario("start returns before the program ends", async (lab) => {
  const container = await lab.created(["/bin/sh", "-c", "read line"]);
  await container.start();
  await container.expectStatus("running");
  container.say("\n");
  await container.exit();
});

scenario(
  "an id can be used again after delete",
  { clause: 'runtime.md, Lifecycle 12: "the ID … MAY be used by subsequent containers"' },
  async (lab) => {
    const container = await lab.stopped();
    await container.delete();
    await container.create();
    await container.start();
    assert.equal(await container.exit(), "exit 0");
  },
);

scenario("two containers of one bundle run side by side", async (lab) => {
  const first = await lab.running();
  const second = lab.newId();
  first.spec.linux.cgroupsPath = lab.cgroupsPath(second);
  first.writeConfig();
  const shim = lab.watch(lab.runtime.create(second, first.bundle));
  await shim.ok();
  lab.later(async () => void ok(await lab.runtime.delete(second, "--force")));
  ok(await lab.runtime.start(second));
  await shim.stdout.line(/^ready$/);
  assert.equal((await first.state()).status, "running");
});

scenario("containers of different state directories know nothing of each other", async (lab) => {
  const container = await lab.created();
  refused(await lab.runtimeAt(lab.path("other")).state(container.id), /does not exist/);
});

scenario(
  "state says stopped when init is a zombie",
  { clause: "runtime.md, State: stopped means that the process has exited" },
  async (lab) => {
    const container = await lab.container(["/bin/true"]).create([], { keepZombies: true });
    await container.start();
    await container.shim.zombie(container.pid);
    await container.expectStatus("stopped");
    container.shim.reap();
    await container.exit();
  },
);

scenario("delete works when init is a zombie", async (lab) => {
  const container = await lab.container(["/bin/true"]).create([], { keepZombies: true });
  await container.start();
  await container.shim.zombie(container.pid);
  await container.delete();
  container.shim.reap();
  await container.exit();
});

scenario("a created container whose init is killed from outside is stopped", async (lab) => {
  const container = await lab.created();
  process.kill(container.pid, "SIGKILL");
  assert.equal(await container.exit(), "signal 9");
  await container.expectStatus("stopped");
  refused(await lab.runtime.start(container.id), /stopped|not (in )?created|init/);
});

scenario("a running container whose init is killed from outside is stopped", async (lab) => {
  const container = await lab.running();
  process.kill(container.pid, "SIGKILL");
  await container.exit();
  await container.expectStatus("stopped");
});

scenario(
  "start is refused and says so when the container runs already",
  { clause: "runtime.md, Start" },
  async (lab) => {
    const container = await lab.running();
    refused(await lab.runtime.start(container.id), /cannot start an already running container/);
    assert.ok(isAlive(container.pid));
  },
);

scenario(
  "start is refused and says so when the container has stopped",
  { clause: "runtime.md, Start" },
  async (lab) => {
    const container = await lab.stopped();
    refused(await lab.runtime.start(container.id), /cannot start a container that has stopped/);
  },
);

scenario(
  "create says that the id is taken when it is",
  { clause: 'runtime.md, Create: "If the ID … is not unique … the implementation MUST generate an error"' },
  async (lab) => {
    const container = await lab.running();
    refused(
      await lab.watch(lab.runtime.create(container.id, container.bundle)).result(),
      /container with given ID already exists/,
    );
    await container.expectStatus("running");
  },
);

scenario(
  "the state directory is private to its owner",
  { boxOnly: "the layout of the state directory" },
  async (lab) => {
    const { statSync } = await import("node:fs");
    const container = await lab.created();
    assert.equal(statSync(join(lab.root, container.id)).mode & 0o7777, 0o700);
  },
);

scenario(
  "state.json follows the container through its life",
  { boxOnly: "the layout of the state directory" },
  async (lab) => {
    const onDisk = (id: string): { phase: string } =>
      JSON.parse(readFileSync(join(lab.root, id, "state.json"), "utf8")) as { phase: string };
    const { container, release } = await lab.held(["/bin/sh", "-c", "echo ready; read line"]);
    assert.equal(onDisk(container.id).phase, "creating");
    release();
    await container.shim.ok();
    container.notePid();
    assert.equal(onDisk(container.id).phase, "created");
    await container.start();
    assert.equal(onDisk(container.id).phase, "running");
    container.say("\n");
    await container.exit();
    await container.delete();
    assert.deepEqual(lab.stateEntries(), []);
  },
);

scenario("a relative state root starts from the caller's directory", { boxOnly: "where the state is" }, async (lab) => {
  const container = lab.container(["/bin/true"]);
  const argv = [context.runtime.path, "--root", "state", "run", "--keep", "--bundle", container.bundle, container.id];
  ok(await command(argv, { cwd: lab.dir }));
  assert.ok(existsSync(lab.path(`state/${container.id}`)));
});

scenario(
  "create refuses a directory as the pid file, and leaves it and what else it has not written",
  { boxOnly: "told by box" },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    mkdirSync(lab.path("directory"));
    const flags = ["--pid-file", lab.path("directory")];
    const shim = lab.watch(lab.runtime.create(container.id, container.bundle, flags));
    refused(await shim.result(), /--pid-file: .*\(EISDIR\)\n$/);
    assert.ok(existsSync(lab.path("directory")));
    await shim.finished();
    assert.deepEqual(lab.leaks(), []);
  },
);
