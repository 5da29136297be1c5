/** From `linux.intelRdt` to the ops of resctrl/ops.ts (config-linux.md, "IntelRdt"). Pure. */
import { refuse } from "../spec/refusal.ts";
import type { IntelRdt } from "../spec/types.ts";
import type { ResctrlOps } from "./ops.ts";

/** What planResctrl takes, for `features`. */
export const supportedRdt = { enabled: true, schemata: true, monitoring: true } as const;

/** Directories of resctrl that are no groups. */
const reserved: readonly string[] = ["info", "mon_data", "mon_groups"];

/** @param mount where resctrl is mounted; undefined where it is not */
export function planResctrl(
  rdt: IntelRdt | undefined,
  id: string,
  mount: () => string | undefined,
): ResctrlOps | undefined {
  if (rdt === undefined) return undefined;
  const { closID, l3CacheSchema, memBwSchema, schemata = [], enableMonitoring = false } = rdt;
  const place = mount();
  if (place === undefined) refuse("linux.intelRdt", "this host has no resctrl mounted");
  const group = closID === undefined ? id : closID === "/" ? "" : closID;
  if (reserved.includes(group)) refuse("linux.intelRdt.closID", `"${group}" is a directory of resctrl's own`);
  const mustMatch = [l3CacheSchema, memBwSchema].filter((line) => line !== undefined && line !== "") as string[];
  const lines = [...mustMatch, ...schemata];
  return {
    mount: place,
    group,
    mayMake: closID === undefined || lines.length > 0,
    isOwn: closID === undefined,
    mustMatch: closID === undefined ? [] : mustMatch,
    schemata: lines,
    monitoring: enableMonitoring ? id : undefined,
  };
}
