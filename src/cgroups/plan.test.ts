import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CgroupLayout } from "../facts/cgroups.ts";
import type { Refusal } from "../spec/refusal.ts";
import type { Linux, Resources, Spec } from "../spec/types.ts";
import type { CgroupOps } from "./ops.ts";
import { mergeResources, planCgroup, planUpdate } from "./plan.ts";

const v2: CgroupLayout = { mode: "v2", controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"] };
const hierarchies = [
  { name: "memory", options: ["memory"] },
  { name: "cpu,cpuacct", options: ["cpu", "cpuacct"] },
  { name: "systemd", options: ["name=systemd"] },
];
const hybrid: CgroupLayout = { mode: "v1", hierarchies, unified: true, controllers: ["hugetlb"] };
const none: CgroupLayout = { mode: "none" };

const systemd = { bus: "unix:path=/run/dbus/system_bus_socket", isUser: false, controlGroup: "" };

function specOf(linux: Linux, more: Partial<Spec> = {}): Spec {
  return { ociVersion: "1.3.0", root: { path: "rootfs" }, linux, ...more };
}

/** A host of root's; how its cgroups are laid out each test says. */
const host = { systemd, mayLimitDevices: true, capabilities: 1n, cgroupHome: "/box" };

function plan(linux: Linux, layout: CgroupLayout = v2, more: Partial<Spec> = {}): CgroupOps {
  const ops = planCgroup(specOf(linux, more), "web", { ...host, cgroups: layout });
  assert.ok(ops !== undefined);
  return ops;
}

describe("planCgroup() names the cgroup", () => {
  const cases: [string | undefined, string, boolean][] = [
    [undefined, "/box/web", true],
    ["", "/box/web", true],
    ["/a/b", "/a/b", false],
    ["//a//b/", "/a/b", false],
    ["/a/./b", "/a/b", false],
    ["a/b", "/box/a/b", false],
    ["box.slice:box:web", "/box/box.slice:box:web", true],
    ["other", "/box/other", true],
  ];
  for (const [cgroupsPath, path, ownParent] of cases) {
    test(`${path} for ${JSON.stringify(cgroupsPath)}`, () => {
      const ops = plan(cgroupsPath === undefined ? {} : { cgroupsPath });
      assert.deepEqual([ops.path, ops.ownParent], [path, ownParent]);
    });
  }
});

describe("planCgroup() takes every hierarchy", () => {
  test("of a v2 host", () => {
    assert.deepEqual(plan({}).directories, [{ mount: "/sys/fs/cgroup", version: 2, controllers: [] }]);
  });

  const v1 = [
    { mount: "/sys/fs/cgroup/memory", version: 1, controllers: ["memory"] },
    { mount: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
    { mount: "/sys/fs/cgroup/systemd", version: 1, controllers: ["name=systemd"] },
  ];

  test("of a v1 host", () => {
    assert.deepEqual(plan({}, { mode: "v1", hierarchies, unified: false, controllers: [] }).directories, v1);
  });

  test("of a hybrid host, the unified one last", () => {
    const unified = { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] };
    assert.deepEqual(plan({}, hybrid).directories, [...v1, unified]);
  });
});

describe("planCgroup() on a host without cgroups", () => {
  test("plans none where none is asked for", () => {
    assert.equal(planCgroup(specOf({}), "web", { ...host, cgroups: none }), undefined);
    assert.equal(planCgroup(specOf({ resources: { devices: [] } }), "web", { ...host, cgroups: none }), undefined);
  });

  test("refuses what asks for one", () => {
    const cases: [Linux, string][] = [
      [{ cgroupsPath: "/a" }, "linux.cgroupsPath"],
      [{ resources: { devices: [{ allow: false }] } }, "linux.resources"],
      [{ resources: { pids: { limit: 0 } } }, "linux.resources.pids.limit"],
    ];
    for (const [linux, property] of cases) {
      const message = `${property}: this host has no cgroups mounted at /sys/fs/cgroup`;
      assert.throws(() => planCgroup(specOf(linux), "web", { ...host, cgroups: none }), {
        message,
      });
    }
  });
});

describe("planCgroup() plans device rules", () => {
  const rulesOf = (devices: Resources["devices"]) => plan({ resources: { devices: devices ?? [] } }).devices;

  test("none where none is asked for", () => {
    assert.deepEqual(rulesOf([]), []);
    assert.deepEqual(plan({}).devices, []);
  });

  test("in order, what is left out or negative standing for everything", () => {
    const rules = rulesOf([
      { allow: false },
      { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
      { allow: true, type: "b", major: -1, minor: 0 },
      { allow: false, type: "a", access: "m" },
    ]);
    assert.deepEqual(rules.slice(0, 4), [
      { allow: false, type: "all", major: undefined, minor: undefined, access: "rwm" },
      { allow: true, type: "char", major: 10, minor: 229, access: "rw" },
      { allow: true, type: "block", major: undefined, minor: 0, access: "rwm" },
      { allow: false, type: "all", major: undefined, minor: undefined, access: "m" },
    ]);
  });

  test("and lets the devices of every container through, whatever the rules before say", () => {
    const added = rulesOf([{ allow: false }]).slice(1);
    const text = added.map(
      ({ allow, type, major, minor, access }) => `${allow} ${type} ${major ?? "*"}:${minor ?? "*"} ${access}`,
    );
    assert.deepEqual(text, [
      "true char *:* m",
      "true block *:* m",
      "true char 1:3 rwm",
      "true char 1:5 rwm",
      "true char 1:7 rwm",
      "true char 1:8 rwm",
      "true char 1:9 rwm",
      "true char 5:0 rwm",
      "true char 5:1 rwm",
      "true char 5:2 rwm",
      "true char 136:* rwm",
    ]);
  });
});

describe("planCgroup() asks systemd for a scope", () => {
  const scope = (layout: CgroupLayout, linux: Linux = {}, isUser = false) =>
    planCgroup(specOf(linux), "web", { ...host, cgroups: layout, systemd: { ...systemd, isUser } }, "systemd");
  const devices: Resources["devices"] = [{ allow: false }, { allow: true, type: "c", minor: 3 }];
  const named = (ops: CgroupOps | undefined, name: string) => ops?.unit?.properties.find((one) => one.name === name);

  test("in every hierarchy at one path", () => {
    for (const layout of [v2, hybrid]) {
      const ops = scope(layout);
      assert.equal(ops?.path, "/system.slice/box-web.scope");
      assert.equal(ops?.unit?.name, "box-web.scope");
      assert.deepEqual(ops?.directories, plan({}, layout).directories);
    }
  });

  test("in the hierarchy of every controller that systemd has on v1", () => {
    for (const name of ["CPUAccounting", "MemoryAccounting", "BlockIOAccounting", "TasksAccounting"]) {
      assert.equal(named(scope(hybrid), name)?.value, true);
      assert.equal(named(scope(v2), name), undefined);
    }
  });

  test("with device rules on v1 alone, where it applies them", () => {
    const rules = { resources: { devices: [{ allow: false }] } };
    assert.equal(named(scope(v2, rules), "DevicePolicy"), undefined);
    assert.equal(named(scope(hybrid, rules), "DevicePolicy")?.value, "strict");
    assert.equal(named(scope(hybrid), "DevicePolicy"), undefined);
    assert.deepEqual(scope(v2, { resources: { devices } })?.devices, plan({ resources: { devices } }).devices);
    assert.throws(() => scope(hybrid, { resources: { devices } }), /linux\.resources\.devices: .*minor number \(3\)/);
  });

  test("and tells all at once that stands in the way of one", () => {
    const annotations = { "org.systemd.property.ExecStart": "'/bin/sh'" };
    const linux = { cgroupsPath: "/not:a/scope", resources: { memory: { kernel: 5 } } };
    const facts = { ...host, cgroups: v2 };
    assert.throws(
      () => planCgroup(specOf(linux, { annotations }), "web", facts, "systemd"),
      (thrown: Refusal) => {
        const paths = thrown.findings.map(({ path }) => path);
        const memory = "linux.resources.memory.kernel";
        assert.deepEqual(paths, ['annotations["org.systemd.property.ExecStart"]', memory, "linux.cgroupsPath"]);
        return true;
      },
    );
  });

  test("but not a user's own on v1, nor without cgroups", () => {
    assert.ok(scope(v2, {}, true) !== undefined);
    assert.throws(() => scope(hybrid, {}, true), /linux\.cgroupsPath: a user's own systemd/);
    assert.throws(() => scope(none), /linux\.cgroupsPath: this host has no cgroups/);
  });
});

describe("planUpdate() writes quota and period together", () => {
  const base = { cpu: { quota: 20_000, period: 50_000 } };
  const texts = (change: Resources, layout: CgroupLayout) =>
    planUpdate(base, change, mergeResources(base, change), layout)
      .settings.flatMap(({ files }) => files)
      .map(({ name, text }) => `${name} ${text}`);

  test("whichever of them changes", () => {
    assert.deepEqual(texts({ cpu: { quota: 30_000 } }, hybrid), ["cpu.cfs_period_us 50000", "cpu.cfs_quota_us 30000"]);
    assert.deepEqual(texts({ cpu: { period: 60_000 } }, hybrid), ["cpu.cfs_period_us 60000", "cpu.cfs_quota_us 20000"]);
    assert.deepEqual(texts({ cpu: { period: 60_000 } }, v2), ["cpu.max 20000 60000"]);
    assert.deepEqual(texts({ cpu: { shares: 512 } }, hybrid), ["cpu.shares 512"]);
  });
});

describe("planCgroup() takes a pids limit of 0", () => {
  const texts = (ociVersion: string) =>
    plan({ resources: { pids: { limit: 0 } } }, v2, { ociVersion }).settings.map(({ files }) => files[0]?.text);

  test("for one since version 1.3", () => assert.deepEqual(texts("1.3.0"), ["0"]));
  test("for none before", () => assert.deepEqual(texts("1.2.1"), []));
});

describe("planCgroup() gives the cgroup to the container's user", () => {
  const view = { destination: "/sys/fs/cgroup", type: "cgroup", options: ["nosuid", "rw"] };
  const process = { cwd: "/", args: ["sh"], user: { uid: 1000, gid: 0 } };
  const namespaces: Linux["namespaces"] = [{ type: "mount" }, { type: "cgroup" }];
  const uidMappings = [
    { containerID: 0, hostID: 5, size: 1 },
    { containerID: 1000, hostID: 7000, size: 2 },
  ];
  const ownerOf = (linux: Linux, more: Partial<Spec> = {}, layout: CgroupLayout = v2) =>
    plan({ namespaces, ...linux }, layout, { process, mounts: [view], ...more }).owner;
  const withUser = [...(namespaces ?? []), { type: "user" as const }];

  test("by the id that the host knows", () => {
    assert.equal(ownerOf({}), 1000);
    assert.equal(ownerOf({ namespaces: withUser, uidMappings }), 7000);
    const second = { ...process, user: { uid: 1001, gid: 0 } };
    assert.equal(ownerOf({ namespaces: withUser, uidMappings }, { process: second }), 7001);
    assert.equal(
      ownerOf({ namespaces: withUser, uidMappings }, { process: { ...process, user: { uid: 0, gid: 0 } } }),
      5,
    );
  });

  test("but not root's, and not where it is not the container's own, writable or cgroup2", () => {
    assert.equal(ownerOf({}, { process: { ...process, user: { uid: 0, gid: 0 } } }), undefined);
    assert.equal(ownerOf({ namespaces: [{ type: "mount" }] }), undefined);
    assert.equal(ownerOf({ namespaces: [{ type: "cgroup", path: "/proc/1/ns/cgroup" }] }), undefined);
    assert.equal(ownerOf({ namespaces: [...(namespaces ?? []), { type: "user", path: "/ns" }] }), undefined);
    assert.equal(ownerOf({}, { mounts: [{ ...view, options: [] }] }), undefined);
    assert.equal(ownerOf({}, { mounts: [{ ...view, options: ["nosuid"] }] }), 1000);
    assert.equal(ownerOf({}, { mounts: [{ ...view, options: ["rw", "ro"] }] }), undefined);
    assert.equal(ownerOf({}, { mounts: [] }), undefined);
    assert.equal(ownerOf({}, {}, hybrid), undefined);
  });
});
