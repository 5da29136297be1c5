/**
 * Every property of linux.resources in one table: which controller it belongs to, to which file of cgroup v1 and v2 it is
 * written, and how. Pure; cgroups/plan.ts makes settings of it. (Device rules are no files of values: devices.ts.)
 *
 * runtime-spec 1.3, config-linux.md "Control groups"; the kernel's admin-guide/cgroup-v1 and admin-guide/cgroup-v2.rst.
 */
import { entry } from "../spec/findings.ts";
import type { BlockThrottle, BlockWeight, HugepageLimit, Int64, RdmaLimit, Resources } from "../spec/types.ts";

/** A line for a file of the kernel's, with what cgroups/ops.ts says of a Setting. */
export interface Line {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly key?: string;
  readonly optional?: true;
  readonly atLeast?: string;
}

export type CgroupVersion = 1 | 2;

/** One property that a configuration sets. */
export interface Wish {
  /** As in `blockIO.weightDevice[0]`. */
  readonly path: string;
  /** What a new cgroup has anyway. */
  readonly neutral: boolean;
  /** Passed over where the host does not have the controller: engines send zeros for everything they know. */
  readonly dispensable: boolean;
  /** What is written for it; undefined where this version of cgroups has nothing like it. */
  readonly lines: (version: CgroupVersion) => readonly Line[] | undefined;
}

export interface Property {
  /** Below linux.resources, as in `memory.limit`. */
  readonly name: string;
  /** The controller's name in cgroup2; see v1Controller. */
  readonly controller: string;
  readonly versions: readonly CgroupVersion[];
  /**
   * What is asked for.
   * @param all what will be in force, of which `asked` is a part: some files hold several properties
   */
  readonly wishes: (asked: Resources, all: Resources) => readonly Wish[];
  /** Where it is one number, word or flag: its place, and whether a value is what engines send for "not given". */
  readonly scalar?: Scalar;
}

export interface Scalar {
  readonly group: "memory" | "cpu" | "pids" | "blockIO" | "network";
  readonly key: string;
  readonly isUnset: (value: unknown) => boolean;
}

/** What resources say of a property that is one value. */
export function scalarOf(resources: Resources, { group, key }: Pick<Scalar, "group" | "key">): Value | undefined {
  return (resources[group] as Readonly<Record<string, Value>> | undefined)?.[key];
}

/** The v1 name of a cgroup2 controller. */
export function v1Controller(controller: string): string {
  return controller === "io" ? "blkio" : controller;
}

// --- How a row is written ---------------------------------------------------------------------------------------------

type Value = Int64 | string | boolean;
/** How a value reads in its file; undefined where nothing is to be written. */
type Text = (value: Value, all: Resources) => string | undefined;
/** A file and its text; where there are several, the first that the kernel has. */
type Target = readonly (readonly [file: string, text: Text])[];
/** Files of one version, all of them written. */
type Targets = readonly Target[];

interface ScalarRow {
  readonly controller: string;
  /** What engines send for "not given". */
  readonly unset?: Value;
  readonly neutral?: Value;
  /** See Wish. */
  readonly dispensable?: Value;
  readonly v1?: Targets;
  readonly v2?: Targets;
  /** With memory.checkBeforeUpdate: the files of v1 and v2 that tell how much is in use of what the first target limits. */
  readonly inUse?: readonly [string, string];
}

const plain: Text = (value) => `${value}`;
/** cgroup2's word for "no limit". */
const orMax: Text = (value) => (value === -1 ? "max" : `${value}`);
const flag: Text = (value) => (value === true ? "1" : "0");

function to(file: string, text: Text = plain): Target {
  return [[file, text]];
}

function scalar(name: string, row: ScalarRow): Property {
  const [group, key] = name.split(".") as [Scalar["group"], string];
  const isUnset = (value: unknown): boolean => value === undefined || value === row.unset;
  return {
    name,
    controller: row.controller,
    versions: versionsOf(row),
    scalar: { group, key, isUnset },
    wishes: (asked, all) => {
      const value = scalarOf(asked, { group, key });
      if (value === undefined || isUnset(value)) return [];
      const neutral = value === row.neutral;
      const lines = (version: CgroupVersion): readonly Line[] | undefined =>
        (version === 1 ? row.v1 : row.v2)?.flatMap((target, index) => {
          const files = target.flatMap(([file, text]) => textOf(file, text(value, all)));
          if (files.length === 0) return [];
          const checked = index === 0 && !neutral && all.memory?.checkBeforeUpdate === true;
          const check = checked ? row.inUse?.[version - 1] : undefined;
          return [{ files, ...(isNoLimit(files) && { optional: true }), ...(check && { atLeast: check }) }];
        });
      return [{ path: name, neutral, dispensable: row.dispensable === value, lines }];
    },
  };
}

function textOf(name: string, text: string | undefined): { name: string; text: string }[] {
  return text === undefined ? [] : [{ name, text }];
}

/** Where the kernel has no file for a limit there is none. */
function isNoLimit(files: Line["files"]): boolean {
  return files.every(({ text }) => text === "max");
}

function versionsOf({ v1, v2 }: { readonly v1?: unknown; readonly v2?: unknown }): readonly CgroupVersion[] {
  return [...(v1 === undefined ? [] : [1 as const]), ...(v2 === undefined ? [] : [2 as const])];
}

interface EntriesRow<Entry> {
  readonly controller: string;
  /** With the path of each. */
  readonly entries: (resources: Resources) => readonly (readonly [path: string, entry: Entry])[];
  readonly neutral?: (entry: Entry) => boolean;
  readonly dispensable?: (entry: Entry) => boolean;
  readonly v1?: (entry: Entry) => readonly Line[];
  readonly v2?: (entry: Entry) => readonly Line[];
}

function entries<Entry>(name: string, row: EntriesRow<Entry>): Property {
  return {
    name,
    controller: row.controller,
    versions: versionsOf(row),
    wishes: (asked) =>
      row.entries(asked).map(([path, one]) => ({
        path,
        neutral: row.neutral?.(one) ?? false,
        dispensable: row.dispensable?.(one) ?? false,
        lines: (version) => (version === 1 ? row.v1 : row.v2)?.(one),
      })),
  };
}

function listed<Entry>(name: string, list: readonly Entry[] | undefined): readonly (readonly [string, Entry])[] {
  return (list ?? []).map((one, index) => [`${name}[${index}]`, one] as const);
}

/** A limit for one block device: a file of its own on v1, a word of its line in io.max on v2. 0 is none. */
function throttle(name: Throttle, file: string, word: string): Property {
  const device = ({ major, minor }: BlockThrottle) => `${major}:${minor}`;
  return entries<BlockThrottle>(`blockIO.${name}`, {
    controller: "io",
    entries: ({ blockIO }) => listed(`blockIO.${name}`, blockIO?.[name]),
    neutral: ({ rate }) => rate === 0,
    v1: (one) => [keyedLine(`blkio.throttle.${file}`, device(one), `${one.rate}`)],
    v2: (one) => [keyedLine("io.max", device(one), `${word}=${one.rate === 0 ? "max" : one.rate}`)],
  });
}

type Throttle =
  | "throttleReadBpsDevice"
  | "throttleWriteBpsDevice"
  | "throttleReadIOPSDevice"
  | "throttleWriteIOPSDevice";

function keyedLine(name: string, key: string, text: string): Line {
  return { key, files: [{ name, text: `${key} ${text}` }] };
}

/** One of the two weights of a block device. */
function deviceWeight(name: "weight" | "leafWeight", v1: readonly string[], v2: boolean): Property {
  const line = (one: BlockWeight, targets: Target): Line => {
    const key = `${one.major}:${one.minor}`;
    const text = (target: Text) => `${key} ${target(one[name] ?? 0, {})}`;
    return { key, files: targets.map(([file, target]) => ({ name: file, text: text(target) })) };
  };
  return entries<BlockWeight>(`blockIO.weightDevice.${name}`, {
    controller: "io",
    entries: ({ blockIO }) =>
      listed("blockIO.weightDevice", blockIO?.weightDevice).flatMap(([path, one]) =>
        one[name] === undefined || one[name] === 0 ? [] : [[`${path}.${name}`, one] as const],
      ),
    v1: (one) => [
      line(
        one,
        v1.map((file) => [file, plain] as const),
      ),
    ],
    ...(v2 ? { v2: (one: BlockWeight) => [line(one, ioWeights)] } : {}),
  });
}

// --- The table --------------------------------------------------------------------------------------------------------

const ioWeights: Target = [
  ["io.bfq.weight", plain],
  ["io.weight", (weight) => `${ioWeight(Number(weight))}`],
];

/** All of them; each cgroup is written in this order. */
export const properties: readonly Property[] = [
  scalar("memory.limit", {
    controller: "memory",
    unset: 0,
    neutral: -1,
    v1: [to("memory.limit_in_bytes"), to("memory.memsw.limit_in_bytes", unlimitedWithMemory)],
    v2: [to("memory.max", orMax), to("memory.swap.max", swapAlone)],
    inUse: ["memory.usage_in_bytes", "memory.current"],
  }),
  scalar("memory.swap", {
    controller: "memory",
    unset: 0,
    neutral: -1,
    v1: [to("memory.memsw.limit_in_bytes")],
    v2: [to("memory.swap.max", swapAlone)],
  }),
  scalar("memory.reservation", {
    controller: "memory",
    unset: 0,
    neutral: -1,
    v1: [to("memory.soft_limit_in_bytes")],
    v2: [to("memory.low", orMax)],
  }),
  scalar("memory.kernel", { controller: "memory", unset: 0, neutral: -1, v1: [to("memory.kmem.limit_in_bytes")] }),
  scalar("memory.kernelTCP", {
    controller: "memory",
    unset: 0,
    neutral: -1,
    v1: [to("memory.kmem.tcp.limit_in_bytes")],
  }),
  scalar("memory.swappiness", { controller: "memory", dispensable: 0, v1: [to("memory.swappiness")] }),
  scalar("memory.disableOOMKiller", { controller: "memory", neutral: false, v1: [to("memory.oom_control", flag)] }),
  // cgroup2, and v1 since Linux 5.11, know no other way.
  scalar("memory.useHierarchy", {
    controller: "memory",
    unset: false,
    neutral: true,
    v1: [to("memory.use_hierarchy", flag)],
  }),
  scalar("cpu.shares", {
    controller: "cpu",
    unset: 0,
    v1: [to("cpu.shares")],
    v2: [to("cpu.weight", (shares) => `${cpuWeight(Number(shares))}`)],
  }),
  scalar("cpu.idle", { controller: "cpu", neutral: 0, v1: [to("cpu.idle")], v2: [to("cpu.idle")] }),
  scalar("cpu.period", {
    controller: "cpu",
    unset: 0,
    v1: [to("cpu.cfs_period_us")],
    v2: [to("cpu.max", bandwidth)],
  }),
  scalar("cpu.quota", {
    controller: "cpu",
    unset: 0,
    neutral: -1,
    v1: [to("cpu.cfs_quota_us")],
    v2: [to("cpu.max", bandwidth)],
  }),
  scalar("cpu.burst", {
    controller: "cpu",
    neutral: 0,
    v1: [to("cpu.cfs_burst_us")],
    v2: [to("cpu.max.burst")],
  }),
  scalar("cpu.realtimePeriod", { controller: "cpu", unset: 0, v1: [to("cpu.rt_period_us")] }),
  scalar("cpu.realtimeRuntime", { controller: "cpu", neutral: 0, v1: [to("cpu.rt_runtime_us")] }),
  scalar("cpu.cpus", { controller: "cpuset", unset: "", v1: [to("cpuset.cpus")], v2: [to("cpuset.cpus")] }),
  scalar("cpu.mems", { controller: "cpuset", unset: "", v1: [to("cpuset.mems")], v2: [to("cpuset.mems")] }),
  scalar("pids.limit", {
    controller: "pids",
    neutral: -1,
    v1: [to("pids.max", orMax)],
    v2: [to("pids.max", orMax)],
  }),
  scalar("blockIO.weight", {
    controller: "io",
    unset: 0,
    v1: [[...to("blkio.bfq.weight"), ...to("blkio.weight")]],
    v2: [ioWeights],
  }),
  scalar("blockIO.leafWeight", { controller: "io", unset: 0, v1: [to("blkio.leaf_weight")] }),
  deviceWeight("weight", ["blkio.bfq.weight_device", "blkio.weight_device"], true),
  deviceWeight("leafWeight", ["blkio.leaf_weight_device"], false),
  throttle("throttleReadBpsDevice", "read_bps_device", "rbps"),
  throttle("throttleWriteBpsDevice", "write_bps_device", "wbps"),
  throttle("throttleReadIOPSDevice", "read_iops_device", "riops"),
  throttle("throttleWriteIOPSDevice", "write_iops_device", "wiops"),
  entries<HugepageLimit>("hugepageLimits", {
    controller: "hugetlb",
    entries: ({ hugepageLimits }) => listed("hugepageLimits", hugepageLimits),
    dispensable: ({ limit }) => limit === 0,
    v1: (one) => hugepageLines(one, "limit_in_bytes"),
    v2: (one) => hugepageLines(one, "max"),
  }),
  // These two a new cgroup has from its parent.
  scalar("network.classID", { controller: "net_cls", dispensable: 0, v1: [to("net_cls.classid")] }),
  entries("network.priorities", {
    controller: "net_prio",
    entries: ({ network }) => listed("network.priorities", network?.priorities),
    dispensable: ({ priority }) => priority === 0,
    v1: ({ name, priority }) => [keyedLine("net_prio.ifpriomap", name, `${priority}`)],
  }),
  entries<[string, RdmaLimit]>("rdma", {
    controller: "rdma",
    entries: ({ rdma }) => Object.entries(rdma ?? {}).map((one) => [`rdma${entry(one[0])}`, one] as const),
    v1: rdmaLines,
    v2: rdmaLines,
  }),
];

/** v1 wants the limit of memory below that of memory and swap: without the one there is none of the other either. */
function unlimitedWithMemory(limit: Value, { memory: { swap = 0 } = {} }: Resources): string | undefined {
  return limit === -1 && (swap === 0 || swap === -1) ? "-1" : undefined;
}

/** cgroup2 counts swap alone, OCI memory and swap together. */
function swapAlone(_: Value, { memory = {} }: Resources): string | undefined {
  const { limit = 0, swap = 0 } = memory;
  if (swap === -1 || (swap === 0 && limit === -1)) return "max";
  if (swap === 0 || limit === 0 || limit === -1) return undefined;
  return `${BigInt(swap) - BigInt(limit)}`;
}

/** cpu.max holds quota and period; one that is not given is the kernel's default. Microseconds. */
function bandwidth(_: Value, { cpu = {} }: Resources): string {
  const { quota = 0, period = 0 } = cpu;
  return `${quota === 0 || quota === -1 ? "max" : quota} ${period === 0 ? 100_000 : period}`;
}

function hugepageLines({ pageSize, limit }: HugepageLimit, file: string): readonly Line[] {
  const line = (name: string): Line => ({ files: [{ name: `hugetlb.${pageSize}.${name}`, text: `${limit}` }] });
  // The limit of reservations, Linux 5.7: without it a program that maps too much dies of SIGBUS later.
  return [{ ...line(`rsvd.${file}`), optional: true }, line(file)];
}

function rdmaLines([device, { hcaHandles, hcaObjects }]: [string, RdmaLimit]): readonly Line[] {
  const words = [
    ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
    ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
  ];
  return [keyedLine("rdma.max", device, words.join(" "))];
}

/**
 * cgroup2's cpu.weight (1 to 10000, 100 by default) for v1's shares (2 to 262144, 1024 by default): the curve through
 * these three points on which runc (1.3.2) and crun (1.23) have agreed.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** cgroup2's io.weight (1 to 10000) for a weight of blkio (10 to 1000): a straight line, as in runc and crun. */
export function ioWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * 9999) / 990);
}
