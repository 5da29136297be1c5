/** Between create, init and start: peers that misbehave, and processes that are killed at any moment. */
import assert from "node:assert/strict";
import { closeSync, constants, existsSync, openSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupsNamed, isAlive } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { Lines } from "./harness/lines.ts";
import { patient } from "./harness/patience.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("handshake", { boxOnly: "the init handshake" });

/** A connection to init's socket, whose path is too long for sun_path. */
async function peer(lab: Lab, container: Container): Promise<Socket> {
  const directory = openSync(join(lab.root, container.id), constants.O_RDONLY | constants.O_DIRECTORY);
  lab.later(() => closeSync(directory));
  const attempt = (): Promise<Socket | undefined> =>
    new Promise((resolve, reject) => {
      const socket = connect(`/proc/self/fd/${directory}/init.sock`, () => resolve(socket));
      lab.later(() => void socket.destroy());
      // EAGAIN: more wait in the queue than it holds, until init comes to accept them.
      socket.on("error", (error: NodeJS.ErrnoException) =>
        error.code === "EAGAIN" ? resolve(undefined) : reject(error),
      );
    });
  return await until("init accepts the connection", attempt);
}

function frame(body: string, change: { magic?: string; version?: number; length?: number } = {}): Buffer {
  const { magic = "BX", version = 1, length = Buffer.byteLength(body) } = change;
  const header = Buffer.alloc(8);
  header.write(magic, "latin1");
  header[2] = version;
  header.writeUInt32LE(length, 4);
  return Buffer.concat([header, Buffer.from(body)]);
}

const start = JSON.stringify({ type: "start" });

const manners: [string, Buffer | undefined, "stays" | "leaves"][] = [
  ["says nothing and stays", undefined, "stays"],
  ["says nothing and leaves", undefined, "leaves"],
  ["sends garbage and stays", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "stays"],
  ["sends garbage and leaves", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "leaves"],
  ["sends one byte and stays", Buffer.from("B"), "stays"],
  ["sends half a header and leaves", frame(start).subarray(0, 5), "leaves"],
  ["sends a header without its body and stays", frame(start).subarray(0, 8), "stays"],
  ["sends half a body and leaves", frame(start).subarray(0, 12), "leaves"],
  ["announces 4 GB and stays", frame(start, { length: 0xffff_ffff }), "stays"],
  ["announces a byte more than is allowed", frame(start, { length: 65_537 }), "stays"],
  ["sends a megabyte of zeros", Buffer.alloc(1 << 20), "stays"],
  ["speaks another version", frame(start, { version: 2 }), "stays"],
  ["speaks another protocol", frame(start, { magic: "XB" }), "stays"],
  ["sends a body that is no JSON", frame("start"), "stays"],
  ["sends an empty body", frame(""), "stays"],
  ["sends a list", frame("[]"), "stays"],
  ["sends an unknown word", frame('{"type":"frobnicate"}'), "stays"],
  ["sends a word of another step", frame('{"type":"commit","start":true}'), "stays"],
  ["sends a body of deep lists", frame(`${"[".repeat(30_000)}${"]".repeat(30_000)}`), "stays"],
];

for (const [what, bytes, end] of manners) {
  scenario(`start works after a peer that ${what}`, async (lab) => {
    const container = await lab.created(["/bin/echo", "started"]);
    const socket = await peer(lab, container);
    if (bytes !== undefined) socket.write(bytes);
    if (end === "leaves") socket.end();
    await container.expectStatus("created");
    await container.start();
    assert.equal(await container.output(), "started\n");
  });
}

for (const [what, bytes] of [
  ["sends garbage", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["announces a byte more than is allowed", frame(start, { length: 65_537 })],
  ["speaks another version", frame(start, { version: 2 })],
  ["sends an unknown word", frame('{"type":"frobnicate"}')],
] as const) {
  scenario(`a peer that ${what} is told and dropped`, async (lab) => {
    const container = await lab.created();
    const socket = await peer(lab, container);
    const answer = new Lines(socket);
    socket.write(bytes);
    assert.match(await answer.end(), /^BX.*"type":"failed","message":"handshake: /s);
    await container.expectStatus("created");
  });
}

scenario("start works when 50 peers wait already", async (lab) => {
  const container = await lab.created(["/bin/echo", "started"]);
  for (let n = 0; n < 50; n++) await peer(lab, container);
  await container.start();
  assert.equal(await container.output(), "started\n");
});

scenario("the socket is gone once the program runs", async (lab) => {
  const container = await lab.running();
  // Its name is there until the container is deleted.
  await assert.rejects(peer(lab, container), { code: "ECONNREFUSED" });
});

scenario("start says so when the socket is gone, and delete --force cleans up", async (lab) => {
  const container = await lab.created();
  rmSync(join(lab.root, container.id, "init.sock"));
  refused(await lab.runtime.start(container.id));
  await container.delete("--force");
});

scenario(
  "start is refused to another user",
  { root: "files and processes of other users", needs: ["userspace: setpriv"] },
  async (lab) => {
    const container = await lab.created();
    const other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    refused(await command([...other, ...lab.runtime.argv(["start", container.id])]));
    await container.expectStatus("created");
  },
);

scenario("create reports that init was killed, and leaves nothing", async (lab) => {
  const { container, release } = await lab.held();
  const { pid = 0 } = await container.state();
  assert.ok(pid > 0, "state does not tell the pid of init");
  process.kill(pid, "SIGKILL");
  release();
  refused(await container.shim.result());
  await container.shim.finished();
  assert.deepEqual(lab.leaks(), []);
});

scenario("init ends when create is killed; the container is stopped and can be deleted by force", async (lab) => {
  const { container, release } = await lab.held();
  const { pid = 0 } = await container.state();
  process.kill(await container.shim.started(), "SIGKILL");
  assert.equal(await container.shim.exited(), "signal 9");
  await until("init has ended", () => !isAlive(pid));
  release();
  await container.shim.finished();
  await container.expectStatus("stopped");
  refused(await lab.runtime.start(container.id));
  await container.delete("--force");
  assert.deepEqual(lab.leaks(), []);
});

scenario("init ends when create is killed while init runs a hook", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const here = lab.fifo("here");
  container.spec.hooks = {
    createContainer: [
      { path: "/bin/sh", args: ["sh", "-c", `cat >/dev/null; echo held >${here.path}; exec tail -f /dev/null`] },
    ],
  };
  container.writeConfig();
  container.creating();
  await here.lines.line(/^held$/);
  process.kill(await container.shim.started(), "SIGKILL");
  await container.shim.finished();
  await container.expectStatus("stopped");
  await container.delete("--force");
});

scenario("a create that is killed at any moment can be deleted by force", { limit: 120_000 }, async (lab) => {
  for (let step = 0; step < 40; step++) {
    const container = lab.container(["/bin/probe", "wait"]);
    const shim = container.creating();
    const pid = await shim.started();
    // Which moment that is depends on the machine; that nothing is left does not.
    await new Promise((resolve) => setTimeout(resolve, patient(step / 2)));
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It had finished.
    }
    const how = await shim.exited();
    const state = await lab.runtime.state(container.id);
    if (how === "signal 9" && state.status === 0) {
      await until("it is stopped or created", async () =>
        ["stopped", "created"].includes((await container.state()).status),
      );
    }
    ok(await lab.runtime.delete(container.id, "--force"));
    await shim.finished();
    assert.deepEqual(lab.leaks(), [], `killed after ${patient(step / 2)} ms`);
  }
});

scenario(
  "a start that is killed at any moment leaves a container that can be deleted by force",
  { limit: 120_000 },
  async (lab) => {
    for (let step = 0; step < 20; step++) {
      const container = await lab.created();
      const shim = lab.watch(lab.runtime.shim(["start", container.id]));
      const pid = await shim.started();
      await new Promise((resolve) => setTimeout(resolve, patient(step / 4)));
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It had finished.
      }
      await shim.exited();
      assert.match((await container.state()).status, /^(created|running|stopped)$/);
      await container.delete("--force");
      await container.shim.finished();
    }
  },
);

scenario("a delete that is killed at any moment can be repeated", { limit: 120_000 }, async (lab) => {
  for (let step = 0; step < 20; step++) {
    const container = await lab.running();
    const shim = lab.watch(lab.runtime.shim(["delete", "--force", container.id]));
    const pid = await shim.started();
    await new Promise((resolve) => setTimeout(resolve, patient(step / 4)));
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It had finished.
    }
    await shim.exited();
    ok(await lab.runtime.delete(container.id, "--force"));
    await container.shim.finished();
    assert.deepEqual(cgroupsNamed(container.id), []);
  }
});

scenario(
  "create is refused when the state directory is on a full disk, and leaves nothing",
  { root: "mounts on the host" },
  async (lab) => {
    const { mkdirSync, readdirSync, writeFileSync } = await import("node:fs");
    mkdirSync(lab.root);
    ok(await command(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", lab.root]));
    lab.later(async () => void ok(await command(["umount", lab.root])));
    writeFileSync(join(lab.root, "filler"), Buffer.alloc(8192));
    const container = lab.container(["/bin/true"]);
    refused(await container.creating().result(), /ENOSPC/);
    await container.shim.finished();
    assert.deepEqual(readdirSync(lab.root), ["filler"]);
    assert.deepEqual(cgroupsNamed(container.id), []);
    rmSync(join(lab.root, "filler"));
  },
);

scenario("the state directory is made when it is missing", async (lab) => {
  const runtime = lab.runtimeAt(lab.path("a/b/c"));
  const container = lab.container(["/bin/true"]);
  const shim = lab.watch(runtime.create(container.id, container.bundle));
  await shim.ok();
  assert.ok(existsSync(lab.path(`a/b/c/${container.id}`)));
  ok(await runtime.delete(container.id, "--force"));
});

scenario("no descriptor of the handshake is left in the program", async (lab) => {
  const container = await lab.running();
  const { readdirSync, readlinkSync } = await import("node:fs");
  const links = readdirSync(`/proc/${container.pid}/fd`).map((fd) => readlinkSync(`/proc/${container.pid}/fd/${fd}`));
  assert.equal(links.length, 3);
  assert.ok(!links.some((link) => link.includes(context.runtime.path)), links.join());
});
