/**
 * What systemd knows of a container's limits: each file of cgroup2 with the property of systemd.resource-control(5) that
 * stands for it, and each of v1 with its older one. The files are written as well; without the property systemd would put
 * its own value there the next time it looks at the unit. Pure.
 */
import type { Setting, UnitProperty, UnitValue } from "../ops.ts";

/** What systemd calls "no limit". */
export const infinity = 0xffff_ffff_ffff_ffffn;

type Translate = (text: string) => readonly UnitProperty[];

const translations: Readonly<Record<string, Translate>> = {
  "memory.max": bytes("MemoryMax"),
  "memory.high": bytes("MemoryHigh"),
  "memory.low": bytes("MemoryLow"),
  "memory.min": bytes("MemoryMin"),
  "memory.swap.max": bytes("MemorySwapMax"),
  "pids.max": tasks,
  "cpu.weight": number("CPUWeight", 1, 10_000),
  "cpu.max": bandwidth,
  "cpuset.cpus": set("AllowedCPUs"),
  "cpuset.mems": set("AllowedMemoryNodes"),
  "io.weight": ioWeight,
  "io.max": ioMax,
  // v1. systemd translates the properties of cgroup2 as well, but not to the same values.
  "memory.limit_in_bytes": bytes("MemoryLimit"),
  "cpu.shares": number("CPUShares", 2, 262_144),
  "blkio.weight": number("BlockIOWeight", 10, 1000),
  "blkio.weight_device": blockWeight,
  "blkio.throttle.read_bps_device": blockBandwidth("BlockIOReadBandwidth"),
  "blkio.throttle.write_bps_device": blockBandwidth("BlockIOWriteBandwidth"),
};

/** The properties that stand for these settings. Values that systemd cannot express are left to the files alone. */
export function propertiesOf(settings: readonly Setting[]): readonly UnitProperty[] {
  const files = settings.flatMap((setting) => setting.files);
  const all = [...files, ...bandwidthOfV1(files)].flatMap(({ name, text }) => translations[name]?.(text.trim()) ?? []);
  return merged(all);
}

function property(name: string, signature: string, value: UnitValue): UnitProperty[] {
  return [{ name, signature, value }];
}

const suffixes = ["", "K", "M", "G", "T", "P", "E"];

/** A number of bytes as the kernel reads it: `4096`, `4M`; no limit: `max`, on v1 `-1`. */
function bytesOf(text: string): bigint | undefined {
  if (text === "max" || text === "-1") return infinity;
  const [, digits, suffix = ""] = /^(\d{1,20})([KMGTPE]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(digits) << BigInt(10 * suffixes.indexOf(suffix.toUpperCase()));
  return value < infinity ? value : undefined;
}

function bytes(name: string): Translate {
  return (text) => {
    const value = bytesOf(text);
    return value === undefined ? [] : property(name, "t", value);
  };
}

/** Out of systemd's bounds a value is left to the file alone. */
function number(name: string, low: number, high: number): Translate {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= low && value <= high ? property(name, "t", BigInt(value)) : [];
  };
}

/** systemd knows no limit of 0. With one process in the cgroup 1 lets no other in either. */
function tasks(text: string): readonly UnitProperty[] {
  return bytes("TasksMax")(text === "0" ? "1" : text);
}

const defaultPeriod = 100_000;

/** cpu.max is `QUOTA PERIOD` or `QUOTA`, in microseconds; systemd counts microseconds in a second, whole percents of it. */
function bandwidth(text: string): UnitProperty[] {
  const [, quota = "", given] = /^(max|\d{1,12})(?: (\d{1,9}))?$/.exec(text) ?? [];
  const period = given === undefined ? defaultPeriod : Number(given);
  if (quota === "" || period === 0) return [];
  const percent = quota === "max" ? undefined : Math.max(1, Math.ceil((Number(quota) * 100) / period));
  return [
    ...property("CPUQuotaPeriodUSec", "t", BigInt(period)),
    ...property("CPUQuotaPerSecUSec", "t", percent === undefined ? infinity : BigInt(percent) * 10_000n),
  ];
}

/** v1's two files as the one of cgroup2. */
function bandwidthOfV1(files: Setting["files"]): Setting["files"] {
  const textOf = (file: string): string | undefined => files.find(({ name }) => name === file)?.text;
  const [quota, period] = [textOf("cpu.cfs_quota_us"), textOf("cpu.cfs_period_us")];
  if (quota === undefined && period === undefined) return [];
  const limit = quota === undefined || quota === "-1" ? "max" : quota;
  return [{ name: "cpu.max", text: `${limit} ${period ?? defaultPeriod}` }];
}

/** No machine has more processors or nodes. */
const maxMember = 65_535;

/** A list as in `0-3,7` is a mask to systemd, lowest byte first. */
function set(name: string): Translate {
  return (text) => {
    const ranges = text.split(",").map((range) => /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range.trim()));
    const mask: number[] = [];
    for (const range of ranges) {
      const [first, last] = [Number(range?.[1] ?? Number.NaN), Number(range?.[2] ?? range?.[1])];
      // The kernel refuses it, or reads more in it than systemd can say.
      if (!(first <= last && last <= maxMember)) return [];
      for (let member = first; member <= last; member++) {
        while (mask.length <= member >> 3) mask.push(0);
        mask[member >> 3] = (mask[member >> 3] as number) | (1 << (member & 7));
      }
    }
    return property(name, "ay", mask);
  };
}

/** systemd names devices by a path. */
function devicePath(device: string): string {
  return `/dev/block/${device}`;
}

/** `200`, `default 200`, or `8:0 200`. */
function ioWeight(text: string): UnitProperty[] {
  const [, device, weight = ""] = /^(?:default |(\d+:\d+) )?(\d{1,5})$/.exec(text) ?? [];
  if (weight === "") return [];
  if (device === undefined) return property("IOWeight", "t", BigInt(weight));
  return property("IODeviceWeight", "a(st)", [[devicePath(device), BigInt(weight)]]);
}

const ioLimits: Readonly<Record<string, string>> = {
  rbps: "IOReadBandwidthMax",
  wbps: "IOWriteBandwidthMax",
  riops: "IOReadIOPSMax",
  wiops: "IOWriteIOPSMax",
};

/** `8:0 rbps=1048576 wiops=max` */
function ioMax(text: string): UnitProperty[] {
  const [device = "", ...words] = text.split(/\s+/);
  if (!/^\d+:\d+$/.test(device)) return [];
  return words.flatMap((word) => {
    const [key = "", value = ""] = word.split("=");
    const [name, limit] = [ioLimits[key], bytesOf(value)];
    return name === undefined || limit === undefined ? [] : property(name, "a(st)", [[devicePath(device), limit]]);
  });
}

/** `8:0 200` of v1. */
function blockWeight(text: string): UnitProperty[] {
  const [, device, weight = ""] = /^(\d+:\d+) (\d{1,4})$/.exec(text) ?? [];
  return device === undefined ? [] : property("BlockIODeviceWeight", "a(st)", [[devicePath(device), BigInt(weight)]]);
}

/** `8:0 1048576` of v1, where 0 is no limit. */
function blockBandwidth(name: string): Translate {
  return (text) => {
    const [, device, rate = ""] = /^(\d+:\d+) (\d{1,20})$/.exec(text) ?? [];
    const limit = rate === "0" ? infinity : bytesOf(rate);
    return device === undefined || limit === undefined ? [] : property(name, "a(st)", [[devicePath(device), limit]]);
  };
}

/** Lists of devices are one property; of anything else that is there twice the last counts. */
function merged(all: readonly UnitProperty[]): readonly UnitProperty[] {
  const byName = new Map<string, UnitProperty>();
  for (const one of all) {
    const before = byName.get(one.name);
    const isList = before !== undefined && one.signature === "a(st)";
    byName.set(
      one.name,
      isList ? { ...one, value: [...(before.value as UnitValue[]), ...(one.value as UnitValue[])] } : one,
    );
  }
  return [...byName.values()];
}
