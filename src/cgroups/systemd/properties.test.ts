import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Setting, UnitValue } from "../ops.ts";
import { infinity, propertiesOf } from "./properties.ts";

function setting(name: string, text: string): Setting {
  return {
    property: "linux.resources",
    mount: "/sys/fs/cgroup",
    files: [{ name, text }],
    optional: false,
    neutral: false,
  };
}

function translated(...files: [string, string][]): [string, string, UnitValue][] {
  return propertiesOf(files.map(([name, text]) => setting(name, text))).map((one) => [
    one.name,
    one.signature,
    one.value,
  ]);
}

describe("propertiesOf()", () => {
  const cases: [string, string, [string, string, UnitValue][]][] = [
    ["memory.max", "4096", [["MemoryMax", "t", 4096n]]],
    ["memory.max", "max", [["MemoryMax", "t", infinity]]],
    ["memory.max", "18446744073709551615", []],
    ["memory.high", "2M", [["MemoryHigh", "t", 2_097_152n]]],
    ["memory.min", "x", []],
    ["memory.swap.max", "0", [["MemorySwapMax", "t", 0n]]],
    ["pids.max", "max", [["TasksMax", "t", infinity]]],
    ["pids.max", "20", [["TasksMax", "t", 20n]]],
    ["pids.max", "0", [["TasksMax", "t", 1n]]],
    ["cpu.weight", "0", []],
    ["cpu.shares", "1", []],
    ["blkio.weight", "5", []],
    ["cpu.weight", "59", [["CPUWeight", "t", 59n]]],
    [
      "cpu.max",
      "50000 100000",
      [
        ["CPUQuotaPeriodUSec", "t", 100_000n],
        ["CPUQuotaPerSecUSec", "t", 500_000n],
      ],
    ],
    // Whole percents, rounded up, so that the container can set what it was given.
    [
      "cpu.max",
      "55500 100000",
      [
        ["CPUQuotaPeriodUSec", "t", 100_000n],
        ["CPUQuotaPerSecUSec", "t", 560_000n],
      ],
    ],
    [
      "cpu.max",
      "max 20000",
      [
        ["CPUQuotaPeriodUSec", "t", 20_000n],
        ["CPUQuotaPerSecUSec", "t", infinity],
      ],
    ],
    [
      "cpu.max",
      "200000",
      [
        ["CPUQuotaPeriodUSec", "t", 100_000n],
        ["CPUQuotaPerSecUSec", "t", 2_000_000n],
      ],
    ],
    ["cpu.max", "1 0", []],
    ["cpuset.cpus", "0-3,9", [["AllowedCPUs", "ay", [0x0f, 0x02]]]],
    ["cpuset.cpus", "8", [["AllowedCPUs", "ay", [0, 1]]]],
    ["cpuset.cpus", "3-1", []],
    ["cpuset.cpus", "0-99999", []],
    ["cpuset.mems", "1", [["AllowedMemoryNodes", "ay", [2]]]],
    ["io.weight", "200", [["IOWeight", "t", 200n]]],
    ["io.weight", "default 200", [["IOWeight", "t", 200n]]],
    ["io.weight", "8:0 200", [["IODeviceWeight", "a(st)", [["/dev/block/8:0", 200n]]]]],
    ["io.max", "8:0 rbps=1048576", [["IOReadBandwidthMax", "a(st)", [["/dev/block/8:0", 1_048_576n]]]]],
    [
      "io.max",
      "8:0 riops=7 wiops=max",
      [
        ["IOReadIOPSMax", "a(st)", [["/dev/block/8:0", 7n]]],
        ["IOWriteIOPSMax", "a(st)", [["/dev/block/8:0", infinity]]],
      ],
    ],
    ["io.max", "/dev/sda rbps=1", []],
    ["hugetlb.2MB.max", "0", []],
    ["cpu.idle", "1", []],
    ["memory.limit_in_bytes", "4096", [["MemoryLimit", "t", 4096n]]],
    ["memory.limit_in_bytes", "-1", [["MemoryLimit", "t", infinity]]],
    ["memory.memsw.limit_in_bytes", "4096", []],
    ["cpu.shares", "512", [["CPUShares", "t", 512n]]],
    [
      "cpu.cfs_quota_us",
      "50000",
      [
        ["CPUQuotaPeriodUSec", "t", 100_000n],
        ["CPUQuotaPerSecUSec", "t", 500_000n],
      ],
    ],
    [
      "cpu.cfs_quota_us",
      "-1",
      [
        ["CPUQuotaPeriodUSec", "t", 100_000n],
        ["CPUQuotaPerSecUSec", "t", infinity],
      ],
    ],
    ["blkio.weight", "500", [["BlockIOWeight", "t", 500n]]],
    ["blkio.weight_device", "8:0 500", [["BlockIODeviceWeight", "a(st)", [["/dev/block/8:0", 500n]]]]],
    ["blkio.throttle.read_bps_device", "8:0 7", [["BlockIOReadBandwidth", "a(st)", [["/dev/block/8:0", 7n]]]]],
    ["blkio.throttle.write_bps_device", "8:0 0", [["BlockIOWriteBandwidth", "a(st)", [["/dev/block/8:0", infinity]]]]],
    ["blkio.throttle.read_iops_device", "8:0 7", []],
  ];
  for (const [name, text, expected] of cases) {
    test(`${name} ${text}`, () => assert.deepEqual(translated([name, text]), expected));
  }

  test("takes v1's quota and period together", () => {
    const expected = [
      ["CPUQuotaPeriodUSec", "t", 50_000n],
      ["CPUQuotaPerSecUSec", "t", 400_000n],
    ];
    assert.deepEqual(translated(["cpu.cfs_period_us", "50000"], ["cpu.cfs_quota_us", "20000"]), expected);
    assert.deepEqual(translated(["cpu.cfs_quota_us", "20000"], ["cpu.cfs_period_us", "50000"]), expected);
  });

  test("collects the lines of several devices", () => {
    assert.deepEqual(translated(["io.max", "8:0 wbps=1"], ["io.max", "8:16 wbps=2"]), [
      [
        "IOWriteBandwidthMax",
        "a(st)",
        [
          ["/dev/block/8:0", 1n],
          ["/dev/block/8:16", 2n],
        ],
      ],
    ]);
  });

  test("takes the last of what is there twice", () => {
    assert.deepEqual(translated(["memory.max", "1"], ["memory.max", "2"]), [["MemoryMax", "t", 2n]]);
  });
});
