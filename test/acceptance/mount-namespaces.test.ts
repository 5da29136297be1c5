import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Mount, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import { mountsNear, namespaces } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

/** Containers in a mount namespace that is not their own: the host's, or one that is joined by its path. */
const scenario = feature("mount namespaces", {
  root: "namespaces that are not the user's",
  clause: "config-linux.md, Namespaces",
});

const nothingMounted = "nothing is mounted in a namespace that is not the container's own";

/** The host's mount namespace, or that of a process. */
const mountsOf = (pid?: number) => (spec: Spec) => {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "mount");
  if (pid !== undefined) spec.linux.namespaces.push({ type: "mount", path: `/proc/${pid}/ns/mnt` });
};

/** A process with a mount namespace of its own in which `script` has run. */
async function holder(lab: Lab, script: string, ...flags: string[]): Promise<number> {
  const child = spawn(
    "unshare",
    ["--mount", ...flags, "/bin/sh", "-ec", `${script}; echo ready; exec cat # ${lab.token}`],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  lab.later(async () => {
    child.stdin.end();
    await once(child, "exit");
  });
  return child.pid ?? 0;
}

/** A container with directories for what is mounted, whose program is a shell's `script`. */
function containerOf(lab: Lab, script: string, change: (spec: Spec) => void): Container {
  const container = lab.container(["/bin/sh", "-c", script], change);
  mkdirSync(join(container.rootfs, "data"));
  return container;
}

function withMounts(...more: Mount[]) {
  return (spec: Spec) => void spec.mounts.push(...more);
}

function all(...changes: ((spec: Spec) => void)[]) {
  return (spec: Spec) => {
    for (const change of changes) change(spec);
  };
}

const everyCapability = (spec: Spec) => {
  const some = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_OVERRIDE", "CAP_MKNOD"];
  spec.process.capabilities = { bounding: some, effective: some, permitted: some };
};

scenario(
  "the mount namespace is the caller's when it is not asked for",
  {
    clause:
      'config-linux.md, Namespaces: "If a namespace type is not specified … the container MUST inherit the runtime namespace of that type"',
    boxOnly: nothingMounted,
  },
  async (lab) => {
    const report = await lab.container(["/bin/probe", "report"], mountsOf()).report();
    assert.equal(report.namespaces["mnt"], namespaces("self")["mnt"]);
  },
);

scenario("the mount namespace at a path is joined", async (lab) => {
  const pid = await holder(lab, ":");
  const report = await lab.container(["/bin/probe", "report"], mountsOf(pid)).report();
  assert.equal(report.namespaces["mnt"], namespaces(pid)["mnt"]);
});

scenario("what is mounted in a joined mount namespace is what the container has", async (lab) => {
  const container = containerOf(lab, "cat /data/file /mnt/file", () => {});
  const volume = lab.path("volume");
  mkdirSync(volume);
  mkdirSync(join(container.rootfs, "mnt"));
  const pid = await holder(
    lab,
    `for at in ${container.rootfs}/data ${volume}; do mount -t tmpfs tmpfs $at; echo $at >$at/file; done`,
  );
  all(
    mountsOf(pid),
    withMounts({ destination: "/mnt", source: volume, type: "bind", options: ["rbind"] }),
  )(container.spec);
  container.writeConfig();
  assert.equal(await container.outputOfRun(), `${container.rootfs}/data\n${volume}\n`);
});

for (const where of ["the host's", "a joined"] as const) {
  const inIt = async (lab: Lab) => {
    const pid = where === "a joined" ? await holder(lab, ":") : undefined;
    return { change: mountsOf(pid), mounted: () => mountsNear(lab.dir, pid) };
  };

  scenario(
    `nothing is mounted in ${where} mount namespace, from create to delete`,
    { boxOnly: nothingMounted },
    async (lab) => {
      const { change, mounted } = await inIt(lab);
      const before = mounted();
      const more = withMounts({ destination: "/data", type: "tmpfs", source: "tmpfs" });
      const container = containerOf(lab, "echo kept >/data/file && cat /data/file; exec cat", all(change, more));
      await container.create();
      assert.deepEqual(mounted(), before);
      await container.start();
      assert.equal(await container.line(), "kept");
      assert.deepEqual(mounted(), before);
      await container.kill("KILL");
      await container.exit();
      await container.delete();
      assert.deepEqual(mounted(), before);
    },
  );

  scenario(
    `a create that fails leaves nothing in ${where} mount namespace`,
    { boxOnly: nothingMounted },
    async (lab) => {
      const { change, mounted } = await inIt(lab);
      const before = mounted();
      for (const flaw of [
        withMounts({ destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=much"] }),
        (spec: Spec) => void Object.assign(spec.process, { args: ["/bin/nothing"] }),
      ]) {
        refused(await lab.container(["/bin/true"], all(change, flaw)).creating().result());
        assert.deepEqual(mounted(), before);
      }
    },
  );

  scenario(
    `the container has a root, mounts, devices and masks of its own in ${where} mount namespace`,
    { boxOnly: nothingMounted },
    async (lab) => {
      const { change } = await inIt(lab);
      const script =
        "pwd; ls /; stat -c %t:%T /dev/null; cat /proc/self/comm; cat /mnt/secret | wc -c; " +
        "touch /mnt/volume/new 2>&1; touch /new 2>&1; echo end";
      const volume = lab.path("volume");
      mkdirSync(volume);
      const container = lab.container(["/bin/sh", "-c", script], (spec) => {
        change(spec);
        spec.root.readonly = true;
        spec.mounts.push({ destination: "/mnt", type: "tmpfs", source: "tmpfs" });
        spec.mounts.push({ destination: "/mnt/volume", source: volume, type: "bind", options: ["bind", "ro"] });
        spec.mounts.push({ destination: "/mnt/secret", source: "/etc/passwd", type: "bind", options: ["bind"] });
        spec.linux.maskedPaths = ["/mnt/secret"];
      });
      mkdirSync(join(container.rootfs, "mnt"));
      const output = await container.outputOfRun();
      assert.match(output, /^\/\n(.*\n)*mnt\n(.*\n)*1:3\ncat\n0\n/);
      assert.match(output, /volume\/new: Read-only file system\n.*\/new: Read-only file system\nend\n$/);
    },
  );

  scenario(
    `a program with privileges cannot take its mounts and masks away in ${where} mount namespace`,
    { boxOnly: nothingMounted },
    async (lab) => {
      const { change, mounted } = await inIt(lab);
      const before = mounted();
      const script =
        "umount /mnt/masked 2>&1; umount -l /mnt 2>&1; mount -o remount,rw / 2>&1; mount -t tmpfs tmpfs /mnt 2>&1; " +
        "cd /; for up in 1 2 3 4 5 6 7 8; do cd ..; done; ls bin/probe; ls /mnt/masked | wc -l; exec cat";
      const container = containerOf(lab, script, (spec) => {
        all(change, everyCapability)(spec);
        spec.mounts.push({ destination: "/mnt", type: "tmpfs", source: "tmpfs" });
        spec.linux.maskedPaths = ["/bin/masked", "/mnt/masked"];
      });
      await container.create();
      await container.start();
      for (const _ of [1, 2, 3, 4])
        assert.match((await container.line()) ?? "", /^u?mount: can't |^mount: mounting .* failed/);
      assert.equal(await container.line(), "bin/probe");
      assert.deepEqual(mounted(), before);
    },
  );

  scenario(`exec is in the container's root in ${where} mount namespace`, { boxOnly: nothingMounted }, async (lab) => {
    const { change } = await inIt(lab);
    const container = await lab.running(
      ["/bin/probe", "wait"],
      all(change, withMounts({ destination: "/mnt", type: "tmpfs", source: "tmpfs" })),
    );
    const script = "readlink /proc/self/ns/mnt; pwd; echo in >/mnt/file; cat /mnt/file; ls -d /bin/probe";
    const { stdout } = ok(await lab.runtime.exec(container.id, ["/bin/sh", "-c", script]));
    assert.deepEqual(stdout.split("\n"), [namespaces(container.pid)["mnt"], "/", "in", "/bin/probe", ""]);
  });
}

scenario(
  "createContainer hooks change the container's tree and nothing of the host's",
  { boxOnly: nothingMounted, clause: "config.md, POSIX-platform Hooks" },
  async (lab) => {
    const container = containerOf(lab, "cat /data/file", mountsOf());
    const before = mountsNear(lab.dir);
    const at = join(container.rootfs, "data");
    container.spec.hooks = {
      createContainer: [
        {
          path: "/bin/sh",
          args: ["sh", "-c", `cat >/dev/null; mount -t tmpfs tmpfs ${at} && echo hook >${at}/file`],
          env: ["PATH=/usr/bin:/bin"],
        },
      ],
    };
    container.writeConfig();
    assert.equal(await container.outputOfRun(), "hook\n");
    assert.deepEqual(mountsNear(lab.dir), before);
  },
);

scenario(
  "a mount namespace is joined with the user namespace that owns it",
  { needs: ["namespace: user"], boxOnly: nothingMounted },
  async (lab) => {
    const pid = await holder(lab, ":", "--user", "--map-root-user");
    const container = lab.container(["/bin/probe", "report"], (spec) => {
      mountsOf(pid)(spec);
      spec.linux.namespaces.push({ type: "user", path: `/proc/${pid}/ns/user` });
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/sys");
      delete spec.linux.resources;
    });
    const report = await container.report();
    for (const kind of ["user", "mnt"]) assert.equal(report.namespaces[kind], namespaces(pid)[kind], kind);
  },
);

const joined = mountsOf(process.pid);
const hooks = (spec: Spec) => void Object.assign(spec, { hooks: { createContainer: [{ path: "/bin/true" }] } });
const newUser = (spec: Spec) => {
  spec.linux.namespaces.push({ type: "user" });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
};
const joinedUser = (spec: Spec) =>
  void spec.linux.namespaces.push({ type: "user", path: `/proc/${process.pid}/ns/user` });
const bind = (option: string) =>
  withMounts({ destination: "/mnt", source: "/etc", type: "bind", options: ["rbind", option] });
const noRights =
  /linux\.namespaces: a "user" namespace has no rights over the mounts outside: it needs a new "mount" namespace/;

for (const [what, change, said] of [
  ["a new user namespace with the host's mounts", all(mountsOf(), newUser), noRights],
  ["a new user namespace with joined mounts", all(joined, newUser), noRights],
  ["a joined user namespace with the host's mounts", all(mountsOf(), joinedUser), noRights],
  [
    "a shared root in the host's mounts",
    all(mountsOf(), (spec) => void Object.assign(spec.linux, { rootfsPropagation: "rshared" })),
    /linux\.rootfsPropagation: "rshared" takes a new "mount" namespace/,
  ],
  [
    "a slave among the host's mounts",
    all(mountsOf(), bind("rslave")),
    /mounts\[\d\]\.options: "rslave" takes a new "mount" namespace/,
  ],
  [
    "an unbindable mount among joined mounts",
    all(joined, bind("unbindable")),
    /mounts\[\d\]\.options: "unbindable" takes a new "mount" namespace/,
  ],
  [
    "mapped ids among joined mounts",
    (spec: Spec) => {
      joined(spec);
      const ids = [{ containerID: 0, hostID: 0, size: 10 }];
      spec.mounts.push({
        destination: "/mnt",
        source: "/etc",
        type: "bind",
        options: ["bind"],
        uidMappings: ids,
        gidMappings: ids,
      });
    },
    /mounts\[\d\]\.options: an id-mapped mount cannot go with a joined mount namespace/,
  ],
  [
    "createContainer hooks among joined mounts",
    all(joined, hooks),
    /hooks\.createContainer: cannot be executed in a mount namespace that is joined/,
  ],
] as const) {
  scenario(`create refuses ${what}`, { boxOnly: "the words of errors" }, async (lab) => {
    const before = mountsNear(lab.dir);
    refused(await lab.container(["/bin/true"], change).creating().result(), said);
    assert.deepEqual(mountsNear(lab.dir), before);
  });
}

scenario("create refuses a mount namespace that is one of another kind", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    mountsOf()(spec);
    spec.linux.namespaces.push({ type: "mount", path: "/proc/self/ns/uts" });
  });
  refused(await container.creating().result());
});
