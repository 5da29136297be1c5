import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import { ok, refused } from "./harness/expect.ts";
import { cgroupsNamed, isAlive, removeCgroups } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("delete", {
  clause: 'runtime.md, Delete: "MUST delete the resources that were created during the create step"',
});

const withoutPidNamespace = ({ linux }: { linux: { namespaces: { type: string }[] } }): void => {
  linux.namespaces.splice(
    linux.namespaces.findIndex(({ type }) => type === "pid"),
    1,
  );
};

scenario("delete removes the state directory", async (lab) => {
  const container = await lab.stopped();
  await container.delete();
  assert.deepEqual(lab.stateEntries(), []);
});

scenario("delete removes the cgroups", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.created();
  assert.ok(cgroupsNamed(container.id).length > 0, "there was no cgroup to begin with");
  await container.stop();
  await container.delete();
  assert.deepEqual(cgroupsNamed(container.id), []);
});

scenario("delete removes cgroups that were made below", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.created();
  const paths = cgroupsNamed(container.id);
  assert.ok(paths.length > 0, "there was no cgroup to begin with");
  for (const path of paths) mkdirSync(join(path, "nested"));
  await container.stop();
  await container.delete();
  assert.deepEqual(cgroupsNamed(container.id), []);
});

scenario("delete succeeds when somebody removed the cgroups before", async (lab) => {
  const container = await lab.stopped();
  removeCgroups(container.id);
  await container.delete();
});

scenario("delete succeeds when the bundle is gone", async (lab) => {
  const { rmSync } = await import("node:fs");
  const container = await lab.stopped();
  rmSync(container.bundle, { recursive: true });
  await container.delete();
});

scenario(
  "delete that cannot remove everything leaves the record, and can be repeated",
  { boxOnly: "the files of box's own state directory", root: "mounts on the host" },
  async (lab) => {
    const container = await lab.stopped();
    const kept = join(lab.root, container.id, "config.json");
    ok(await command(["mount", "--bind", kept, kept]));
    try {
      refused(await lab.runtime.delete(container.id), /config\.json.*EBUSY/);
      await container.expectStatus("stopped");
    } finally {
      ok(await command(["umount", kept]));
    }
    await container.delete();
    assert.deepEqual(lab.stateEntries(), []);
  },
);

scenario("delete leaves the bundle alone", async (lab) => {
  const container = await lab.stopped();
  const before = readdirSync(container.bundle);
  await container.delete();
  assert.deepEqual(readdirSync(container.bundle), before);
  assert.ok(existsSync(join(container.rootfs, "bin/busybox")));
});

scenario(
  "delete leaves a cgroup alone that was there before",
  {
    // In its own slices systemd removes what it does not know.
    needs: ["cgroup: writable", "cgroup: by cgroupfs"],
    clause:
      'runtime.md, Delete: "resources associated with the container, but not created by this container, MUST NOT be deleted"',
  },
  async (lab) => {
    const container = await lab.created();
    const [top] = cgroupsNamed(container.id).map((path) => join(path, ".."));
    assert.ok(top);
    await container.stop();
    const neighbour = join(top, `${lab.newId()}`);
    mkdirSync(neighbour);
    lab.later(() => rmdirSync(neighbour));
    await container.delete();
    assert.ok(existsSync(neighbour));
  },
);

scenario("delete refuses a running container and says how it is", async (lab) => {
  const container = await lab.running();
  refused(await lab.runtime.delete(container.id), /that is not stopped: running/);
  assert.ok(isAlive(container.pid));
});

scenario("delete --force ends a program that handles everything", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  await container.delete("--force");
  assert.equal(await container.exit(), "signal 9");
});

scenario("delete --force ends a created container", async (lab) => {
  const container = await lab.created();
  await container.delete("--force");
  assert.equal(await container.exit(), "signal 9");
});

scenario(
  "delete --force ends processes that init left behind",
  { needs: ["mount: proc of the caller's pid namespace"] },
  async (lab) => {
    const container = await lab.created(["/bin/sh", "-c", "/bin/probe wait & read line"], withoutPidNamespace);
    await container.start();
    await container.line(/^ready$/);
    container.say("\n");
    await container.exit();
    await container.delete("--force");
    await container.shim.finished();
  },
);

scenario(
  "delete --force ends all processes when the pid namespace is shared",
  { needs: ["mount: proc of the caller's pid namespace"] },
  async (lab) => {
    const container = await lab.created(
      ["/bin/sh", "-c", "/bin/probe wait & exec /bin/probe wait"],
      withoutPidNamespace,
    );
    await container.start();
    await container.line(/^ready$/);
    await container.line(/^ready$/);
    await container.delete("--force");
    assert.deepEqual(cgroupsNamed(container.id), []);
    await container.shim.finished();
  },
);

scenario("delete --force ends a stopped (SIGSTOP) program", async (lab) => {
  const container = await lab.running();
  await container.kill("STOP");
  await container.delete("--force");
  await container.exit();
});

scenario("delete of a deleted container says that it does not exist", async (lab) => {
  const container = await lab.stopped();
  await container.delete();
  refused(await lab.runtime.delete(container.id), /container does not exist/);
});

scenario("delete --force of a deleted container succeeds", { boxOnly: "idempotent clean-up" }, async (lab) => {
  const container = await lab.stopped();
  await container.delete();
  ok(await lab.runtime.delete(container.id, "--force"));
});

scenario(
  "delete --force leaves a directory alone that is no container's",
  { boxOnly: "the layout of the state directory" },
  async (lab) => {
    await (await lab.stopped()).delete();
    const directory = join(lab.root, "victim");
    const file = join(directory, "sub/data");
    mkdirSync(join(directory, "sub"), { recursive: true });
    writeFileSync(file, "");
    lab.later(() => rmSync(directory, { recursive: true }));
    const refusal = /delete "victim": not a container's directory: it holds "sub"/;
    refused(await lab.runtime.delete("victim", "--force"), refusal);
    ok(await lab.runtime.delete("victim", "--force", "--regex"));
    // Whoever has a file of that name has no container for it.
    writeFileSync(join(directory, "lock"), "");
    refused(await lab.runtime.delete("victim", "--force"), refusal);
    refused(await lab.runtime.delete("victim", "--force", "--regex"), refusal);
    assert.ok(existsSync(file));
  },
);

scenario("options may follow the id", async (lab) => {
  const container = await lab.running();
  ok(await lab.runtime.call(["delete", container.id, "--force"]));
  refused(await lab.runtime.state(container.id));
});

scenario(
  "--regex is for every container in whose id the expression matches",
  { boxOnly: "as crun; runc has no such option" },
  async (lab) => {
    const containers = [await lab.running(), await lab.running(), await lab.running()];
    const [first, second, third] = containers.map(({ id }) => id);
    // The ids end in .1, .2 and .3.
    const chosen = "\\.[12]$";
    ok(await lab.runtime.kill(chosen, "KILL", "--regex"));
    await Promise.all(containers.slice(0, 2).map((container) => container.exit()));
    await containers[2]?.expectStatus("running");
    refused(await lab.runtime.delete(".", "--regex"), /cannot delete container ".*\.3" that is not stopped/);
    const { stdout } = ok(await lab.runtime.list("--quiet"));
    assert.equal(stdout, `${third}\n`, `${first} and ${second} are deleted`);
    const wrong = await lab.runtime.delete("(", "--regex");
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /^box: --regex: "\(" is no regular expression/);
    ok(await lab.runtime.delete("nothing has this id", "--regex"));
    const unset = await lab.runtime.delete("", "--regex");
    assert.equal(unset.status, 1);
    assert.match(unset.stderr, /^box: --regex: the expression must not be empty/);
  },
);
