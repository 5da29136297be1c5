/**
 * The devices controller of v1 as it works: what is not listed is allowed or not, and exceptions of that. Pure.
 *
 * To write a new list over one in use would forbid everything for a moment, so only what differs is written. The
 * kernel's security/device_cgroup.c.
 */
import type { DeviceRuleOp } from "./ops.ts";

export interface DeviceList {
  readonly allowed: boolean;
  /** By type and numbers. */
  readonly exceptions: ReadonlyMap<string, DeviceRuleOp>;
}

/** What a list of rules leads to where everything was allowed. */
export function listAfter(rules: readonly DeviceRuleOp[]): DeviceList {
  let allowed = true;
  const exceptions = new Map<string, DeviceRuleOp>();
  for (const rule of rules) {
    if (rule.type === "all") {
      allowed = rule.allow;
      exceptions.clear();
      continue;
    }
    const id = idOf(rule);
    const known = exceptions.get(id)?.access ?? "";
    const access = rule.allow === allowed ? without(known, rule.access) : known + without(rule.access, known);
    if (access === "") exceptions.delete(id);
    else exceptions.set(id, { ...rule, allow: !allowed, access });
  }
  return { allowed, exceptions };
}

/** The rules that turn one list into another, in order: what is added comes before what is taken away. */
export function rulesBetween(from: readonly DeviceRuleOp[], to: readonly DeviceRuleOp[]): readonly DeviceRuleOp[] {
  const [before, after] = [listAfter(from), listAfter(to)];
  if (before.allowed !== after.allowed) {
    const all = { type: "all", major: undefined, minor: undefined, access: "rwm" } as const;
    return [{ allow: after.allowed, ...all }, ...after.exceptions.values()];
  }
  return [
    ...difference(after.exceptions, before.exceptions),
    ...difference(before.exceptions, after.exceptions).map((rule) => ({ ...rule, allow: !rule.allow })),
  ];
}

function difference(
  these: ReadonlyMap<string, DeviceRuleOp>,
  those: ReadonlyMap<string, DeviceRuleOp>,
): readonly DeviceRuleOp[] {
  return [...these].flatMap(([id, rule]) => {
    const access = without(rule.access, those.get(id)?.access ?? "");
    return access === "" ? [] : [{ ...rule, access }];
  });
}

function idOf({ type, major, minor }: DeviceRuleOp): string {
  return `${type} ${major ?? "*"}:${minor ?? "*"}`;
}

/** Letters of `access` that are not in `others`. */
function without(access: string, others: string): string {
  return [...access].filter((letter) => !others.includes(letter)).join("");
}
