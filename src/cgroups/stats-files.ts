/** The form of the statistics, and how the kernel's files are read into it. Pure. */

/** The files of a cgroup, whichever hierarchy they lie in. */
export interface CgroupFiles {
  /** Undefined where the kernel has no such file. */
  readonly read: (name: string) => string | undefined;
  /** Names of all files beside those of a controller. */
  readonly names: (controller: string) => readonly string[];
}

/** Averages in per cent over 10, 60 and 300 seconds, and microseconds in all. */
interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

/** How long some, and all, processes had to wait for a resource: Documentation/accounting/psi.rst. */
export interface Pressures {
  readonly some: Pressure;
  readonly full: Pressure;
}

/** Times in nanoseconds. */
export interface CpuStats {
  readonly usage: {
    readonly total: bigint;
    readonly percpu?: readonly bigint[];
    readonly percpu_kernel?: readonly bigint[];
    readonly percpu_user?: readonly bigint[];
    readonly kernel: bigint;
    readonly user: bigint;
  };
  readonly throttling: { readonly periods: bigint; readonly throttledPeriods: bigint; readonly throttledTime: bigint };
  readonly psi?: Pressures;
}

export interface CpusetStats {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: bigint;
  readonly mems?: readonly number[];
  readonly mem_hardwall: bigint;
  readonly mem_exclusive: bigint;
  readonly memory_migrate: bigint;
  readonly memory_spread_page: bigint;
  readonly memory_spread_slab: bigint;
  readonly memory_pressure: bigint;
  readonly sched_load_balance: bigint;
  readonly sched_relax_domain_level: bigint;
}

/** Bytes; `failcnt` is how often the limit was hit. */
export interface MemoryUse {
  readonly limit: bigint;
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
}

export interface MemoryStats {
  readonly cache: bigint;
  readonly usage: MemoryUse;
  /** Memory and swap together, as v1 counts. */
  readonly swap: MemoryUse;
  readonly kernel: MemoryUse;
  readonly kernelTCP: MemoryUse;
  readonly raw: Readonly<Record<string, bigint>>;
  readonly psi?: Pressures;
}

export interface PidsStats {
  readonly current: bigint;
  /** 0 for none. */
  readonly limit: bigint;
}

export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: bigint;
}

export interface BlkioStats {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[];
  readonly ioServicedRecursive?: readonly BlkioEntry[];
  readonly ioQueueRecursive?: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[];
  readonly ioMergedRecursive?: readonly BlkioEntry[];
  readonly ioTimeRecursive?: readonly BlkioEntry[];
  readonly sectorsRecursive?: readonly BlkioEntry[];
  readonly psi?: Pressures;
}

/** Bytes of huge pages of one size. */
export interface HugePageStats {
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
}

export interface Stats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  /** By the kernel's name of the page size: `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugePageStats>>;
  /** Always empty: box does not read what resctrl counts. */
  readonly intel_rdt: Readonly<Record<string, never>>;
  /** runc counts only those of networks that it makes itself, so for engines this is always null. */
  readonly network_interfaces: null;
}

/** What cgroup2 calls "max", as runc prints it. */
const unlimited = 2n ** 64n - 1n;

/** The first number of a file; 0 where there is none. */
export function count(text: string | undefined): bigint {
  const word = text?.trim().split(/\s/, 1)[0] ?? "";
  if (word === "max") return unlimited;
  return /^-?[0-9]+$/.test(word) ? BigInt(word) : 0n;
}

/** The numbers of one line: `12 0 7`. */
export function counts(text: string | undefined): bigint[] {
  return (text ?? "")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(count);
}

/** A file of `key value` lines. */
export function table(text: string | undefined): Record<string, bigint> {
  const rows = (text ?? "").split("\n").map((line) => line.split(" "));
  return Object.fromEntries(rows.flatMap(([key, value]) => (key && value ? [[key, count(value)]] : [])));
}

/** A list as cpuset(7) writes it: `0-2,7`. */
export function members(text: string | undefined): number[] {
  const ranges = (text ?? "")
    .trim()
    .split(",")
    .filter((range) => range !== "");
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** A pressure file; undefined where the kernel has none, or does not count. */
export function pressures(text: string | undefined): Pressures | undefined {
  const some = pressure(text, "some");
  return some === undefined ? undefined : { some, full: pressure(text, "full") ?? nothingWaited };
}

const nothingWaited: Pressure = { avg10: 0, avg60: 0, avg300: 0, total: 0n };

function pressure(text: string | undefined, kind: string): Pressure | undefined {
  const found = new RegExp(`^${kind} avg10=(\\S+) avg60=(\\S+) avg300=(\\S+) total=(\\d+)`, "m").exec(text ?? "");
  if (found === null) return undefined;
  const [, avg10, avg60, avg300, total] = found;
  return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: count(total) };
}

/** An object with `psi` where there is one. */
export function withPressure<T extends object>(stats: T, text: string | undefined): T & { readonly psi?: Pressures } {
  const psi = pressures(text);
  return psi === undefined ? stats : { ...stats, psi };
}

export const noMemoryUse: MemoryUse = { limit: 0n, usage: 0n, max: 0n, failcnt: 0n };
