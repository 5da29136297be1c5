import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CgroupFiles, count, counts, members, pressures, table } from "./stats-files.ts";
import * as v1 from "./stats-v1.ts";
import * as v2 from "./stats-v2.ts";

function files(content: Readonly<Record<string, string>>): CgroupFiles {
  return { read: (name) => content[name], names: () => Object.keys(content) };
}

const nothing = files({});
const unlimited = 2n ** 64n - 1n;

describe("the kernel's files", () => {
  test("count() reads the first number, max as runc prints it, and nothing as 0", () => {
    assert.equal(count("9223372036854771712\n"), 9223372036854771712n);
    assert.equal(count("-1\n"), -1n);
    assert.equal(count("50000 100000\n"), 50000n);
    assert.equal(count("max\n"), unlimited);
    for (const none of [undefined, "", "\n", "soon"]) assert.equal(count(none), 0n);
  });

  test("counts() reads a line of numbers", () => {
    assert.deepEqual(counts("12 0 18446744073709551615 \n"), [12n, 0n, unlimited]);
    assert.deepEqual(counts(undefined), []);
  });

  test("table() reads lines of key and value", () => {
    assert.deepEqual(table("cache 4096\nrss 1\n"), { cache: 4096n, rss: 1n });
    assert.deepEqual(table(undefined), {});
  });

  test("members() reads a list", () => {
    assert.deepEqual(members("0-2,7\n"), [0, 1, 2, 7]);
    assert.deepEqual(members("\n"), []);
  });

  test("pressures() reads a pressure file; of processors the kernel may leave full out", () => {
    const some = "some avg10=1.50 avg60=0.20 avg300=0.00 total=123\n";
    const full = "full avg10=0.00 avg60=0.10 avg300=0.00 total=7\n";
    const zero = { avg10: 0, avg60: 0, avg300: 0, total: 0n };
    const waited = { avg10: 1.5, avg60: 0.2, avg300: 0, total: 123n };
    assert.deepEqual(pressures(some + full), { some: waited, full: { ...zero, avg60: 0.1, total: 7n } });
    assert.deepEqual(pressures(some), { some: waited, full: zero });
    assert.equal(pressures(undefined), undefined);
  });
});

describe("cgroup v1", () => {
  test("cpu() counts in nanoseconds", () => {
    const stats = v1.cpu(
      files({
        "cpuacct.usage": "3408687\n",
        "cpuacct.usage_percpu": "0 3408687 \n",
        "cpuacct.usage_percpu_sys": "0 4 \n",
        "cpuacct.usage_percpu_user": "1 0 \n",
        "cpuacct.stat": "user 3\nsystem 2\n",
        "cpu.stat": "nr_periods 5\nnr_throttled 4\nthrottled_time 77\n",
      }),
    );
    assert.deepEqual(stats, {
      usage: {
        total: 3408687n,
        percpu: [0n, 3408687n],
        percpu_kernel: [0n, 4n],
        percpu_user: [1n, 0n],
        kernel: 20_000_000n,
        user: 30_000_000n,
      },
      throttling: { periods: 5n, throttledPeriods: 4n, throttledTime: 77n },
    });
  });

  test("memory() has the four kinds of use apart", () => {
    const kind = (name: string, from: number): Record<string, string> => ({
      [`memory.${name}limit_in_bytes`]: `${from}`,
      [`memory.${name}usage_in_bytes`]: `${from + 1}`,
      [`memory.${name}max_usage_in_bytes`]: `${from + 2}`,
      [`memory.${name}failcnt`]: `${from + 3}`,
    });
    const all = { ...kind("", 10), ...kind("memsw.", 20), ...kind("kmem.", 30), ...kind("kmem.tcp.", 40) };
    const use = (from: bigint) => ({ limit: from, usage: from + 1n, max: from + 2n, failcnt: from + 3n });
    assert.deepEqual(v1.memory(files({ ...all, "memory.stat": "cache 4096\nrss 1\n" })), {
      cache: 4096n,
      usage: use(10n),
      swap: use(20n),
      kernel: use(30n),
      kernelTCP: use(40n),
      raw: { cache: 4096n, rss: 1n },
    });
  });

  test("blkio() takes the scheduler's counts, else those of the throttling layer", () => {
    const throttle = {
      "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Write 0\nTotal 4096\n",
      "blkio.throttle.io_serviced_recursive": "8:0 Read 1\nTotal 1\n",
    };
    assert.deepEqual(v1.blkio(files(throttle)).ioServiceBytesRecursive, [
      { major: 8, minor: 0, op: "Read", value: 4096n },
      { major: 8, minor: 0, op: "Write", value: 0n },
    ]);
    const bfq = {
      "blkio.bfq.io_serviced_recursive": "254:16 Sync 3\n",
      "blkio.bfq.sectors_recursive": "254:16 8\n",
    };
    const both = v1.blkio(files({ ...throttle, ...bfq }));
    assert.deepEqual(both.ioServicedRecursive, [{ major: 254, minor: 16, op: "Sync", value: 3n }]);
    assert.deepEqual(both.sectorsRecursive, [{ major: 254, minor: 16, op: "", value: 8n }]);
    assert.deepEqual(both.ioServiceBytesRecursive, []);
  });

  test("hugetlb() finds the sizes", () => {
    const stats = v1.hugetlb(
      files({
        "hugetlb.2MB.usage_in_bytes": "2097152",
        "hugetlb.2MB.max_usage_in_bytes": "4194304",
        "hugetlb.2MB.failcnt": "1",
        "hugetlb.2MB.rsvd.usage_in_bytes": "0",
        "hugetlb.1GB.usage_in_bytes": "0",
      }),
    );
    const none = { usage: 0n, max: 0n, failcnt: 0n };
    assert.deepEqual(stats, { "2MB": { usage: 2097152n, max: 4194304n, failcnt: 1n }, "1GB": none });
  });

  test("cpuset() reads lists and flags", () => {
    const stats = v1.cpuset(files({ "cpuset.cpus": "0-1\n", "cpuset.sched_relax_domain_level": "-1\n" }));
    assert.deepEqual([stats.cpus, stats.mems, stats.sched_relax_domain_level], [[0, 1], [], -1n]);
  });
});

describe("cgroup v2", () => {
  test("cpu() turns microseconds into nanoseconds and has the pressure", () => {
    const stat = "usage_usec 7\nuser_usec 3\nsystem_usec 4\nnr_periods 1\nnr_throttled 2\nthrottled_usec 5\n";
    const stats = v2.cpu(files({ "cpu.stat": stat, "cpu.pressure": "some avg10=2.00 avg60=0 avg300=0 total=1\n" }));
    assert.deepEqual(stats.usage, { total: 7000n, kernel: 4000n, user: 3000n });
    assert.deepEqual(stats.throttling, { periods: 1n, throttledPeriods: 2n, throttledTime: 5000n });
    assert.equal(stats.psi?.some.avg10, 2);
    assert.equal("psi" in v2.cpu(nothing), false);
  });

  test("memory() counts swap together with memory, as v1 does", () => {
    const limited = {
      "memory.current": "100\n",
      "memory.max": "1000\n",
      "memory.peak": "200\n",
      "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
      "memory.stat": "anon 60\nfile 40\n",
      "memory.swap.current": "5\n",
      "memory.swap.max": "50\n",
    };
    const stats = v2.memory(files(limited));
    assert.deepEqual(stats.usage, { limit: 1000n, usage: 100n, max: 200n, failcnt: 3n });
    assert.deepEqual([stats.swap.limit, stats.swap.usage, stats.cache], [1050n, 105n, 40n]);
    for (const name of ["memory.max", "memory.swap.max"])
      assert.equal(v2.memory(files({ ...limited, [name]: "max\n" })).swap.limit, unlimited);
  });

  test("pids() says 0 for no limit", () => {
    assert.deepEqual(v2.pids(files({ "pids.current": "3\n", "pids.max": "max\n" })), { current: 3n, limit: 0n });
    assert.deepEqual(v2.pids(files({ "pids.current": "3\n", "pids.max": "8\n" })), { current: 3n, limit: 8n });
  });

  test("blkio() reads io.stat", () => {
    const stat = "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=9 dios=2 cost.usage=7\n254:16 \n";
    const stats = v2.blkio(files({ "io.stat": stat }));
    const entry = (op: string, value: bigint) => ({ major: 8, minor: 0, op, value });
    assert.deepEqual(stats.ioServiceBytesRecursive, [entry("Read", 4096n), entry("Write", 0n), entry("Discard", 9n)]);
    assert.deepEqual(stats.ioServicedRecursive, [entry("Read", 1n), entry("Write", 0n), entry("Discard", 2n)]);
  });

  test("hugetlb() finds the sizes", () => {
    const content = {
      "hugetlb.2MB.current": "2097152\n",
      "hugetlb.2MB.events": "max 4\n",
      "hugetlb.2MB.rsvd.current": "0",
    };
    assert.deepEqual(v2.hugetlb(files(content)), { "2MB": { usage: 2097152n, max: 0n, failcnt: 4n } });
  });
});

test("what a host does not count is 0 or empty", () => {
  assert.deepEqual([v1.cpu(nothing).usage.total, v2.cpu(nothing).usage.total], [0n, 0n]);
  assert.deepEqual([v1.memory(nothing).raw, v2.memory(nothing).raw], [{}, {}]);
  assert.deepEqual([v1.blkio(nothing).ioServicedRecursive, v2.blkio(nothing).ioServicedRecursive], [[], []]);
  assert.deepEqual([v1.hugetlb(nothing), v2.hugetlb(nothing)], [{}, {}]);
});
