/** Every property of linux.resources with the kernel's file that must say it afterwards, on cgroup v1 and v2. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Resources } from "./config.ts";
import { context } from "./context.ts";
import { cgroupHost } from "./host.ts";

/** What a file says: all of it, or one of its lines. Of `a|b` the first file that is there, with its text. */
type Said = readonly [file: string, text: string];

export interface Limit {
  readonly name: string;
  readonly resources: Resources;
  /** Controllers of v1 and of v2; undefined where that version has none such. */
  readonly controllers: readonly [v1: string | undefined, v2: string | undefined];
  readonly v1?: readonly Said[];
  readonly v2?: readonly Said[];
  /** A parent of its own making has none of it to give. */
  readonly atTop?: boolean;
  /** Why this host cannot have it, besides a missing controller; nothing where it can. */
  readonly unless?: () => string | undefined;
}

const mebibyte = 1024 * 1024;

/** Whether cgroups can have weights of a block device. */
function hasWeights(device: string): boolean {
  const text = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const scheduler = text(`/sys/dev/block/${device}/queue/scheduler`);
  return scheduler.includes("[bfq]") || text("/sys/fs/cgroup/io.cost.qos").includes(`${device} enable=1`);
}

/** A block device, one with weights if there is one: major and minor as in a cgroup file. */
function blockDevice(): { readonly major: number; readonly minor: number; readonly text: string } {
  const names = existsSync("/sys/block") ? readdirSync("/sys/block").sort() : [];
  const numbersOf = (name: string): string => readFileSync(`/sys/block/${name}/dev`, "utf8").trim();
  const texts = names.map(numbersOf);
  const text = texts.find(hasWeights) ?? texts[0] ?? "0:0";
  const [major = 0, minor = 0] = text.split(":").map(Number);
  return { major, minor, text };
}

const disk = blockDevice();
const numbers = { major: disk.major, minor: disk.minor };
const noDisk = (): string | undefined => (disk.text === "0:0" ? "there is no block device" : undefined);

function throttle(key: string, v1: string, word: string): Limit {
  const ioMax = ["rbps", "wbps", "riops", "wiops"].map((one) => `${one}=${one === word ? 1048576 : "max"}`);
  return {
    name: `blockIO.${key}`,
    resources: { blockIO: { [key]: [{ ...numbers, rate: mebibyte }] } },
    controllers: ["blkio", "io"],
    v1: [[`blkio.throttle.${v1}`, `${disk.text} 1048576`]],
    v2: [["io.max", `${disk.text} ${ioMax.join(" ")}`]],
    unless: noDisk,
  };
}

function limit(
  name: string,
  controller: string | readonly [string | undefined, string | undefined],
  resources: Resources,
  v1: readonly Said[] | undefined,
  v2: readonly Said[] | undefined,
  more: Pick<Limit, "atTop" | "unless"> = {},
): Limit {
  const controllers = typeof controller === "string" ? ([controller, controller] as const) : controller;
  return { name, resources, controllers, ...(v1 && { v1 }), ...(v2 && { v2 }), ...more };
}

const bytes = (count: number) => count * mebibyte;

export const limits: readonly Limit[] = [
  limit(
    "memory.limit",
    "memory",
    { memory: { limit: bytes(64) } },
    [["memory.limit_in_bytes", "67108864"]],
    [["memory.max", "67108864"]],
  ),
  limit(
    "memory.swap",
    "memory",
    { memory: { limit: bytes(64), swap: bytes(128) } },
    [
      ["memory.limit_in_bytes", "67108864"],
      ["memory.memsw.limit_in_bytes", "134217728"],
    ],
    [
      ["memory.max", "67108864"],
      ["memory.swap.max", "67108864"],
    ],
  ),
  limit(
    "memory.reservation",
    "memory",
    { memory: { reservation: bytes(32) } },
    [["memory.soft_limit_in_bytes", "33554432"]],
    [["memory.low", "33554432"]],
  ),
  limit(
    "memory.kernelTCP",
    ["memory", undefined],
    { memory: { kernelTCP: bytes(16) } },
    [["memory.kmem.tcp.limit_in_bytes", "16777216"]],
    undefined,
  ),
  limit(
    "memory.swappiness",
    ["memory", undefined],
    { memory: { swappiness: 20 } },
    [["memory.swappiness", "20"]],
    undefined,
  ),
  limit(
    "memory.disableOOMKiller",
    ["memory", undefined],
    { memory: { disableOOMKiller: true } },
    [["memory.oom_control", "oom_kill_disable 1"]],
    undefined,
  ),
  limit(
    "memory.useHierarchy",
    ["memory", undefined],
    { memory: { useHierarchy: true } },
    [["memory.use_hierarchy", "1"]],
    undefined,
  ),
  limit("cpu.shares", "cpu", { cpu: { shares: 512 } }, [["cpu.shares", "512"]], [["cpu.weight", "59"]]),
  limit(
    "cpu.quota and cpu.period",
    "cpu",
    { cpu: { quota: 20000, period: 50000 } },
    [
      ["cpu.cfs_quota_us", "20000"],
      ["cpu.cfs_period_us", "50000"],
    ],
    [["cpu.max", "20000 50000"]],
  ),
  limit(
    "cpu.burst",
    "cpu",
    { cpu: { quota: 20000, period: 50000, burst: 10000 } },
    [["cpu.cfs_burst_us", "10000"]],
    [["cpu.max.burst", "10000"]],
  ),
  limit("cpu.idle", "cpu", { cpu: { idle: 1 } }, [["cpu.idle", "1"]], [["cpu.idle", "1"]]),
  limit(
    "cpu.realtimePeriod and cpu.realtimeRuntime",
    ["cpu", undefined],
    { cpu: { realtimePeriod: 500000, realtimeRuntime: 1000 } },
    [
      ["cpu.rt_period_us", "500000"],
      ["cpu.rt_runtime_us", "1000"],
    ],
    undefined,
    { atTop: true },
  ),
  limit(
    "cpu.cpus and cpu.mems",
    "cpuset",
    { cpu: { cpus: "0", mems: "0" } },
    [
      ["cpuset.cpus", "0"],
      ["cpuset.mems", "0"],
    ],
    [
      ["cpuset.cpus", "0"],
      ["cpuset.mems", "0"],
    ],
  ),
  limit("pids.limit", "pids", { pids: { limit: 20 } }, [["pids.max", "20"]], [["pids.max", "20"]]),
  limit(
    "blockIO.weight",
    ["blkio", "io"],
    { blockIO: { weight: 500 } },
    [["blkio.bfq.weight", "500"]],
    [["io.bfq.weight|io.weight", "default 500|default 4950"]],
  ),
  limit(
    "blockIO.weightDevice",
    ["blkio", "io"],
    { blockIO: { weightDevice: [{ ...numbers, weight: 300 }] } },
    [["blkio.bfq.weight_device", `${disk.text} 300`]],
    [["io.bfq.weight|io.weight", `${disk.text} 300|${disk.text} 2930`]],
    { unless: () => (hasWeights(disk.text) ? undefined : "no block device has weights: neither bfq nor blk-iocost") },
  ),
  limit(
    "blockIO.leafWeight",
    ["blkio", undefined],
    { blockIO: { leafWeight: 500 } },
    [["blkio.leaf_weight", "500"]],
    undefined,
  ),
  throttle("throttleReadBpsDevice", "read_bps_device", "rbps"),
  throttle("throttleWriteBpsDevice", "write_bps_device", "wbps"),
  throttle("throttleReadIOPSDevice", "read_iops_device", "riops"),
  throttle("throttleWriteIOPSDevice", "write_iops_device", "wiops"),
  limit(
    "hugepageLimits",
    "hugetlb",
    { hugepageLimits: [{ pageSize: "2MB", limit: bytes(4) }] },
    [
      ["hugetlb.2MB.limit_in_bytes", "4194304"],
      ["hugetlb.2MB.rsvd.limit_in_bytes", "4194304"],
    ],
    [
      ["hugetlb.2MB.max", "4194304"],
      ["hugetlb.2MB.rsvd.max", "4194304"],
    ],
  ),
  limit(
    "network.classID",
    ["net_cls", undefined],
    { network: { classID: 0x100001 } },
    [["net_cls.classid", "1048577"]],
    undefined,
  ),
  limit(
    "network.priorities",
    ["net_prio", undefined],
    { network: { priorities: [{ name: "lo", priority: 5 }] } },
    [["net_prio.ifpriomap", "lo 5"]],
    undefined,
  ),
  limit("unified", [undefined, "memory"], { unified: { "memory.high": "50331648" } }, undefined, [
    ["memory.high", "50331648"],
  ]),
  limit(
    "unified of a controller that limits nothing else",
    [undefined, "hugetlb"],
    { unified: { "hugetlb.2MB.max": "2097152" } },
    undefined,
    [["hugetlb.2MB.max", "2097152"]],
  ),
];

export interface Place {
  readonly version: 1 | 2;
  /** Mount point of the hierarchy. */
  readonly top: string;
  readonly said: readonly Said[];
}

/** An ordinary user has those that are delegated. */
function controllersOf(top: string): string[] {
  const own = context.user === undefined ? "" : /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  return readFileSync(join(top, own ?? "", "cgroup.controllers"), "utf8")
    .trim()
    .split(" ");
}

/** Where a limit is to be found on this host, or why it cannot be tried. */
export function placeOf({ controllers: [one, two], v1, v2, atTop, unless }: Limit): Place | string {
  const { hierarchies } = cgroupHost();
  if (atTop === true && context.cgroupManager === "systemd") return "systemd's slices have none of it to give";
  const reason = unless?.();
  if (reason !== undefined) return reason;
  const topOf1 = one === undefined ? undefined : hierarchies[one];
  if (topOf1 !== undefined && v1 !== undefined) {
    const missing = missingFile(topOf1, v1);
    return missing === undefined ? { version: 1, top: topOf1, said: v1 } : `this kernel has no ${missing}`;
  }
  const top = hierarchies["unified"];
  const enabled = top === undefined ? [] : controllersOf(top);
  if (top === undefined || two === undefined || v2 === undefined || !enabled.includes(two))
    return `no ${[one, two].filter(Boolean).join(" or ")} controller here`;
  const missing = enabledAtTop(top, two) ? missingFile(top, v2) : undefined;
  return missing === undefined ? { version: 2, top, said: v2 } : `this kernel has no ${missing}`;
}

function enabledAtTop(top: string, controller: string): boolean {
  return readFileSync(join(top, context.cgroupHome ?? "", "cgroup.subtree_control"), "utf8")
    .trim()
    .split(" ")
    .includes(controller);
}

/** Some files are in no root cgroup: a child is asked. */
function missingFile(top: string, said: readonly Said[]): string | undefined {
  const probe = join(top, context.cgroupHome ?? "", `acceptance-limits-${process.pid}`);
  mkdirSync(probe);
  try {
    const isThere = (file: string): boolean => existsSync(join(probe, file));
    return said.map(([file]) => file).find((files) => !files.split("|").some(isThere));
  } finally {
    rmdirSync(probe);
  }
}

/** What of `said` the container's files do not say, as `file: content`. */
export function unsaid({ top, said }: Place, cgroupsPath: string): string[] {
  return said.flatMap(([files, texts]) => {
    const names = files.split("|");
    const index = names.findIndex((name) => existsSync(join(top, cgroupsPath, name)));
    const [file, text = ""] = [names[index], texts.split("|")[index]];
    if (file === undefined) return [`${files}: not there`];
    const content = readFileSync(join(top, cgroupsPath, file), "utf8");
    return content.split("\n").includes(text) ? [] : [`${file}: ${content.trim()}, not ${text}`];
  });
}
