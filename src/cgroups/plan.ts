/** From `linux.cgroupsPath` and `linux.resources` to the ops of cgroups/ops.ts. Pure. */
import { clean } from "../base/path.ts";
import type { CgroupLayout } from "../facts/cgroups.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { DeviceRule, Linux, Resources } from "../spec/types.ts";
import type { CgroupDirectory, CgroupOps, DeviceRuleOp } from "./ops.ts";

const cgroupRoot = "/sys/fs/cgroup";

/** Where containers without `cgroupsPath` live. */
const defaultParent = "/box";

/** @returns undefined on a host without cgroups, unless something is asked of them */
export function planCgroup(linux: Linux, id: string, layout: CgroupLayout): CgroupOps | undefined {
  const { cgroupsPath, resources = {} } = linux;
  const devices = (resources.devices ?? []).map(planRule);
  refuseUnsupported(resources);
  if (layout.mode === "none") {
    if (cgroupsPath !== undefined || devices.length > 0)
      refuse("linux.resources", "this host has no cgroups mounted at /sys/fs/cgroup");
    return undefined;
  }
  const asked = cgroupsPath !== undefined && cgroupsPath !== "";
  return {
    path: asked ? pathOf(cgroupsPath) : `${defaultParent}/${id}`,
    directories: directoriesOf(layout),
    ownParent: !asked,
    devices: devices.length === 0 ? [] : [...devices, ...defaultRules],
  };
}

/** An absolute path starts at the mount; a relative one, box's choice, below box's own directory. */
function pathOf(path: string): string {
  const cleaned = path.startsWith("/") ? clean(path) : clean(`${defaultParent}/${path}`);
  if (cleaned === "/") refuse("linux.cgroupsPath", "must name a cgroup below the root one");
  if (cleaned === defaultParent)
    refuse("linux.cgroupsPath", `"${defaultParent}" is where box keeps the cgroups of containers`);
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

/** Empty objects and zero values are what engines send for "nothing": they ask for no controller. */
function refuseUnsupported(resources: Resources): void {
  each(Object.entries(resources), ([name, value]) => {
    const field = name === "devices" ? undefined : firstSet(value, `linux.resources.${name}`);
    if (field !== undefined) refuse(field, "not supported");
  });
}

function firstSet(value: unknown, path: string): string | undefined {
  if (Array.isArray(value)) return value.length > 0 ? path : undefined;
  if (typeof value !== "object" || value === null) return meansNothing(value) ? undefined : path;
  for (const [name, inner] of Object.entries(value)) {
    const field = firstSet(inner, `${path}.${name}`);
    if (field !== undefined) return field;
  }
  return undefined;
}

/** Zero, nothing, and the -1 of "no limit". */
function meansNothing(value: unknown): boolean {
  return value === 0 || value === -1 || value === "" || value === false;
}

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
