import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Linux, Mount, Spec } from "../spec/types.ts";
import type { CgroupViewLayout, MountOp } from "./ops.ts";
import { planRootfs, type RootfsContext } from "./plan.ts";

const context: RootfsContext = { bundle: "/bundle", pivot: true, cgroupView: undefined };

function plan(change: Partial<Spec>, more: Partial<RootfsContext> = {}) {
  return planRootfs({ ociVersion: "1.3.0", root: { path: "rootfs" }, ...change }, { ...context, ...more });
}

function planMount(mount: Mount, more: Partial<RootfsContext> = {}): MountOp {
  const [op] = plan({ mounts: [mount] }, more).mounts;
  assert.ok(op !== undefined);
  return op;
}

const unchanged = { flags: { set: [], clear: [] }, recursiveFlags: { set: [], clear: [] }, propagation: [] };

describe("planRootfs() takes the root", () => {
  test("from the bundle, or from where an absolute path says", () => {
    assert.equal(plan({}).path, "/bundle/rootfs");
    assert.equal(plan({ root: { path: "./x/../y/" } }).path, "/bundle/y");
    assert.equal(plan({ root: { path: "/srv//root" } }).path, "/srv/root");
  });

  test("as writable unless the configuration says otherwise", () => {
    assert.equal(plan({}).readonly, false);
    assert.equal(plan({ root: { path: "r", readonly: true } }).readonly, true);
  });

  test("with the propagation asked for, and rslave without a wish", () => {
    const cases: [Linux["rootfsPropagation"], string, boolean][] = [
      [undefined, "slave", true],
      ["private", "private", false],
      ["rprivate", "private", true],
      ["shared", "shared", false],
      ["rshared", "shared", true],
      ["slave", "slave", false],
      ["rslave", "slave", true],
      ["unbindable", "unbindable", false],
      ["runbindable", "unbindable", true],
    ];
    for (const [word, kind, recursive] of cases) {
      const linux = word === undefined ? {} : { rootfsPropagation: word };
      assert.deepEqual(plan({ linux }).propagation, { kind, recursive }, word);
    }
  });

  test("with hidden paths in their shortest form", () => {
    const { maskedPaths, readonlyPaths } = plan({
      linux: { maskedPaths: ["/proc//kcore", "/proc/../etc/"], readonlyPaths: ["/proc/sys/."] },
    });
    assert.deepEqual(maskedPaths, ["/proc/kcore", "/etc"]);
    assert.deepEqual(readonlyPaths, ["/proc/sys"]);
  });

  test("moved in place of pivot_root when the command line says so", () => {
    assert.equal(plan({}, { pivot: false }).pivot, false);
  });

  test("not at all when there is none", () => {
    assert.throws(() => planRootfs({ ociVersion: "1.3.0" } as unknown as Spec, context), {
      name: "BoxError",
      message: "root: required on Linux",
    });
  });
});

describe("planRootfs() plans a mount", () => {
  test("of a file system, its options sorted by what they act on", () => {
    const op = planMount({
      destination: "/dev/../dev/shm/",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "size=64k", "noatime", "sync", "mode=1777", "rprivate", "a=b=c", "tmpcopyup"],
    });
    assert.deepEqual(op, {
      kind: "filesystem",
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      flags: { set: ["nosuid"], clear: [], atime: "noatime" },
      recursiveFlags: { set: [], clear: [] },
      propagation: [{ kind: "private", recursive: true }],
      options: [["sync"], ["size", "64k"], ["mode", "1777"], ["a", "b=c"]],
      copyUp: true,
    });
  });

  test("whose source is its type when none is given", () => {
    const op = planMount({ destination: "/proc", type: "proc" });
    assert.deepEqual(op, {
      kind: "filesystem",
      destination: "/proc",
      type: "proc",
      source: "proc",
      ...unchanged,
      options: [],
      copyUp: false,
    });
  });

  test("that binds, from the bundle or from an absolute path, whatever its type says", () => {
    const cases: [Mount, string, boolean][] = [
      [{ destination: "/d", source: "data", options: ["bind"] }, "/bundle/data", false],
      [{ destination: "/d", source: "../data", options: ["rbind"] }, "/data", true],
      [{ destination: "/d", source: "/data/.", type: "none", options: ["rbind"] }, "/data", true],
      [{ destination: "/d", source: "/data", type: "tmpfs", options: ["bind"] }, "/data", false],
      [{ destination: "/d", source: "/data", type: "bind" }, "/data", false],
      [{ destination: "/d", source: "/data", type: "cgroup", options: ["bind"] }, "/data", false],
    ];
    for (const [mount, source, recursive] of cases) {
      assert.deepEqual(planMount(mount), { kind: "bind", destination: "/d", ...unchanged, source, recursive });
    }
  });

  test("at a relative destination, which starts at the container's root", () => {
    assert.equal(planMount({ destination: "a/../../b", type: "tmpfs" }).destination, "/b");
  });

  test("in the order of the configuration", () => {
    const { mounts } = plan({ mounts: ["/b", "/a", "/c"].map((destination) => ({ destination, type: "tmpfs" })) });
    assert.deepEqual(
      mounts.map(({ destination }) => destination),
      ["/b", "/a", "/c"],
    );
  });
});

describe("planRootfs() plans a view of the cgroups", () => {
  const layout: CgroupViewLayout = { mode: "v2", namespace: true, source: "/sys/fs/cgroup/box/web" };
  const flagsFor = (...options: string[]) => {
    const op = planMount({ destination: "/sys/fs/cgroup", type: "cgroup", options }, { cgroupView: layout });
    assert.equal(op.kind, "cgroup");
    return op.flags;
  };

  test("in the host's layout", () => {
    const op = planMount({ destination: "/cg", type: "cgroup", options: ["ro"] }, { cgroupView: layout });
    assert.deepEqual(op, {
      kind: "cgroup",
      destination: "/cg",
      ...unchanged,
      flags: { set: ["ro"], clear: [] },
      layout,
    });
  });

  test("that is read-only unless `rw` asks for the opposite", () => {
    assert.deepEqual(flagsFor(), { set: ["ro"], clear: [] });
    assert.deepEqual(flagsFor("nosuid"), { set: ["nosuid", "ro"], clear: [] });
    assert.deepEqual(flagsFor("ro", "nosuid"), { set: ["ro", "nosuid"], clear: [] });
    assert.deepEqual(flagsFor("rw"), { set: [], clear: ["ro"] });
    assert.deepEqual(flagsFor("rw", "ro"), { set: ["ro"], clear: [] });
    assert.deepEqual(flagsFor("ro", "rw"), { set: [], clear: ["ro"] });
  });

  test("not on a host without cgroups", () => {
    assert.throws(() => planMount({ destination: "/cg", type: "cgroup" }), {
      message: "mounts[0]: this host has no cgroups mounted at /sys/fs/cgroup",
    });
  });
});

test("planRootfs() refuses mounts that it could not perform as they are written", () => {
  const cases: [Mount, string][] = [
    [{ destination: "/d", options: ["bind"] }, "mounts[1].source: required for a bind mount"],
    [{ destination: "/d" }, 'mounts[1].type: required unless "bind" or "rbind" is among the options'],
    [
      { destination: "/d", source: "/s", options: ["bind", "size=1"] },
      'mounts[1].options: "size=1" means nothing for a bind mount',
    ],
    [
      { destination: "/d", source: "/s", options: ["bind", "tmpcopyup"] },
      'mounts[1].options: "tmpcopyup" is for tmpfs only',
    ],
    [{ destination: "/d", type: "proc", options: ["tmpcopyup"] }, 'mounts[1].options: "tmpcopyup" is for tmpfs only'],
    [{ destination: "/d", type: "tmpfs", options: ["ridmap"] }, 'mounts[1].options: "ridmap" is not supported'],
    [
      { destination: "/d", type: "tmpfs", uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
      "mounts[1].uidMappings: idmapped mounts are not supported",
    ],
  ];
  for (const [mount, message] of cases) {
    const mounts = [{ destination: "/fine", type: "tmpfs" }, mount];
    assert.throws(() => plan({ mounts }), { name: "BoxError", message });
  }
});

describe("planRootfs() plans devices", () => {
  const pathsOf = (change: Partial<Spec>) => plan(change).devices.map(({ path }) => path);
  const standard = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

  test("that every container has", () => {
    assert.deepEqual(pathsOf({}), standard);
  });

  test("of the configuration, with the specification's defaults", () => {
    const devices = [
      { type: "c", path: "/dev//fuse", major: 10, minor: 229 },
      { type: "u", path: "/dev/u", major: 1, minor: 2, fileMode: 0o4755, uid: 5, gid: 6 },
      { type: "b", path: "/dev/sda", major: 8, minor: 0, fileMode: 0 },
      { type: "p", path: "/run/pipe" },
    ] as const;
    assert.deepEqual(plan({ linux: { devices } }).devices.slice(standard.length), [
      { path: "/dev/fuse", type: "char", major: 10, minor: 229, mode: 0o666, uid: 0, gid: 0 },
      { path: "/dev/u", type: "char", major: 1, minor: 2, mode: 0o4755, uid: 5, gid: 6 },
      { path: "/dev/sda", type: "block", major: 8, minor: 0, mode: 0, uid: 0, gid: 0 },
      { path: "/run/pipe", type: "fifo", major: 0, minor: 0, mode: 0o666, uid: 0, gid: 0 },
    ]);
  });

  test("of the configuration in place of a standard one at the same path", () => {
    const devices = [{ type: "c", path: "/dev/../dev/null", major: 1, minor: 3, fileMode: 0o600 }] as const;
    const planned = plan({ linux: { devices } }).devices;
    assert.deepEqual(
      planned.filter(({ path }) => path === "/dev/null").map(({ mode }) => mode),
      [0o600],
    );
    assert.equal(planned.length, standard.length);
  });

  test("of the configuration alone where the host's /dev is bound", () => {
    const mounts = [{ destination: "/dev/", source: "/dev", options: ["rbind"] }];
    assert.deepEqual(pathsOf({ mounts }), []);
    assert.deepEqual(pathsOf({ mounts: [{ destination: "/dev", type: "tmpfs" }] }), standard);
    assert.deepEqual(pathsOf({ mounts: [{ destination: "/dev/x", source: "/dev", options: ["bind"] }] }), standard);
  });
});
