/** box update: changes the limits of a container. */
import { within } from "../../base/errors.ts";
import { checkId } from "../../container/id.ts";
import { updateContainer } from "../../container/update.ts";
import { readInput, readNamed } from "../../facts/bundle.ts";
import { hostFacts } from "../../facts/host.ts";
import { planContainerUpdate } from "../../plan/update.ts";
import { decodeKept, decodeResources } from "../../spec/decode.ts";
import type { Int64, Resources } from "../../spec/types.ts";
import { type Arguments, type CommandTable, type Option, UsageError } from "../args.ts";
import type { Context } from "../context.ts";

type Kind = "bytes" | "number" | "list";

/** The options that set one property each: name, property below linux.resources, kind of value, what it is. */
export const limits: readonly (readonly [name: string, property: string, kind: Kind, help: string])[] = [
  ["memory", "memory.limit", "bytes", "memory; -1 for no limit"],
  ["memory-reservation", "memory.reservation", "bytes", "memory that is not taken away for others"],
  ["memory-swap", "memory.swap", "bytes", "memory and swap together; -1 for no limit"],
  ["kernel-memory", "memory.kernel", "bytes", "kernel memory (cgroup v1; newer kernels have no such limit)"],
  ["kernel-memory-tcp", "memory.kernelTCP", "bytes", "memory of TCP buffers (cgroup v1)"],
  ["cpu-share", "cpu.shares", "number", "share of processor time beside other containers"],
  ["cpu-quota", "cpu.quota", "number", "microseconds of processor time in a period; -1 for no limit"],
  ["cpu-period", "cpu.period", "number", "the period, in microseconds"],
  ["cpu-burst", "cpu.burst", "number", "unused microseconds that may be saved up"],
  ["cpu-rt-runtime", "cpu.realtimeRuntime", "number", "microseconds of realtime scheduling in a period (cgroup v1)"],
  ["cpu-rt-period", "cpu.realtimePeriod", "number", "its period, in microseconds (cgroup v1)"],
  ["cpu-idle", "cpu.idle", "number", "1: only what others leave"],
  ["cpuset-cpus", "cpu.cpus", "list", "processors, as in 0-3,7"],
  ["cpuset-mems", "cpu.mems", "list", "memory nodes"],
  ["pids-limit", "pids.limit", "number", "processes; -1 for no limit"],
  ["blkio-weight", "blockIO.weight", "number", "share of block I/O, 10 to 1000"],
];

const placeholders: Readonly<Record<Kind, string>> = { bytes: "BYTES", number: "N", list: "LIST" };

/** Options that set a line of the container's group of resctrl: name, how the line begins, what it is. */
const schemata = [
  ["l3-cache-schema", "L3", "cache, as in L3:0=7f;1=7f (Intel RDT)"],
  ["mem-bw-schema", "MB:", "memory bandwidth, as in MB:0=20 (Intel RDT)"],
] as const;

export const table: CommandTable = {
  name: "update",
  summary: "Changes the limits of a created, running or paused container. What is not given stays as it is.",
  operands: [{ name: "ID" }],
  options: [
    {
      name: "resources",
      short: "r",
      value: "FILE",
      help: "read a JSON object as linux.resources is one (-: from stdin); all other options are then ignored",
    },
    ...limits.map(([name, , kind, help]): Option => ({ name, value: placeholders[kind], help })),
    ...schemata.map(([name, , help]): Option => ({ name, value: "SCHEMA", help })),
  ],
};

export function run(args: Arguments, { store, log }: Context): number {
  const id = checkId(args.operand(0));
  const file = args.text("resources");
  const request =
    file === undefined
      ? { resources: resourcesOf(args), schemata: schemataOf(args) }
      : { resources: readResources(file, log.warn), schemata: [] };
  updateContainer(store, id, (config, kept) =>
    planContainerUpdate(
      within("config.json", () => decodeKept(config)),
      kept,
      request,
      hostFacts(),
    ),
  );
  return 0;
}

function readResources(path: string, warn: (message: string) => void): Resources {
  const { text } = path === "-" ? readInput() : readNamed(path);
  return within(path === "-" ? "stdin" : path, () => decodeResources(text, warn));
}

/** Numbers out of a schema's range are refused with the rest, when all resources are put together. */
function resourcesOf(args: Arguments): Resources {
  const resources: Record<string, Record<string, Int64 | string>> = {};
  for (const [name, property, kind] of limits) {
    const text = args.text(name);
    if (text === undefined) continue;
    const [group, key] = property.split(".") as [string, string];
    resources[group] = { ...resources[group], [key]: kind === "list" ? text : numberOf(name, text, kind) };
  }
  return resources;
}

function schemataOf(args: Arguments): readonly string[] {
  return schemata.flatMap(([name, beginning]) => {
    const line = args.text(name);
    if (line === undefined) return [];
    if (!line.startsWith(beginning) || line.includes("\n"))
      throw new UsageError(`--${name}: must be one line that starts with "${beginning}", not ${JSON.stringify(line)}`);
    return [line];
  });
}

const units: Readonly<Record<string, bigint>> = {
  "": 1n,
  k: 2n ** 10n,
  m: 2n ** 20n,
  g: 2n ** 30n,
  t: 2n ** 40n,
  p: 2n ** 50n,
};

/** A whole number; of bytes as callers of runc write them, with a unit if need be: `512`, `100m`, `1.5g`, `2GiB`, `-1`. */
export function numberOf(option: string, text: string, kind: "bytes" | "number"): Int64 {
  const value = /^(-1|[0-9]{1,20})$/.test(text) ? BigInt(text) : kind === "bytes" ? bytesIn(text) : undefined;
  if (value === undefined) {
    const form = kind === "bytes" ? "a number of bytes such as 100m, or -1" : "a whole number";
    throw new UsageError(`--${option}: must be ${form}, not ${JSON.stringify(text)}`);
  }
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** A size as go-units reads it (RAMInBytes); what is left of a byte is cut off. */
function bytesIn(text: string): bigint | undefined {
  const form = /^(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,20}))? ?(?:b|([kmgtp])(?:i?b)?)?$/i;
  const [whole, digits = "", fraction = "", unit = ""] = form.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (whole === undefined || factor === undefined) return undefined;
  return (BigInt(digits + fraction) * factor) / 10n ** BigInt(fraction.length);
}
