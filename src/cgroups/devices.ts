/** Device rules of the specification as ops, with those that every container has. Pure. */
import type { DeviceRule } from "../spec/types.ts";
import type { DeviceRuleOp } from "./ops.ts";

/**
 * Where there are rules, what none of them allows is forbidden, as runc has it: a list that forgets to begin with that would
 * confine nothing.
 * @returns none where none is asked for
 */
export function planDeviceRules(rules: readonly DeviceRule[]): readonly DeviceRuleOp[] {
  const asked = rules.map(planRule);
  if (asked.length === 0) return [];
  return [...(asked[0]?.type === "all" ? [] : [nothing]), ...asked, ...defaultRules];
}

const nothing: DeviceRuleOp = { allow: false, type: "all", major: undefined, minor: undefined, access: "rwm" };

const ruleTypes = { a: "all", c: "char", b: "block" } as const;

function planRule({ allow, type = "a", major, minor, access }: DeviceRule): DeviceRuleOp {
  const number = (value: number | bigint | undefined): number | undefined => {
    const plain = value === undefined ? undefined : Number(value);
    return plain === undefined || plain < 0 ? undefined : plain;
  };
  return { allow, type: ruleTypes[type], major: number(major), minor: number(minor), access: access ?? "rwm" };
}

function allowed(
  type: "char" | "block",
  major: number | undefined,
  minor: number | undefined,
  access: string,
): DeviceRuleOp {
  return { allow: true, type, major, minor, access };
}

/** What every container may use, whatever the rules before say: making any node, and the default devices and ptys. */
const defaultRules: readonly DeviceRuleOp[] = [
  allowed("char", undefined, undefined, "m"),
  allowed("block", undefined, undefined, "m"),
  allowed("char", 1, 3, "rwm"),
  allowed("char", 1, 5, "rwm"),
  allowed("char", 1, 7, "rwm"),
  allowed("char", 1, 8, "rwm"),
  allowed("char", 1, 9, "rwm"),
  allowed("char", 5, 0, "rwm"),
  allowed("char", 5, 1, "rwm"),
  allowed("char", 5, 2, "rwm"),
  allowed("char", 136, undefined, "rwm"),
];
