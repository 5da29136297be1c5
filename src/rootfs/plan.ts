/** From the specification's root, mounts, devices and paths to what rootfs/apply.ts performs. Pure. */
import { clean, resolve } from "../base/path.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { Device, Linux, Mount, Spec } from "../spec/types.ts";
import { defaultDevices } from "./devices.ts";
import type { CgroupViewLayout, DeviceOp, MountOp, Propagation, RootfsOps } from "./ops.ts";
import { parseOptions } from "./options.ts";

export { knownOptions } from "./options.ts";

/** What the plan needs to know besides the specification. */
export interface RootfsContext {
  /** Absolute. */
  readonly bundle: string;
  readonly pivot: boolean;
  /** How a mount of type `cgroup` is to look; undefined where the host has no cgroups. */
  readonly cgroupView: CgroupViewLayout | undefined;
}

export function planRootfs(spec: Spec, context: RootfsContext): RootfsOps {
  const { root, mounts = [], linux = {} } = spec;
  if (root === undefined) refuse("root", "required on Linux");
  const mountOps = each(mounts, (mount, index) => planMount(mount, `mounts[${index}]`, context));
  return {
    path: resolve(context.bundle, root.path),
    readonly: root.readonly ?? false,
    propagation: propagationOf(linux.rootfsPropagation),
    mounts: mountOps,
    devices: planDevices(linux, mountOps),
    maskedPaths: (linux.maskedPaths ?? []).map(clean),
    readonlyPaths: (linux.readonlyPaths ?? []).map(clean),
    pivot: context.pivot,
  };
}

function planMount(mount: Mount, where: string, context: RootfsContext): MountOp {
  const options = parseOptions(mount.options ?? []);
  const unsupported = options.refused[0];
  if (unsupported !== undefined) refuse(`${where}.options`, `"${unsupported}" is not supported`);
  if (mount.uidMappings !== undefined || mount.gidMappings !== undefined) {
    refuse(`${where}.uidMappings`, "idmapped mounts are not supported");
  }
  const destination = clean(mount.destination);
  const { flags, recursiveFlags, propagation } = options;
  const base = { destination, flags, recursiveFlags, propagation };
  if (options.bind !== undefined || mount.type === "bind") {
    if (mount.source === undefined) refuse(`${where}.source`, "required for a bind mount");
    if (options.data.length > 0) refuse(`${where}.options`, `"${options.data[0]}" means nothing for a bind mount`);
    if (options.copyUp) refuse(`${where}.options`, '"tmpcopyup" is for tmpfs only');
    const source = resolve(context.bundle, mount.source);
    return { kind: "bind", ...base, source, recursive: options.bind === "rbind" };
  }
  if (mount.type === undefined) refuse(`${where}.type`, 'required unless "bind" or "rbind" is among the options');
  if (mount.type === "cgroup") {
    if (context.cgroupView === undefined) refuse(where, "this host has no cgroups mounted at /sys/fs/cgroup");
    // A view that the program could write to would let it out of its limits; only an explicit `rw` asks for that.
    const writable = (mount.options ?? []).includes("rw");
    const set = writable || flags.set.includes("ro") ? flags.set : [...flags.set, "ro" as const];
    return { kind: "cgroup", ...base, flags: { ...flags, set }, layout: context.cgroupView };
  }
  if (options.copyUp && mount.type !== "tmpfs") refuse(`${where}.options`, '"tmpcopyup" is for tmpfs only');
  const superblock = [...options.superblock.map((key) => [key] as const), ...options.data.map(parameter)];
  const source = mount.source ?? mount.type;
  return { kind: "filesystem", ...base, type: mount.type, source, options: superblock, copyUp: options.copyUp };
}

function parameter(word: string): readonly [string, string?] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** Without a wish, mounts of the host go on to arrive in the container and none of the container's leave it. */
function propagationOf(word: Linux["rootfsPropagation"]): Propagation {
  if (word === undefined) return { kind: "slave", recursive: true };
  const recursive = word.startsWith("r");
  return { kind: (recursive ? word.slice(1) : word) as Propagation["kind"], recursive };
}

/** The default devices are left out where the container brings the host's /dev along. */
function planDevices(linux: Linux, mounts: readonly MountOp[]): DeviceOp[] {
  const given = (linux.devices ?? []).map(planDevice);
  const paths = new Set(given.map(({ path }) => path));
  const boundDev = mounts.some(({ kind, destination }) => kind === "bind" && destination === "/dev");
  return [...(boundDev ? [] : defaultDevices.filter(({ path }) => !paths.has(path))), ...given];
}

const deviceTypes = { c: "char", u: "char", b: "block", p: "fifo" } as const;

function planDevice(device: Device): DeviceOp {
  const { type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  const numbers = { major: Number(major), minor: Number(minor) };
  return { path: clean(path), type: deviceTypes[type], ...numbers, mode: fileMode & 0o7777, uid, gid };
}
