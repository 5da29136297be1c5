/** Statistics from the files of cgroup v2: Documentation/admin-guide/cgroup-v2.rst. Pure. */
import {
  type BlkioEntry,
  type BlkioStats,
  type CgroupFiles,
  type CpuStats,
  type CpusetStats,
  count,
  type HugePageStats,
  type MemoryStats,
  type MemoryUse,
  members,
  noMemoryUse,
  type PidsStats,
  table,
  withPressure,
} from "./stats-files.ts";

/** Times in nanoseconds; the kernel tells microseconds, and nothing of single processors. */
export function cpu({ read }: CgroupFiles): CpuStats {
  const stat = table(read("cpu.stat"));
  const nanoseconds = (name: string): bigint => (stat[name] ?? 0n) * 1000n;
  const stats = {
    usage: { total: nanoseconds("usage_usec"), kernel: nanoseconds("system_usec"), user: nanoseconds("user_usec") },
    throttling: {
      periods: stat["nr_periods"] ?? 0n,
      throttledPeriods: stat["nr_throttled"] ?? 0n,
      throttledTime: nanoseconds("throttled_usec"),
    },
  };
  return withPressure(stats, read("cpu.pressure"));
}

/** Of the flags v2 has none. */
export function cpuset({ read }: CgroupFiles): CpusetStats {
  return {
    cpus: members(read("cpuset.cpus")),
    cpu_exclusive: 0n,
    mems: members(read("cpuset.mems")),
    mem_hardwall: 0n,
    mem_exclusive: 0n,
    memory_migrate: 0n,
    memory_spread_page: 0n,
    memory_spread_slab: 0n,
    memory_pressure: 0n,
    sched_load_balance: 0n,
    sched_relax_domain_level: 0n,
  };
}

/** In bytes. Kernel memory has no files of its own: it is counted in `usage`. */
export function memory({ read }: CgroupFiles): MemoryStats {
  const raw = table(read("memory.stat"));
  const use = (kind: string): MemoryUse => ({
    limit: count(read(`memory.${kind}max`)),
    usage: count(read(`memory.${kind}current`)),
    max: count(read(`memory.${kind}peak`)),
    failcnt: table(read(`memory.${kind}events`))["max"] ?? 0n,
  });
  const usage = use("");
  const stats = {
    cache: raw["file"] ?? 0n,
    usage,
    swap: together(usage, use("swap.")),
    kernel: noMemoryUse,
    kernelTCP: noMemoryUse,
    raw,
  };
  return withPressure(stats, read("memory.pressure"));
}

/** Memory and swap in one, as readers of v1's `memsw` expect it; of a sum of peaks nobody knows whether it ever was. */
function together(memory: MemoryUse, swap: MemoryUse): MemoryUse {
  const unlimited = count("max");
  const limit = memory.limit === unlimited || swap.limit === unlimited ? unlimited : memory.limit + swap.limit;
  return { limit, usage: memory.usage + swap.usage, max: 0n, failcnt: swap.failcnt };
}

/** The same files in v1. */
export function pids({ read }: CgroupFiles): PidsStats {
  const limit = read("pids.max");
  return { current: count(read("pids.current")), limit: limit?.trim() === "max" ? 0n : count(limit) };
}

/** Which list and which operation a key of io.stat stands for. */
const ioKeys: Readonly<Record<string, readonly [list: "bytes" | "serviced", op: string]>> = {
  rbytes: ["bytes", "Read"],
  wbytes: ["bytes", "Write"],
  dbytes: ["bytes", "Discard"],
  rios: ["serviced", "Read"],
  wios: ["serviced", "Write"],
  dios: ["serviced", "Discard"],
};

/** What was read, written and discarded of each device, in bytes and in operations, from io.stat. */
export function blkio({ read }: CgroupFiles): BlkioStats {
  const lists: Record<"bytes" | "serviced", BlkioEntry[]> = { bytes: [], serviced: [] };
  for (const line of (read("io.stat") ?? "").split("\n")) {
    const [device = "", ...pairs] = line.split(" ");
    const numbers = /^(\d+):(\d+)$/.exec(device);
    if (numbers === null) continue;
    for (const pair of pairs) {
      const [key = "", value] = pair.split("=");
      const [list, op] = ioKeys[key] ?? [];
      if (list === undefined || op === undefined) continue;
      lists[list].push({ major: Number(numbers[1]), minor: Number(numbers[2]), op, value: count(value) });
    }
  }
  const stats = { ioServiceBytesRecursive: lists.bytes, ioServicedRecursive: lists.serviced };
  return withPressure(stats, read("io.pressure"));
}

/** In bytes, for each size of page that has files; the highest use is not told, so it is 0. */
export function hugetlb({ read, names }: CgroupFiles): Record<string, HugePageStats> {
  const sizes = names("hugetlb").flatMap((name) => /^hugetlb\.([^.]+)\.current$/.exec(name)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        usage: count(read(`hugetlb.${size}.current`)),
        max: 0n,
        failcnt: table(read(`hugetlb.${size}.events`))["max"] ?? 0n,
      },
    ]),
  );
}
