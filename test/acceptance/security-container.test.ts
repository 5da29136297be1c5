/** What the program of a container does to hold up, mislead or misuse the commands that look after it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import { type Container, cgroupsPathOf } from "./harness/container.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupsNamed, childrenOf, isAlive } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security, container");

/** Names that the kernel takes and no text can hold. */
const notText = Buffer.from([0x78, 0xff]);

scenario("a program whose name is no text can be looked at, signalled and deleted", async (lab) => {
  const script = "printf 'x\\377' >/proc/self/comm && echo ready && read line";
  const container = await lab.running(["/bin/sh", "-c", script]);
  assert.ok(readFileSync(`/proc/${container.pid}/comm`).includes(0xff));
  await container.expectStatus("running");
  assert.match(ok(await lab.runtime.list()).stdout, new RegExp(container.id));
  ok(await lab.runtime.exec(container.id, ["/bin/true"]));
  await container.stop();
  await container.expectStatus("stopped");
  await container.delete();
});

scenario(
  "a program whose name is no text can be deleted by force",
  { boxOnly: "others do not read the name" },
  async (lab) => {
    const script = "printf 'x\\377' >/proc/self/comm && echo ready && read line";
    const container = await lab.running(["/bin/sh", "-c", script]);
    await container.delete("--force");
    assert.ok(!isAlive(container.pid));
  },
);

scenario(
  "cgroups whose names are no text, and more levels than there are descriptors, are removed",
  { needs: ["cgroup: writable"], boxOnly: "others hold a path or a descriptor a level" },
  async (lab) => {
    const container = await lab.running();
    for (const path of cgroupsNamed(container.id)) {
      const named = Buffer.concat([Buffer.from(`${path}/`), notText]);
      mkdirSync(named);
      // What finds cgroups by their names here would not find it.
      lab.later(() => {
        if (existsSync(named)) rmdirSync(named);
      });
      mkdirSync(join(path, "deep/".repeat(100)), { recursive: true });
    }
    ok(await lab.runtime.call(["ps", container.id]));
    const limited = ["prlimit", "--nofile=64:64", "--"];
    ok(await command([...limited, ...lab.runtime.argv(["kill", "--all", container.id, "USR1"])]));
    ok(await command([...limited, ...lab.runtime.argv(["delete", "--force", container.id])]));
    assert.deepEqual(cgroupsNamed(container.id), []);
  },
);

scenario(
  "run lets nobody into a container whose init is among the host's files yet",
  { boxOnly: "others have no container yet" },
  async (lab) => {
    const [here, go] = [lab.fifo("here"), lab.fifo("go")];
    const container = lab.container(["/bin/probe", "wait"], (spec) => {
      spec.hooks = {
        createContainer: [
          { path: "/bin/sh", args: ["sh", "-c", `cat >/dev/null; echo held >${here.path}; read go <${go.path}`] },
        ],
      };
    });
    container.running();
    await here.lines.line(/^held$/);
    await container.expectStatus("creating");
    const proof = lab.path("proof");
    refused(await lab.runtime.exec(container.id, ["/bin/sh", "-c", `echo >${proof}`]), /being created/);
    const file = lab.path("mounts.json");
    writeFileSync(file, JSON.stringify([{ destination: lab.path("point"), type: "tmpfs" }]));
    refused(await lab.runtime.call(["mounts", "add", container.id, file]), /being created/);
    go.write("go\n");
    await container.line(/^ready$/);
    await container.expectStatus("running");
    assert.equal(ok(await lab.runtime.exec(container.id, ["/bin/sh", "-c", "echo in"])).stdout, "in\n");
    assert.ok(!readdirSync(lab.dir).some((name) => name === "proof" || name === "point"));
  },
);

/** Another container in the cgroup of one that has ended. */
async function inCgroupOf(lab: Lab, first: Container): Promise<Container> {
  return await lab.running(["/bin/probe", "wait"], ({ linux }) => {
    linux.cgroupsPath = first.spec.linux.cgroupsPath ?? "";
  });
}

scenario(
  "delete of a stopped container leaves alone who came into its cgroup after it",
  { needs: ["cgroup: writable", "cgroup: by cgroupfs"], boxOnly: "others kill all that is in the cgroup" },
  async (lab) => {
    const first = await lab.stopped();
    const second = await inCgroupOf(lab, first);
    await first.delete("--force");
    assert.ok(isAlive(second.pid));
    await second.expectStatus("running");
    await second.delete("--force");
    assert.deepEqual(cgroupsNamed(cgroupsPathOf(first).slice(1)), []);
  },
);

scenario(
  "a run that is late deletes no other container of its id",
  { boxOnly: "run deletes what it has made" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"]);
    const run = lab.watch(container.running());
    await container.line(/^ready$/);
    // Then run has nothing more to do than to wait.
    const [record, lock] = ["state.json", "lock"].map((name) => join(lab.root, container.id, name)) as [string, string];
    await until("run has written that the program runs", () => readFileSync(record, "utf8").includes('"owner":null'));
    ok(await command(["flock", lock, "true"]));
    const box = await run.started();
    process.kill(box, "SIGSTOP");
    await container.delete("--force");
    const { runtime, id, bundle } = container;
    const next = lab.watch(runtime.create(id, bundle, ["--pid-file", container.pidFile]));
    await next.ok();
    const pid = Number(readFileSync(container.pidFile, "utf8"));
    process.kill(box, "SIGCONT");
    await run.exited();
    assert.ok(isAlive(pid));
    await container.expectStatus("created");
    await container.delete("--force");
  },
);

scenario(
  "delete --force ends a command that stands still with the lock",
  { boxOnly: "how commands keep out of each other's way" },
  async (lab) => {
    const container = await lab.running();
    const holder = spawn("flock", ["--close", join(lab.root, container.id, "lock"), "sleep", "1000"], {
      detached: true,
    });
    const group = -(holder.pid ?? 0);
    lab.later(() => {
      if (holder.exitCode === null && holder.signalCode === null) process.kill(group, "SIGKILL");
    });
    const busy = async () =>
      (await command(["flock", "--nonblock", join(lab.root, container.id, "lock"), "true"])).status === 1;
    await until("the lock is held", busy);
    // Before it executes sleep the child has the lock too.
    const isSleep = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n";
    await until("sleep runs", () => childrenOf(holder.pid ?? 0).some(isSleep));
    process.kill(group, "SIGSTOP");
    await container.delete("--force");
    await container.exit();
    process.kill(group, "SIGKILL");
  },
);

scenario(
  "tmpcopyup of a mount that is added copies what is there, whatever /proc is in the container",
  { needs: ["command: mounts"], root: "a container without a user namespace" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"], (spec) => {
      spec.root.readonly = false;
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/proc");
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
    });
    mkdirSync(join(container.rootfs, "proc/self/fd"), { recursive: true });
    mkdirSync(join(container.rootfs, "data"));
    writeFileSync(join(container.rootfs, "secret"), "secret\n");
    writeFileSync(join(container.rootfs, "data/file"), "content\n");
    for (let number = 0; number < 64; number++)
      symlinkSync("/secret", join(container.rootfs, `proc/self/fd/${number}`));
    await container.create();
    await container.start();
    await container.line(/^ready$/);
    const file = lab.path("mounts.json");
    writeFileSync(file, JSON.stringify([{ destination: "/data", type: "tmpfs", options: ["tmpcopyup"] }]));
    ok(await lab.runtime.call(["mounts", "add", container.id, file]));
    assert.equal(ok(await lab.runtime.exec(container.id, ["/bin/cat", "/data/file"])).stdout, "content\n");
  },
);

scenario(
  "a file system that is added is made of the host's files, not of the container's",
  { needs: ["command: mounts", "mount: overlay"], root: "a container without a user namespace" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"], (spec) => {
      spec.root.readonly = false;
    });
    const lower = ["one", "two"].map((name) => lab.path(name));
    for (const [index, directory] of lower.entries()) {
      mkdirSync(directory);
      writeFileSync(join(directory, `host-${index}`), "");
      mkdirSync(join(container.rootfs, directory), { recursive: true });
      writeFileSync(join(container.rootfs, directory, `container-${index}`), "");
    }
    await container.create();
    await container.start();
    await container.line(/^ready$/);
    const file = lab.path("mounts.json");
    const options = [`lowerdir=${lower.join(":")}`, "ro"];
    writeFileSync(file, JSON.stringify([{ destination: "/mnt", type: "overlay", source: "overlay", options }]));
    ok(await lab.runtime.call(["mounts", "add", container.id, file]));
    assert.equal(ok(await lab.runtime.exec(container.id, ["/bin/ls", "/mnt"])).stdout, "host-0\nhost-1\n");
  },
);

scenario(
  "start does not wait for an init that accepts no connection",
  { boxOnly: "the socket of init" },
  async (lab) => {
    const container = await lab.created();
    process.kill(container.pid, "SIGSTOP");
    const directory = openSync(join(lab.root, container.id), "r");
    lab.later(() => closeSync(directory));
    const sockets = Array.from({ length: 40 }, () => connect(`/proc/self/fd/${directory}/init.sock`));
    lab.later(() => {
      for (const socket of sockets) socket.destroy();
    });
    // EAGAIN: the queue is full.
    await Promise.race(sockets.map((socket) => once(socket, "error").catch(() => undefined)));
    refused(await lab.runtime.start(container.id), /init process does not accept connections/);
    process.kill(container.pid, "SIGCONT");
  },
);

for (const [how, flags] of [
  ["", []],
  [" without pivot_root", ["--no-pivot"]],
] as const)
  scenario(
    `in a user namespace of its own a program gets no bare procfs or sysfs${how}`,
    { needs: ["namespace: user"] },
    async (lab) => {
      const mount = "mount -t proc none /proc && echo a bare proc; mount -t sysfs none /sys && echo a bare sysfs";
      const script = `unshare -r true || echo no namespace; unshare -mrpf /bin/sh -c '${mount}' 2>/dev/null; echo tried`;
      const container = lab.container(["/bin/sh", "-c", script], ({ process }) => {
        // To give itself the id of root there.
        for (const set of ["bounding", "effective", "permitted"] as const)
          process.capabilities?.[set]?.push("CAP_SETFCAP");
      });
      await container.create([...flags]);
      await container.start();
      assert.equal(await container.output(), "tried\n");
      await container.exit();
    },
  );
