import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CgroupLayout } from "../facts/cgroups.ts";
import type { Linux, Resources } from "../spec/types.ts";
import type { CgroupOps } from "./ops.ts";
import { planCgroup } from "./plan.ts";

const v2: CgroupLayout = { mode: "v2" };
const hierarchies = [
  { name: "memory", options: ["memory"] },
  { name: "cpu,cpuacct", options: ["cpu", "cpuacct"] },
  { name: "systemd", options: ["name=systemd"] },
];
const hybrid: CgroupLayout = { mode: "v1", hierarchies, unified: true };
const none: CgroupLayout = { mode: "none" };

function plan(linux: Linux, layout = v2): CgroupOps {
  const ops = planCgroup(linux, "web", layout);
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
    ["box.slice:box:web", "/box/box.slice:box:web", false],
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
    assert.deepEqual(plan({}, { mode: "v1", hierarchies, unified: false }).directories, v1);
  });

  test("of a hybrid host, the unified one last", () => {
    const unified = { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] };
    assert.deepEqual(plan({}, hybrid).directories, [...v1, unified]);
  });
});

describe("planCgroup() on a host without cgroups", () => {
  test("plans none where none is asked for", () => {
    assert.equal(planCgroup({}, "web", none), undefined);
    assert.equal(planCgroup({ resources: { devices: [] } }, "web", none), undefined);
  });

  test("refuses what asks for one", () => {
    const message = "linux.resources: this host has no cgroups mounted at /sys/fs/cgroup";
    for (const linux of [{ cgroupsPath: "/a" }, { resources: { devices: [{ allow: false }] } }]) {
      assert.throws(() => planCgroup(linux, "web", none), { name: "BoxError", message });
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

describe("planCgroup() takes resources", () => {
  test("that are empty or zero, as engines send them, for none", () => {
    const empty: Resources = { memory: {}, cpu: { shares: 0, cpus: "" }, blockIO: { weightDevice: [] }, unified: {} };
    assert.deepEqual(plan({ resources: empty }), plan({}));
  });

  test("that it could not apply as an error by name", () => {
    const cases: [Resources, string][] = [
      [{ memory: { limit: 4096 } }, "linux.resources.memory.limit"],
      [{ memory: { limit: 2n ** 62n } }, "linux.resources.memory.limit"],
      [{ cpu: { shares: 0, quota: 1000 } }, "linux.resources.cpu.quota"],
      [{ unified: { "memory.high": "1" } }, "linux.resources.unified.memory.high"],
    ];
    for (const [resources, name] of cases) {
      assert.throws(() => plan({ resources }), { name: "BoxError", message: `${name}: not supported` });
    }
  });
});
