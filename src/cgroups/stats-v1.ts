/** Statistics from the files of cgroup v1: Documentation/admin-guide/cgroup-v1. Pure. */
import {
  type BlkioEntry,
  type BlkioStats,
  type CgroupFiles,
  type CpuStats,
  type CpusetStats,
  count,
  counts,
  type HugePageStats,
  type MemoryStats,
  type MemoryUse,
  members,
  table,
} from "./stats-files.ts";

/** Nanoseconds of a clock tick of user space: USER_HZ is 100 on every architecture that box is built for. */
const tick = 10_000_000n;

/** Of cpuacct, and of cpu for the quota. Times in nanoseconds; user and kernel are counted in ticks. */
export function cpu({ read }: CgroupFiles): CpuStats {
  const ticks = table(read("cpuacct.stat"));
  const quota = table(read("cpu.stat"));
  return {
    usage: {
      total: count(read("cpuacct.usage")),
      percpu: counts(read("cpuacct.usage_percpu")),
      percpu_kernel: counts(read("cpuacct.usage_percpu_sys")),
      percpu_user: counts(read("cpuacct.usage_percpu_user")),
      kernel: (ticks["system"] ?? 0n) * tick,
      user: (ticks["user"] ?? 0n) * tick,
    },
    throttling: {
      periods: quota["nr_periods"] ?? 0n,
      throttledPeriods: quota["nr_throttled"] ?? 0n,
      throttledTime: quota["throttled_time"] ?? 0n,
    },
  };
}

/** Lists as their members, all else as the number that the kernel tells. */
export function cpuset({ read }: CgroupFiles): CpusetStats {
  const flag = (name: string): bigint => count(read(`cpuset.${name}`));
  return {
    cpus: members(read("cpuset.cpus")),
    cpu_exclusive: flag("cpu_exclusive"),
    mems: members(read("cpuset.mems")),
    mem_hardwall: flag("mem_hardwall"),
    mem_exclusive: flag("mem_exclusive"),
    memory_migrate: flag("memory_migrate"),
    memory_spread_page: flag("memory_spread_page"),
    memory_spread_slab: flag("memory_spread_slab"),
    memory_pressure: flag("memory_pressure"),
    sched_load_balance: flag("sched_load_balance"),
    sched_relax_domain_level: flag("sched_relax_domain_level"),
  };
}

/** In bytes; `swap` is memory and swap together, `raw` the whole of memory.stat. */
export function memory({ read }: CgroupFiles): MemoryStats {
  const raw = table(read("memory.stat"));
  const use = (kind: string): MemoryUse => ({
    limit: count(read(`memory.${kind}limit_in_bytes`)),
    usage: count(read(`memory.${kind}usage_in_bytes`)),
    max: count(read(`memory.${kind}max_usage_in_bytes`)),
    failcnt: count(read(`memory.${kind}failcnt`)),
  });
  return {
    cache: raw["cache"] ?? 0n,
    usage: use(""),
    swap: use("memsw."),
    kernel: use("kmem."),
    kernelTCP: use("kmem.tcp."),
    raw,
  };
}

/** The scheduler in use counts; where none does, the throttling layer. */
export function blkio(files: CgroupFiles): BlkioStats {
  const scheduler = blkioOf("bfq", files);
  return scheduler.ioServicedRecursive?.length === 0 ? blkioOf("throttle", files) : scheduler;
}

function blkioOf(source: "bfq" | "throttle", { read }: CgroupFiles): BlkioStats {
  const entries = (name: string): BlkioEntry[] => operations(read(`blkio.${source}.${name}_recursive`));
  return {
    ioServiceBytesRecursive: entries("io_service_bytes"),
    ioServicedRecursive: entries("io_serviced"),
    ioQueueRecursive: entries("io_queued"),
    ioServiceTimeRecursive: entries("io_service_time"),
    ioWaitTimeRecursive: entries("io_wait_time"),
    ioMergedRecursive: entries("io_merged"),
    ioTimeRecursive: entries("time"),
    sectorsRecursive: entries("sectors"),
  };
}

/** Lines as in `8:0 Read 4096` (or `8:0 4096`); the sum at the end is none. */
function operations(text: string | undefined): BlkioEntry[] {
  return [...(text ?? "").matchAll(/^(\d+):(\d+) (?:([A-Za-z]+) )?(\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: op ?? "",
    value: count(value),
  }));
}

/** In bytes, for each size of page that has files: `2MB`. */
export function hugetlb({ read, names }: CgroupFiles): Record<string, HugePageStats> {
  const sizes = names("hugetlb").flatMap((name) => /^hugetlb\.([^.]+)\.usage_in_bytes$/.exec(name)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        usage: count(read(`hugetlb.${size}.usage_in_bytes`)),
        max: count(read(`hugetlb.${size}.max_usage_in_bytes`)),
        failcnt: count(read(`hugetlb.${size}.failcnt`)),
      },
    ]),
  );
}
