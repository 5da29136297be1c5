/**
 * Properties of the scope that a configuration sets by annotations, `org.systemd.property.NAME`.
 *
 * Whoever writes the annotations of a container (in Kubernetes: of a pod) must not get at the host through systemd, so
 * only these names are taken: what orders and ends the unit, and what limits it. Nothing that starts a unit, runs a
 * program or changes rights (CVE-2024-3154). Pure.
 */
import { entry } from "../../spec/findings.ts";
import { each, refuse } from "../../spec/refusal.ts";
import type { UnitProperty, UnitValue } from "../ops.ts";
import { infinity } from "./properties.ts";

export const annotationPrefix = "org.systemd.property.";

type Signature = "b" | "s" | "t" | "u" | "i" | "as";

const allowed: Readonly<Record<string, Signature>> = {
  After: "as",
  Before: "as",
  CollectMode: "s",
  DefaultDependencies: "b",
  KillSignal: "i",
  SendSIGHUP: "b",
  SendSIGKILL: "b",
  TimeoutStopUSec: "t",
  RuntimeMaxUSec: "t",
  OOMPolicy: "s",
  ManagedOOMSwap: "s",
  ManagedOOMMemoryPressure: "s",
  ManagedOOMMemoryPressureLimit: "u",
  ManagedOOMPreference: "s",
  CPUWeight: "t",
  StartupCPUWeight: "t",
  IOWeight: "t",
  StartupIOWeight: "t",
  MemoryMin: "t",
  MemoryLow: "t",
  MemoryHigh: "t",
  MemoryMax: "t",
  MemorySwapMax: "t",
  TasksMax: "t",
};

/** @throws Refusal naming each annotation that is not allowed, or whose value is not of its property's type */
export function planProperties(annotations: Readonly<Record<string, string>>): readonly UnitProperty[] {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(annotationPrefix));
  return each(own, ([key, text]) => {
    const path = `annotations${entry(key)}`;
    const given = key.slice(annotationPrefix.length);
    const seconds = /^(\w+)Sec$/.exec(given)?.[1];
    // Times may be given in seconds by the name that unit files use.
    const name = seconds !== undefined && !given.endsWith("USec") ? `${seconds}USec` : given;
    const signature = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (signature === undefined) refuse(path, "not a property that a container may set");
    const value = name === given ? parseValue(signature, text.trim()) : microseconds(text.trim());
    if (value === undefined) refuse(path, `not a value of the D-Bus type "${signature}"`);
    return { name, signature, value };
  });
}

const typeNames: Readonly<Record<Signature, RegExp>> = {
  b: /^$/,
  s: /^$/,
  t: /^uint64 /,
  u: /^uint32 /,
  i: /^int32 /,
  as: /^@as /,
};

const bounds = { t: [0n, infinity], u: [0n, 0xffff_ffffn], i: [-0x8000_0000n, 0x7fff_ffffn] } as const;

/** A value as GVariant's text format writes it: `true`, `'text'`, `uint64 5`, `['a', 'b']`. */
function parseValue(signature: Signature, text: string): UnitValue | undefined {
  const value = text.replace(typeNames[signature], "").trim();
  switch (signature) {
    case "b":
      return value === "true" ? true : value === "false" ? false : undefined;
    case "s":
      return parseText(value);
    case "as":
      return parseList(value);
    default: {
      const [low, high] = bounds[signature];
      const number = /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
      if (number === undefined || number < low || number > high) return undefined;
      return signature === "t" ? number : Number(number);
    }
  }
}

const quoted = /^(?:'((?:[^'\\]|\\['"\\])*)'|"((?:[^"\\]|\\['"\\])*)")/;

function parseText(text: string): string | undefined {
  const [whole, single, double] = quoted.exec(text) ?? [];
  return whole === text && text !== "" ? unescaped(single ?? double ?? "") : undefined;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

function parseList(text: string): readonly string[] | undefined {
  const inner = /^\[(.*)\]$/.exec(text)?.[1]?.trim();
  if (inner === undefined) return undefined;
  const items: string[] = [];
  for (let rest = inner; rest !== ""; ) {
    const [whole, single, double] = quoted.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    items.push(unescaped(single ?? double ?? ""));
    const after = rest.slice(whole.length).trim();
    if (after !== "" && (!after.startsWith(",") || after.slice(1).trim() === "")) return undefined;
    rest = after.slice(1).trim();
  }
  return items;
}

function microseconds(text: string): bigint | undefined {
  const number = /^(?:(?:uint64|int64|uint32|int32|double) )?(\d{1,12}(?:\.\d{1,6})?)$/.exec(text)?.[1];
  return number === undefined ? undefined : BigInt(Math.round(Number(number) * 1_000_000));
}
