import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Linux, Mount, Spec } from "../spec/types.ts";
import type { CgroupViewLayout, MountOp } from "./ops.ts";
import { planRootfs, type RootfsContext } from "./plan.ts";

const context: RootfsContext = {
  bundle: "/bundle",
  pivot: true,
  cgroupView: undefined,
  mayMount: () => true,
  hasSelinux: () => false,
  warn: (path, message) => assert.fail(`${path}: ${message}`),
};

const ownMounts: NonNullable<Linux["namespaces"]> = [{ type: "mount" }];

function plan(change: Partial<Spec>, more: Partial<RootfsContext> = {}) {
  const linux = { namespaces: ownMounts, ...change.linux };
  return planRootfs({ ociVersion: "1.3.0", root: { path: "rootfs" }, ...change, linux }, { ...context, ...more });
}

function planMount(mount: Mount, more: Partial<RootfsContext> = {}): MountOp {
  const [op] = plan({ mounts: [mount] }, more).mounts;
  assert.ok(op !== undefined);
  return op;
}

const unchanged = {
  onLink: false,
  flags: { set: [], clear: [] },
  recursiveFlags: { set: [], clear: [] },
  propagation: [],
};
const unmapped = { ids: undefined, byCaller: false };

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

  test("without hidden paths in what is shared with the host", () => {
    const shared = { destination: "/data", type: "bind", source: "/data", options: ["rbind", "rshared"] };
    const hiding = (path: string, options = shared.options) =>
      plan({ mounts: [{ ...shared, options }], linux: { rootfsPropagation: "rshared", maskedPaths: ["/x", path] } });
    for (const path of ["/data", "/data/secret"])
      assert.throws(() => hiding(path), {
        message: 'linux.maskedPaths[1]: lies in a mount that is shared with the host ("/data")',
      });
    assert.deepEqual(hiding("/data-2").maskedPaths, ["/x", "/data-2"]);
    assert.deepEqual(hiding("/data/secret", ["rbind"]).maskedPaths, ["/x", "/data/secret"]);
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
    const options = ["nosuid", "size=64k", "noatime", "sync", "mode=1777", "rprivate", "a=b=c", "tmpcopyup"];
    const op = planMount({ destination: "/dev/../dev/shm/", type: "tmpfs", source: "shm", options });
    assert.deepEqual(op, {
      kind: "filesystem",
      destination: "/dev/shm",
      onLink: false,
      words: options,
      ...unmapped,
      type: "tmpfs",
      source: "shm",
      flags: { set: ["nosuid"], clear: [], atime: "noatime" },
      recursiveFlags: { set: [], clear: [] },
      propagation: [{ kind: "private", recursive: true }],
      options: [["sync"], ["size", "64k"], ["mode", "1777"], ["a", "b=c"]],
      hasLongOptions: false,
      copyUp: true,
      readonlyAtEnd: false,
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
      ...unmapped,
      words: [],
      options: [],
      hasLongOptions: false,
      copyUp: false,
      readonlyAtEnd: false,
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
      assert.deepEqual(planMount(mount), {
        kind: "bind",
        destination: "/d",
        ...unchanged,
        ...unmapped,
        words: mount.options ?? [],
        source,
        sourceLink: "follow",
        recursive,
        outward: false,
      });
    }
  });

  test("that shares a bind with the host only where root and mount ask for it, and nobody is root of a user namespace only", () => {
    const shares = (rootfsPropagation: Linux["rootfsPropagation"], options: string[], linux: Linux = {}) => {
      const mount = { destination: "/d", source: "/data", options: ["rbind", ...options] };
      const [op] = plan({
        mounts: [mount],
        linux: rootfsPropagation === undefined ? linux : { ...linux, rootfsPropagation },
      }).mounts;
      return op?.kind === "bind" && op.outward;
    };
    assert.equal(shares("shared", ["rshared"]), true);
    assert.equal(shares("rshared", ["shared"]), true);
    assert.equal(shares("rshared", []), false);
    assert.equal(shares("rshared", ["rslave"]), false);
    assert.equal(shares("rslave", ["rshared"]), false);
    assert.equal(shares(undefined, ["rshared"]), false);
    assert.equal(shares("rshared", ["rshared"], { namespaces: [{ type: "mount" }, { type: "user" }] }), false);
  });

  test("at a relative destination, which starts at the container's root", () => {
    assert.equal(planMount({ destination: "a/../../b", type: "tmpfs" }).destination, "/b");
  });

  test("of somebody else's namespace, but for those that need one of their own", () => {
    const mounts = [{ destination: "/d", source: "/data", options: ["rbind", "rprivate"] }];
    const ids = [{ containerID: 0, hostID: 0, size: 10 }];
    const joined = { namespaces: [{ type: "mount" as const, path: "/ns/mnt" }] };
    for (const linux of [{ namespaces: [] }, joined]) {
      assert.equal(plan({ mounts, linux }).mounts.length, 1);
      assert.equal(plan({ linux: { ...linux, rootfsPropagation: "private" } }).propagation.kind, "private");
      for (const word of ["shared", "rshared", "slave", "rslave", "unbindable", "runbindable"] as const) {
        const message = (where: string) => `${where}: "${word}" takes a new "mount" namespace`;
        const mount = { destination: "/d", source: "/data", options: ["rbind", word] };
        assert.throws(() => plan({ mounts: [mount], linux }), { message: message("mounts[0].options") });
        assert.throws(() => plan({ linux: { ...linux, rootfsPropagation: word } }), {
          message: message("linux.rootfsPropagation"),
        });
      }
    }
    const mapped = [{ destination: "/d", source: "/data", options: ["bind"], uidMappings: ids, gidMappings: ids }];
    assert.equal(plan({ mounts: mapped, linux: { namespaces: [] } }).mounts.length, 1);
    assert.throws(() => plan({ mounts: mapped, linux: joined }), {
      message: "mounts[0].options: an id-mapped mount cannot go with a joined mount namespace",
    });
  });

  test("in the order of the configuration", () => {
    const { mounts } = plan({ mounts: ["/b", "/a", "/c"].map((destination) => ({ destination, type: "tmpfs" })) });
    assert.deepEqual(
      mounts.map(({ destination }) => destination),
      ["/b", "/a", "/c"],
    );
  });
});

describe("planRootfs() puts read-only off", () => {
  const late = (...mounts: readonly (readonly [destination: string, type: string, ...options: string[]])[]): string[] =>
    plan({ mounts: mounts.map(([destination, type, ...options]) => ({ destination, type, options })) }).mounts.flatMap(
      (op) => (op.kind === "filesystem" && op.readonlyAtEnd && !op.flags.set.includes("ro") ? [op.destination] : []),
    );

  test("for a tmpfs in which something is made yet", () => {
    assert.deepEqual(late(["/dev", "tmpfs", "ro"], ["/a", "tmpfs", "ro"], ["/a/b", "proc"]), ["/dev", "/a"]);
  });

  test("for nothing else", () => {
    assert.deepEqual(late(["/a/b", "proc"], ["/a", "tmpfs", "ro"], ["/ab", "proc"]), []);
    assert.deepEqual(late(["/dev", "tmpfs"], ["/proc", "proc", "ro"], ["/proc/x", "tmpfs", "ro"]), []);
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
      words: ["ro"],
      flags: { set: ["ro"], clear: [] },
      layout,
    });
  });

  test("that is read-only unless options leave `ro` out", () => {
    assert.deepEqual(flagsFor(), { set: ["ro"], clear: [] });
    assert.deepEqual(flagsFor("nosuid"), { set: ["nosuid"], clear: [] });
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

test("planRootfs() warns of data for a bind mount, which nobody reads", () => {
  const warnings: string[] = [];
  const warn = (path: string, message: string) => void warnings.push(`${path}: ${message}`);
  plan({ mounts: [{ destination: "/d", source: "/s", options: ["bind", "mode=755"] }] }, { warn });
  assert.deepEqual(warnings, ['mounts[0].options: "mode=755" means nothing for a bind mount']);
});

test("planRootfs() warns of data for a view of cgroups, whose hierarchies are there", () => {
  const warnings: string[] = [];
  const warn = (path: string, message: string) => void warnings.push(`${path}: ${message}`);
  plan(
    { mounts: [{ destination: "/cg", type: "cgroup", options: ["ro", "nsdelegate"] }] },
    { warn, cgroupView: { mode: "v2", namespace: true, source: "/sys/fs/cgroup/box/web" } },
  );
  assert.deepEqual(warnings, ['mounts[0].options: "nsdelegate" means nothing for a view of cgroups']);
});

test("planRootfs() refuses mounts that it could not perform as they are written", () => {
  const cases: [Mount, string][] = [
    [{ destination: "/d", options: ["bind"] }, "mounts[1].source: required for a bind mount"],
    [{ destination: "/d" }, 'mounts[1].type: required unless "bind" or "rbind" is among the options'],
    [
      { destination: "/d", source: "/s", options: ["bind", "tmpcopyup"] },
      'mounts[1].options: "tmpcopyup" is for tmpfs only',
    ],
    [{ destination: "/d", type: "proc", options: ["tmpcopyup"] }, 'mounts[1].options: "tmpcopyup" is for tmpfs only'],
    [
      { destination: "/d", type: "tmpfs", options: ["ridmap"] },
      'mounts[1].options: "ridmap" needs uidMappings and gidMappings, or a user namespace',
    ],
    [
      { destination: "/d", type: "tmpfs", options: ["copy-symlink"] },
      'mounts[1].options: "copy-symlink" is for binds only',
    ],
    [
      { destination: "/d", type: "overlay", options: [`lowerdir=${"x".repeat(4090)}`] },
      "mounts[1].options: the options of a file system must be at most 4095 bytes long together",
    ],
  ];
  for (const [mount, message] of cases) {
    const mounts = [{ destination: "/fine", type: "tmpfs" }, mount];
    assert.throws(() => plan({ mounts }), { name: "BoxError", message });
  }
});

describe("planRootfs() plans the ids of a mount", () => {
  const own = [{ containerID: 0, hostID: 1000, size: 5 }];
  const ranges = [{ containerId: 0, hostId: 1000, size: 5 }];
  const user: Linux = {
    namespaces: [{ type: "user" }],
    uidMappings: [
      { containerID: 0, hostID: 0, size: 1 },
      { containerID: 1, hostID: 2, size: 1000 },
    ],
    gidMappings: [{ containerID: 0, hostID: 500, size: 10 }],
  };
  const idsOf = (mount: Partial<Mount>, linux: Linux = {}) => {
    const [op] = plan({ mounts: [{ destination: "/d", source: "/s", type: "bind", ...mount }], linux }).mounts;
    assert.ok(op !== undefined && op.kind !== "cgroup");
    assert.equal(op.byCaller, true);
    return op.ids;
  };

  test("by its own mappings, before those of the user namespace", () => {
    const mount = { uidMappings: own, gidMappings: own };
    assert.deepEqual(idsOf(mount), { uids: ranges, gids: ranges, recursive: false });
    assert.deepEqual(idsOf({ ...mount, options: ["rbind", "ridmap"] }, user), {
      uids: ranges,
      gids: ranges,
      recursive: true,
    });
  });

  test("by those of the user namespace, where it has none", () => {
    assert.deepEqual(idsOf({ options: ["idmap"] }, user), {
      uids: [
        { containerId: 0, hostId: 0, size: 1 },
        { containerId: 1, hostId: 2, size: 1000 },
      ],
      gids: [{ containerId: 0, hostId: 500, size: 10 }],
      recursive: false,
    });
    const joined: Linux = { namespaces: [{ type: "user", path: "/ns/user" }] };
    assert.deepEqual(idsOf({ options: ["idmap"] }, joined), { namespace: "/ns/user", recursive: false });
  });

  test("by ranges in the option, `@` giving ids of the container", () => {
    const options = ["idmap=uids=@1-3-10#20-30-5;gids=0-7-1"];
    assert.deepEqual(idsOf({ options }, user), {
      uids: [
        { containerId: 1, hostId: 4, size: 10 },
        { containerId: 20, hostId: 30, size: 5 },
      ],
      gids: [{ containerId: 0, hostId: 7, size: 1 }],
      recursive: false,
    });
  });

  test("not at all without a wish, though in a user namespace the host side opens the source", () => {
    assert.equal(idsOf({}, user), undefined);
    assert.equal(plan({ mounts: [{ destination: "/d", type: "tmpfs" }], linux: user }).mounts[0]?.kind, "filesystem");
  });

  test("not from what is no range, nor without the right to", () => {
    const none = '"idmap=" needs both "uids=" and "gids="';
    const relative = '"@0-0-1" is relative to the mappings of a new user namespace, and there is none';
    for (const [option, message] of [
      ["idmap=", '"idmap=" takes "uids=" and "gids=", separated by ";", not ""'],
      ["idmap=uids=0-0-1", none],
      ["idmap=uids=0-0-0;gids=0-0-1", '"0-0-0" is no range of ids: it must be FROM-TO-COUNT'],
      ["idmap=uids=0-4294967295-1;gids=0-0-1", '"0-4294967295-1" is no range of ids: it must be FROM-TO-COUNT'],
      ["idmap=uids=@0-0-1;gids=0-0-1", relative],
    ] as const) {
      assert.throws(() => idsOf({ options: [option] }), { message: `mounts[0].options: ${message}` }, option);
    }
    assert.throws(() => idsOf({ options: ["idmap=uids=@0-0-2;gids=0-0-1"] }, user), {
      message: 'mounts[0].options: "@0-0-2" is not within one range of the container\'s ids',
    });
    const mount = { destination: "/d", source: "/s", type: "bind", uidMappings: own, gidMappings: own };
    assert.throws(() => planMount(mount, { mayMount: () => false }), {
      message: "mounts[0].options: an id-mapped mount takes CAP_SYS_ADMIN",
    });
  });
});

describe("planRootfs() plans the options of a file system", () => {
  const optionsOf = (mount: Mount, linux: Linux = {}, hasSelinux = true) => {
    const [op] = plan({ mounts: [mount], linux }, { hasSelinux: () => hasSelinux }).mounts;
    assert.equal(op?.kind, "filesystem");
    return op;
  };

  test("with the container's label, where SELinux is in force and it has none of its own", () => {
    const linux = { mountLabel: "a:b:c:s0:c1,c2" };
    const label = ["context", "a:b:c:s0:c1,c2"];
    const tmpfs = { destination: "/d", type: "tmpfs" };
    assert.deepEqual(optionsOf(tmpfs, linux).options, [label]);
    assert.deepEqual(optionsOf({ ...tmpfs, options: ["size=1k"] }, linux).options, [["size", "1k"], label]);
    assert.deepEqual(optionsOf({ ...tmpfs, options: ["context=x"] }, linux).options, [["context", "x"]]);
    for (const type of ["proc", "sysfs", "mqueue"]) assert.deepEqual(optionsOf({ ...tmpfs, type }, linux).options, []);
    assert.deepEqual(optionsOf(tmpfs, linux, false).options, []);
    assert.deepEqual(optionsOf(tmpfs, { mountLabel: "" }).options, []);
  });

  test("for mount(2) as soon as one of them is longer than fsconfig(2) takes", () => {
    const overlay = (length: number) =>
      optionsOf({ destination: "/d", type: "overlay", options: ["xino=off", `lowerdir=${"é".repeat(length)}`] });
    assert.equal(overlay(127).hasLongOptions, false);
    assert.equal(overlay(128).hasLongOptions, true);
    assert.equal(optionsOf({ destination: "/d", type: "nfs", source: "x".repeat(256) }).hasLongOptions, true);
  });

  test("read-only as a whole where a read-only mount is of a device", () => {
    const device = { destination: "/d", type: "squashfs", source: "/dev/loop0" };
    assert.deepEqual(optionsOf({ ...device, options: ["ro"] }).options, [["ro"]]);
    assert.deepEqual(optionsOf(device).options, []);
    assert.deepEqual(optionsOf({ destination: "/d", type: "tmpfs", options: ["ro"] }).options, []);
  });
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
