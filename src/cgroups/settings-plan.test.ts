import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CgroupLayout } from "../facts/cgroups.ts";
import type { Resources } from "../spec/types.ts";
import type { Setting } from "./ops.ts";
import { cpuWeight, ioWeight, properties } from "./resources.ts";
import { planSettings } from "./settings-plan.ts";

const v2: CgroupLayout = {
  mode: "v2",
  controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"],
};
const hierarchy = (name: string) => ({ name, options: name.split(",") });
const hierarchies = ["cpu,cpuacct", "cpuset", "memory", "blkio", "pids", "net_cls,net_prio", "rdma"].map(hierarchy);
const hybrid: CgroupLayout = { mode: "v1", hierarchies, unified: true, controllers: ["hugetlb"] };
const v1: CgroupLayout = {
  mode: "v1",
  hierarchies: [...hierarchies, hierarchy("hugetlb")],
  unified: false,
  controllers: [],
};
const bareV2: CgroupLayout = { mode: "v2", controllers: [] };

function settings(resources: Resources, layout: CgroupLayout): readonly Setting[] {
  return planSettings(resources, resources, layout, "r").settings;
}

/** `file text`, with `?` where it is optional and `=` where it is neutral; alternatives after `|`. */
function written(resources: Resources, layout: CgroupLayout): string[] {
  return settings(resources, layout).map(
    ({ files, optional, neutral }) =>
      files.map(({ name, text }) => `${name} ${text}`).join(" | ") + (optional ? "?" : "") + (neutral ? "=" : ""),
  );
}

function refusal(resources: Resources, layout: CgroupLayout): string {
  try {
    planSettings(resources, resources, layout, "r");
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return assert.fail("it was planned");
}

const device = { major: 8, minor: 16 };
/** One case a property, and more where a value is special: what is written on v1 and on v2. */
const cases: readonly (readonly [resources: Resources, v1: readonly string[], v2: readonly string[] | "none"])[] = [
  [{ memory: { limit: 4096 } }, ["memory.limit_in_bytes 4096"], ["memory.max 4096"]],
  [
    { memory: { limit: -1 } },
    ["memory.limit_in_bytes -1?=", "memory.memsw.limit_in_bytes -1?="],
    ["memory.max max?=", "memory.swap.max max?="],
  ],
  [
    { memory: { limit: 9007199254740993n, swap: 9007199254740995n } },
    ["memory.limit_in_bytes 9007199254740993", "memory.memsw.limit_in_bytes 9007199254740995"],
    ["memory.max 9007199254740993", "memory.swap.max 2"],
  ],
  [
    { memory: { limit: 10, swap: 10 } },
    ["memory.limit_in_bytes 10", "memory.memsw.limit_in_bytes 10"],
    ["memory.max 10", "memory.swap.max 0"],
  ],
  [
    { memory: { limit: 10, swap: -1 } },
    ["memory.limit_in_bytes 10", "memory.memsw.limit_in_bytes -1?="],
    ["memory.max 10", "memory.swap.max max?"],
  ],
  [{ memory: { reservation: 10 } }, ["memory.soft_limit_in_bytes 10"], ["memory.low 10"]],
  [{ memory: { reservation: -1 } }, ["memory.soft_limit_in_bytes -1?="], ["memory.low max?="]],
  [{ memory: { kernel: 10 } }, ["memory.kmem.limit_in_bytes 10"], "none"],
  [{ memory: { kernelTCP: 10 } }, ["memory.kmem.tcp.limit_in_bytes 10"], "none"],
  [{ memory: { swappiness: 0 } }, ["memory.swappiness 0"], "none"],
  [{ memory: { disableOOMKiller: true } }, ["memory.oom_control 1"], "none"],
  [{ memory: { disableOOMKiller: false } }, ["memory.oom_control 0?="], []],
  [{ memory: { useHierarchy: true } }, ["memory.use_hierarchy 1?="], []],
  [{ memory: { useHierarchy: false } }, [], []],
  [{ cpu: { shares: 1024 } }, ["cpu.shares 1024"], ["cpu.weight 100"]],
  [{ cpu: { idle: 1 } }, ["cpu.idle 1"], ["cpu.idle 1"]],
  [{ cpu: { quota: 50000 } }, ["cpu.cfs_quota_us 50000"], ["cpu.max 50000 100000"]],
  [{ cpu: { period: 50000 } }, ["cpu.cfs_period_us 50000"], ["cpu.max max 50000"]],
  [
    { cpu: { quota: 20000, period: 50000 } },
    ["cpu.cfs_period_us 50000", "cpu.cfs_quota_us 20000"],
    ["cpu.max 20000 50000"],
  ],
  [{ cpu: { quota: -1, period: 50000 } }, ["cpu.cfs_period_us 50000", "cpu.cfs_quota_us -1?="], ["cpu.max max 50000"]],
  [{ cpu: { burst: 1000 } }, ["cpu.cfs_burst_us 1000"], ["cpu.max.burst 1000"]],
  [{ cpu: { realtimePeriod: 1000000 } }, ["cpu.rt_period_us 1000000"], "none"],
  [{ cpu: { realtimeRuntime: 950000 } }, ["cpu.rt_runtime_us 950000"], "none"],
  [
    { cpu: { cpus: "0-1,3", mems: "0" } },
    ["cpuset.cpus 0-1,3", "cpuset.mems 0"],
    ["cpuset.cpus 0-1,3", "cpuset.mems 0"],
  ],
  [{ pids: { limit: 0 } }, ["pids.max 0"], ["pids.max 0"]],
  [{ pids: { limit: -1 } }, ["pids.max max?="], ["pids.max max?="]],
  [
    { blockIO: { weight: 1000 } },
    ["blkio.bfq.weight 1000 | blkio.weight 1000"],
    ["io.bfq.weight 1000 | io.weight 10000"],
  ],
  [{ blockIO: { leafWeight: 10 } }, ["blkio.leaf_weight 10"], "none"],
  [
    { blockIO: { weightDevice: [{ ...device, weight: 10 }] } },
    ["blkio.bfq.weight_device 8:16 10 | blkio.weight_device 8:16 10"],
    ["io.bfq.weight 8:16 10 | io.weight 8:16 1"],
  ],
  [{ blockIO: { weightDevice: [{ ...device, leafWeight: 10 }] } }, ["blkio.leaf_weight_device 8:16 10"], "none"],
  [
    { blockIO: { throttleReadBpsDevice: [{ ...device, rate: 1 }] } },
    ["blkio.throttle.read_bps_device 8:16 1"],
    ["io.max 8:16 rbps=1"],
  ],
  [
    { blockIO: { throttleWriteBpsDevice: [{ ...device, rate: 18446744073709551615n }] } },
    ["blkio.throttle.write_bps_device 8:16 18446744073709551615"],
    ["io.max 8:16 wbps=18446744073709551615"],
  ],
  [
    { blockIO: { throttleReadIOPSDevice: [{ ...device, rate: 3 }] } },
    ["blkio.throttle.read_iops_device 8:16 3"],
    ["io.max 8:16 riops=3"],
  ],
  [
    { blockIO: { throttleWriteIOPSDevice: [{ ...device, rate: 0 }] } },
    ["blkio.throttle.write_iops_device 8:16 0?="],
    ["io.max 8:16 wiops=max?="],
  ],
  [
    { hugepageLimits: [{ pageSize: "2MB", limit: 4 }] },
    ["hugetlb.2MB.rsvd.limit_in_bytes 4?", "hugetlb.2MB.limit_in_bytes 4"],
    ["hugetlb.2MB.rsvd.max 4?", "hugetlb.2MB.max 4"],
  ],
  [{ network: { classID: 0x100001 } }, ["net_cls.classid 1048577"], "none"],
  [{ network: { priorities: [{ name: "lo", priority: 3 }] } }, ["net_prio.ifpriomap lo 3"], "none"],
  [
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10 } } },
    ["rdma.max mlx5_1 hca_handle=3 hca_object=10"],
    ["rdma.max mlx5_1 hca_handle=3 hca_object=10"],
  ],
  [{ rdma: { mlx5_1: { hcaObjects: 10 } } }, ["rdma.max mlx5_1 hca_object=10"], ["rdma.max mlx5_1 hca_object=10"]],
];

describe("planSettings() writes", () => {
  for (const [resources, onV1, onV2] of cases) {
    test(
      JSON.stringify(resources, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      () => {
        assert.deepEqual(written(resources, v1), onV1);
        if (onV2 === "none") assert.match(refusal(resources, v2), /: cgroup v2 has no such setting$/);
        else assert.deepEqual(written(resources, v2), onV2);
      },
    );
  }

  test("each property in one of these cases", () => {
    const seen = new Set(
      cases.flatMap(([resources]) => properties.filter(({ wishes }) => wishes(resources, resources).length > 0)),
    );
    assert.deepEqual(
      properties.filter((property) => !seen.has(property)).map(({ name }) => name),
      [],
    );
  });

  test("what is in force together, of what is asked for", () => {
    const all = { memory: { limit: 100, swap: 300, checkBeforeUpdate: true }, cpu: { quota: 5000, period: 20000 } };
    const asked = { memory: { limit: 100 }, cpu: { quota: 5000 } };
    const { settings, controllers } = planSettings(asked, all, v2, "r");
    assert.deepEqual(
      settings.map(({ files, atLeast }) => [files[0]?.name, files[0]?.text, atLeast]),
      [
        ["memory.max", "100", "memory.current"],
        ["memory.swap.max", "200", undefined],
        ["cpu.max", "5000 20000", undefined],
      ],
    );
    assert.deepEqual(controllers, ["memory", "cpu"]);
  });
});

describe("planSettings() finds the hierarchy", () => {
  test("of the controller, and enables only what is asked for", () => {
    const resources: Resources = { pids: { limit: 5 }, hugepageLimits: [{ pageSize: "2MB", limit: 1 }] };
    const places = (layout: CgroupLayout) => {
      const { settings, controllers } = planSettings(resources, resources, layout, "r");
      return [...new Set(settings.map(({ mount }) => mount)), controllers];
    };
    assert.deepEqual(places(v2), ["/sys/fs/cgroup", ["pids", "hugetlb"]]);
    assert.deepEqual(places(hybrid), ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", ["hugetlb"]]);
    assert.deepEqual(places(v1), ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/hugetlb", []]);
  });

  test("for nothing where nothing is asked for, as engines say it", () => {
    const nothing: Resources = {
      memory: {
        limit: -1,
        swap: 0,
        reservation: 0,
        kernel: 0,
        kernelTCP: -1,
        disableOOMKiller: false,
        useHierarchy: true,
      },
      cpu: {
        shares: 0,
        quota: -1,
        period: 0,
        burst: 0,
        idle: 0,
        realtimeRuntime: 0,
        realtimePeriod: 0,
        cpus: "",
        mems: "",
      },
      pids: { limit: -1 },
      blockIO: { weight: 0, leafWeight: 0, weightDevice: [], throttleReadBpsDevice: [{ ...device, rate: 0 }] },
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
      network: { classID: 0, priorities: [] },
      rdma: {},
      unified: {},
    };
    assert.deepEqual(settings(nothing, bareV2), []);
    assert.deepEqual(settings(nothing, { mode: "none" }), []);
    assert.deepEqual(planSettings(nothing, nothing, v2, "r").controllers, ["hugetlb"]);
  });

  test("and names property, controller and hierarchies where there is none", () => {
    const resources = { memory: { limit: 1 }, blockIO: { weight: 10 } };
    const memory = "r.memory.limit: needs the memory controller, which this host does not have";
    assert.equal(
      refusal(resources, bareV2),
      `${memory} (looked at /sys/fs/cgroup with no controller); ` +
        "r.blockIO.weight: needs the io controller, which this host does not have (looked at /sys/fs/cgroup with no controller)",
    );
    const some: CgroupLayout = { ...hybrid, hierarchies: [hierarchy("cpu,cpuacct"), hierarchy("pids")] };
    assert.ok(
      refusal(resources, some).startsWith(
        `${memory} (looked at cgroup v1 with cpu,cpuacct pids, /sys/fs/cgroup/unified with hugetlb); `,
      ),
    );
    const blkio = { blockIO: { weight: 10 } };
    assert.match(refusal(blkio, { ...some, unified: false, controllers: [] }), /needs the blkio controller/);
  });
});

describe("planSettings() takes unified", () => {
  test("line by line, where it has several", () => {
    const resources = { unified: { "io.max": "8:0 riops=1\n8:16 riops=2\n" } };
    const { settings } = planSettings(resources, resources, v2, "r");
    assert.deepEqual(
      settings.map(({ files, key }) => [files[0]?.text, key]),
      [
        ["8:0 riops=1", "8:0"],
        ["8:16 riops=2", "8:16"],
      ],
    );
  });

  test("as it is written, and enables the controller", () => {
    const resources = { unified: { "memory.high": "max\n", "io.max": "8:16 rbps=1", "cgroup.max.depth": "3" } };
    const { settings, controllers } = planSettings(resources, resources, v2, "r");
    const plain = { mount: "/sys/fs/cgroup", optional: false, neutral: false };
    assert.deepEqual(settings, [
      { property: 'r.unified["memory.high"]', ...plain, files: [{ name: "memory.high", text: "max\n" }] },
      { property: 'r.unified["io.max"]', ...plain, files: [{ name: "io.max", text: "8:16 rbps=1" }], key: "8:16" },
      { property: 'r.unified["cgroup.max.depth"]', ...plain, files: [{ name: "cgroup.max.depth", text: "3" }] },
    ]);
    assert.deepEqual(controllers, ["memory", "io"]);
  });

  test("as an error where the controller is missing, or of v1", () => {
    const high = { unified: { "memory.high": "1" } };
    assert.match(refusal(high, bareV2), /^r\.unified\["memory.high"\]: needs the memory controller, which this host/);
    assert.equal(refusal(high, hybrid), 'r.unified["memory.high"]: the memory controller is of cgroup v1 here');
    assert.equal(refusal(high, v1), 'r.unified["memory.high"]: this host has no cgroup v2');
    assert.match(refusal({ unified: { "no.such": "1" } }, v2), /needs the no controller/);
  });
});

test("cpuWeight() leads from v1's least, default and most to cgroup2's", () => {
  const weights = [2, 3, 256, 512, 1024, 2048, 262143, 262144, 500000].map(cpuWeight);
  assert.deepEqual(weights, [1, 2, 35, 59, 100, 174, 10000, 10000, 10000]);
});

test("ioWeight() is a straight line from 10..1000 to 1..10000", () => {
  assert.deepEqual([10, 100, 500, 1000].map(ioWeight), [1, 910, 4950, 10000]);
});
