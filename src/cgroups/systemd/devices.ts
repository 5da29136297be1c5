/**
 * Device rules as systemd.resource-control(5) says them. On cgroup v1 systemd writes the scope's list of devices itself,
 * also at a `daemon-reload`, so it must know the rules; on cgroup2 they are box's own program. Pure.
 */
import { BoxError } from "../../base/errors.ts";
import { listAfter } from "../device-list.ts";
import type { DeviceRuleOp, UnitProperty } from "../ops.ts";

/** @throws BoxError for rules that no list of what is allowed can say */
export function devicePropertiesOf(rules: readonly DeviceRuleOp[]): readonly UnitProperty[] {
  if (rules.length === 0) return [];
  const { allowed, exceptions } = listAfter(rules);
  if (allowed && exceptions.size > 0)
    throw new BoxError("systemd knows no device rules for cgroup v1 that forbid some devices and allow all others");
  return [
    { name: "DevicePolicy", signature: "s", value: allowed ? "auto" : "strict" },
    {
      name: "DeviceAllow",
      signature: "a(ss)",
      value: [...exceptions.values()].map((rule) => [nameOf(rule), rule.access]),
    },
  ];
}

function nameOf({ type, major, minor }: DeviceRuleOp): string {
  if (major !== undefined && minor !== undefined) return `/dev/${type}/${major}:${minor}`;
  if (minor !== undefined)
    throw new BoxError(`systemd knows no device rule for cgroup v1 with a minor number (${minor}) and no major one`);
  return `${type}-${major ?? "*"}`;
}
