/** From `linux.cgroupsPath` and `linux.resources` to the ops of cgroups/ops.ts. Pure. */

import { lazy } from "../base/once.ts";
import { clean, split } from "../base/path.ts";
import type { CgroupLayout } from "../facts/cgroups.ts";
import type { SystemdFacts } from "../facts/systemd.ts";
import { capChown, holds } from "../spec/capabilities.ts";
import { refuse, together } from "../spec/refusal.ts";
import type { Linux, Resources, Spec } from "../spec/types.ts";
import { planDeviceRules } from "./devices.ts";
import type { CgroupDirectory, CgroupOps, CgroupSettings, CgroupUpdate } from "./ops.ts";
import { planOwner } from "./owner.ts";
import { properties } from "./resources.ts";
import { cgroupRoot, noCgroups, planSettings } from "./settings-plan.ts";
import { planScope } from "./systemd/plan.ts";

export { mergeResources } from "./merge.ts";
export { planPlaces } from "./places.ts";
export { annotationPrefix } from "./systemd/annotations.ts";

/** Who makes the container's cgroup: box itself, systemd, or nobody. */
export type CgroupManager = "cgroupfs" | "systemd" | "disabled";

/** What planning a cgroup needs of the host. */
export interface CgroupFacts {
  readonly cgroups: CgroupLayout;
  readonly systemd: SystemdFacts;
  readonly mayLimitDevices: boolean;
  /** Capabilities of this process, as a mask. */
  readonly capabilities: bigint;
  /** Where containers without an absolute `cgroupsPath` have theirs; undefined where this user may make none. */
  readonly cgroupHome: string | undefined;
}

/**
 * @returns undefined without a manager, and on a host without cgroups, or where this user may make none, unless something
 * is asked of them
 */
export function planCgroup(
  spec: Spec,
  id: string,
  facts: CgroupFacts,
  manager: CgroupManager = "cgroupfs",
): CgroupOps | undefined {
  const layout = facts.cgroups;
  const resources = meaningOf(spec.linux?.resources ?? {}, spec.ociVersion);
  const planLimits = lazy(() => planSettings(resources, resources, layout, "linux.resources"));
  if (manager === "disabled") return refuseLimits(planLimits(), "and the cgroup manager is disabled");
  if (manager === "cgroupfs" && layout.mode !== "none" && isHomeless(spec, facts))
    return refuseLimits(planLimits(), "and this user may make none here (box doctor tells what would help)");
  const { place, settings } = together({
    place: () => (manager === "systemd" ? scopeOf(spec, id, facts, planLimits) : placeOf(spec.linux ?? {}, id, facts)),
    settings: planLimits,
  });
  if (layout.mode === "none" || place === undefined) return undefined;
  return {
    ...place,
    directories: directoriesOf(layout),
    ...settings,
    devices: settings.devices.length > 0 && facts.mayLimitDevices ? settings.devices : [],
    owner: layout.mode === "v2" ? ownerOf(spec, facts) : undefined,
    // What is above a scope is systemd's.
    offered: layout.mode === "v2" && place.unit === undefined ? layout.controllers : [],
  };
}

/**
 * What `update` writes.
 * @param base what is in force
 * @param all what is to be in force: mergeResources(base, change)
 * @throws Refusal as planSettings
 */
export function planUpdate(base: Resources, change: Resources, all: Resources, layout: CgroupLayout): CgroupUpdate {
  const formerDevices = planDeviceRules(base.devices ?? []);
  return { ...planSettings(withBandwidth(change, all), all, layout, "resources"), formerDevices };
}

/** Quota and period are one thing to systemd and to cgroup2: who changes one of them writes both. */
function withBandwidth(change: Resources, { cpu: { quota = 0, period = 0 } = {} }: Resources): Resources {
  const { cpu = {} } = change;
  return (cpu.quota ?? 0) === 0 && (cpu.period ?? 0) === 0 ? change : { ...change, cpu: { ...cpu, quota, period } };
}

/** Device rules pass: podman sends some with every container, and they are warned of. */
function refuseLimits({ settings }: CgroupSettings, reason: string): undefined {
  const limit = settings.find(({ neutral }) => !neutral)?.property;
  if (limit !== undefined) refuse(limit, `needs a cgroup, ${reason}`);
  return undefined;
}

/** Runtimes "MAY" give a cgroup away: an ordinary user cannot. */
function ownerOf(spec: Spec, facts: CgroupFacts): number | undefined {
  const owner = planOwner(spec);
  return owner !== undefined && holds(facts.capabilities, capChown) ? owner : undefined;
}

/** An absolute path is tried all the same: the kernel says why it cannot be. */
function isHomeless({ linux = {} }: Spec, { cgroupHome }: CgroupFacts): boolean {
  return cgroupHome === undefined && !(linux.cgroupsPath ?? "").startsWith("/");
}

function scopeOf(spec: Spec, id: string, facts: CgroupFacts, limits: () => CgroupSettings): Place {
  const { mode } = facts.cgroups;
  if (mode === "none") refuse("linux.cgroupsPath", noCgroups);
  const { path, unit } = planScope(spec, id, limits, () => facts.systemd, mode === "v1");
  return { path, unit, ownParent: false };
}

function placeOf(
  { cgroupsPath = "" }: Linux,
  id: string,
  { cgroups, cgroupHome = "/" }: CgroupFacts,
): Place | undefined {
  if (cgroups.mode !== "none") {
    const path = cgroupsPath === "" ? `${cgroupHome}/${id}` : pathOf(cgroupsPath, cgroupHome);
    return { path, ownParent: !cgroupsPath.startsWith("/") && split(path)[0] === cgroupHome };
  }
  if (cgroupsPath !== "") refuse("linux.cgroupsPath", noCgroups);
  return undefined;
}

type Place = Pick<CgroupOps, "path" | "ownParent" | "unit">;

/** Resources as their version means them. A pids limit of 0 is one since 1.3; before, engines sent it for none. */
export function meaningOf(resources: Resources, ociVersion: string): Resources {
  const { pids, ...others } = resources;
  const meantNone = pids?.limit === 0 && Number(ociVersion.split(".")[1]) < 3;
  return meantNone ? others : resources;
}

/** What `features` tells of cgroups: from the table of properties. */
export const supportedCgroups = {
  v1: properties.some(({ versions }) => versions.includes(1)),
  v2: properties.some(({ versions }) => versions.includes(2)),
  rdma: properties.some(({ controller }) => controller === "rdma"),
  systemd: true,
  systemdUser: true,
} as const;

/** An absolute path starts at the mount; a relative one, box's choice, below box's own directory. */
function pathOf(path: string, home: string): string {
  const cleaned = path.startsWith("/") ? clean(path) : clean(`${home}/${path}`);
  if (cleaned === "/") refuse("linux.cgroupsPath", "must name a cgroup below the root one");
  if (cleaned === home) refuse("linux.cgroupsPath", `"${home}" is where box keeps the cgroups of containers`);
  return cleaned;
}

function directoriesOf(layout: Exclude<CgroupLayout, { mode: "none" }>): CgroupDirectory[] {
  if (layout.mode === "v2") return [{ mount: cgroupRoot, version: 2, controllers: [] }];
  const v1 = layout.hierarchies.map(({ name, options }) => ({
    mount: `${cgroupRoot}/${name}`,
    version: 1 as const,
    controllers: options,
  }));
  return layout.unified ? [...v1, { mount: `${cgroupRoot}/unified`, version: 2, controllers: [] }] : v1;
}
