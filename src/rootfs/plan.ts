/** From the specification's root, mounts, devices and paths to what rootfs/apply.ts performs. Pure. */
import { clean, resolve } from "../base/path.ts";
import { hasJoinedNamespace, hasNamespace, hasNewNamespace } from "../spec/namespaces.ts";
import { each, refuse } from "../spec/refusal.ts";
import { utf8Length } from "../spec/rules/text.ts";
import type { Device, Linux, Mount, NamespaceType, Spec } from "../spec/types.ts";
import { defaultDevices } from "./devices.ts";
import { type ContainerIds, planIds, rangesOf } from "./id-ranges.ts";
import type {
  BindOp,
  CgroupViewLayout,
  CgroupViewOp,
  DeviceOp,
  FileSystemOp,
  MountIds,
  MountOp,
  MountsOps,
  Propagation,
  RootfsOps,
} from "./ops.ts";
import { type MountOptions, parseOptions } from "./options.ts";

export { knownOptions } from "./options.ts";

/** What the plan needs to know besides the specification. */
export interface RootfsContext {
  /** Absolute. */
  readonly bundle: string;
  readonly pivot: boolean;
  /** How a mount of type `cgroup` is to look; undefined where the host has no cgroups. */
  readonly cgroupView: CgroupViewLayout | undefined;
  /** Whether the caller may mount in its own namespaces. */
  readonly mayMount: () => boolean;
  /** Whether SELinux is in force: asked for only where there is a label. */
  readonly hasSelinux: () => boolean;
  readonly warn: (path: string, message: string) => void;
}

/** @throws Refusal: of all mounts that stand in the way at once, of anything else alone */
export function planRootfs(spec: Spec, context: RootfsContext): RootfsOps {
  const { root, mounts = [], linux = {} } = spec;
  if (root === undefined) refuse("root", "required on Linux");
  const around = surroundingsOf(spec, context);
  if (!hasNewNamespace(spec, "mount")) requireOwnMounts(linux.rootfsPropagation ?? "", "linux.rootfsPropagation");
  const mountOps = each(mounts, (mount, index) => planMount(mount, `mounts[${index}]`, around)).map(putReadonlyOff);
  const hasOwnDev = !mountOps.some(({ kind, destination }) => kind === "bind" && destination === "/dev");
  return {
    path: resolve(context.bundle, root.path),
    readonly: root.readonly ?? false,
    inUserNamespace: hasNamespace(spec, "user"),
    propagation: propagationOf(linux.rootfsPropagation),
    mounts: mountOps,
    devices: planDevices(linux, hasOwnDev),
    hasOwnDev,
    maskedPaths: planPaths("maskedPaths", linux, mountOps),
    readonlyPaths: planPaths("readonlyPaths", linux, mountOps),
    pivot: context.pivot,
  };
}

/** What hides a path is a mount: below one that is shared with the host it would hide the host's as well, and stay there. */
function planPaths(name: "maskedPaths" | "readonlyPaths", linux: Linux, mounts: readonly MountOp[]): string[] {
  const outward = mounts.filter((op) => op.kind === "bind" && op.outward);
  const paths = (linux[name] ?? []).map(clean);
  for (const { destination } of outward)
    for (const [index, path] of paths.entries())
      if (path === destination || path.startsWith(`${destination}/`))
        refuse(`linux.${name}[${index}]`, `lies in a mount that is shared with the host ("${destination}")`);
  return paths;
}

/**
 * Mounts for a container that is there already. Only the caller still sees what is bound.
 * @param mounts an array of their own: paths in errors begin with `[N]`
 */
export function planMounts(mounts: readonly Mount[], spec: Spec, context: RootfsContext): MountsOps {
  const around = surroundingsOf(spec, context);
  const planned = each(mounts, (mount, index) => {
    if (mount.type === "cgroup") refuse(`[${index}].type`, "the view of cgroups is made with the container");
    if (clean(mount.destination) === "/") refuse(`[${index}].destination`, "must not be the root");
    const op = planMount(mount, `[${index}]`, around);
    if (op.kind === "cgroup" || (op.kind === "filesystem" && ofNamespaces.includes(op.type))) return op;
    // What it is made of are files of the host's, also those that its options name.
    if (op.kind === "filesystem" && hasNamespace(spec, "user"))
      refuse(`[${index}].type`, `${op.type} cannot be added where there is a user namespace`);
    return { ...op, byCaller: true };
  });
  return {
    inUserNamespace: hasNamespace(spec, "user"),
    mounts: planned,
    propagation: propagationOf(spec.linux?.rootfsPropagation),
  };
}

/** File systems that are made of nothing on the host, and show what the process that makes them is in. */
const ofNamespaces: readonly string[] = ["proc", "sysfs", "mqueue", "tmpfs", "ramfs", "devpts", "cgroup2"];

/** The longest string that fsconfig(2) takes, and the longest data of mount(2): a page with its NUL. */
const longestOption = 255;
const longestData = 4095;

/** File systems of the kernel's own, which have no labels to be set as a whole. */
const unlabelled: readonly string[] = ["proc", "sysfs", "mqueue", "cgroup", "cgroup2"];

/** What all mounts of one container are planned by. */
interface Surroundings {
  readonly spec: Spec;
  readonly context: RootfsContext;
  /** Whether the container's mount namespace is new. */
  readonly isOwn: boolean;
  readonly containerIds: ContainerIds | undefined;
  /** The option that sets the container's label, where there is one and SELinux is in force. */
  readonly labels: readonly string[];
}

function surroundingsOf(spec: Spec, context: RootfsContext): Surroundings {
  const { linux = {} } = spec;
  const label = linux.mountLabel || undefined;
  const labels = label === undefined || !context.hasSelinux() ? [] : [`context=${label}`];
  return { spec, context, isOwn: hasNewNamespace(spec, "mount"), containerIds: containerIdsOf(linux), labels };
}

/** @param where path of the mount in the configuration, for errors */
function planMount(mount: Mount, where: string, around: Surroundings): MountOp {
  const words = mount.options ?? [];
  const options = parseOptions(words);
  const { flags, recursiveFlags, propagation, onLink } = options;
  const common = { destination: clean(mount.destination), onLink, words, flags, recursiveFlags, propagation };
  if (!around.isOwn) for (const word of words) requireOwnMounts(word, `${where}.options`);
  const ids = planIds(mount, options, where, around.containerIds);
  if (ids !== undefined) requireMappable(around, `${where}.options`);
  if (options.bind !== undefined || mount.type === "bind") return planBind(mount, options, common, ids, where, around);
  if (mount.type === undefined) refuse(`${where}.type`, 'required unless "bind" or "rbind" is among the options');
  if (options.sourceLink !== "follow") refuse(`${where}.options`, `"${words.find(isSourceLink)}" is for binds only`);
  return mount.type === "cgroup"
    ? planCgroupView(options, common, ids, where, around)
    : planFileSystem(mount as TypedMount, options, common, ids, where, around);
}

type TypedMount = Mount & { readonly type: string };

/** What is planned alike for every kind of mount. */
type CommonOps = Omit<CgroupViewOp, "kind" | "layout">;

function requireMappable({ spec, context }: Surroundings, where: string): void {
  if (!context.mayMount()) refuse(where, "an id-mapped mount takes CAP_SYS_ADMIN");
  // The host side, which has the rights, has no view of a mount namespace that is joined.
  if (hasJoinedNamespace(spec, "mount")) refuse(where, "an id-mapped mount cannot go with a joined mount namespace");
}

function planBind(
  mount: Mount,
  options: MountOptions,
  common: CommonOps,
  ids: MountIds | undefined,
  where: string,
  { spec, context, containerIds }: Surroundings,
): BindOp {
  const { sourceLink, data, propagation } = options;
  if (mount.source === undefined) refuse(`${where}.source`, "required for a bind mount");
  // The file system is there already: mount(2) does not look at the data of a bind either.
  if (data.length > 0) context.warn(`${where}.options`, `"${data[0]}" means nothing for a bind mount`);
  if (options.copyUp) refuse(`${where}.options`, '"tmpcopyup" is for tmpfs only');
  const source = resolve(context.bundle, mount.source);
  // The ids of a user namespace may have no way to the source: /var/lib/… is often closed to all but root.
  const byCaller =
    ids !== undefined || (containerIds !== undefined && !hasJoinedNamespace(spec, "mount") && context.mayMount());
  const recursive = options.bind === "rbind";
  // Both must ask for it, as with the other runtimes; and whoever is root in a user namespace only cannot.
  const outward = propagation.some(({ kind }) => kind === "shared") && containerIds === undefined && rootIsShared(spec);
  return { kind: "bind", ...common, ids, byCaller, source, sourceLink, recursive, outward };
}

function planCgroupView(
  { data, copyUp }: MountOptions,
  common: CommonOps,
  ids: MountIds | undefined,
  where: string,
  { context }: Surroundings,
): CgroupViewOp {
  if (ids !== undefined) refuse(`${where}.options`, "a view of cgroups cannot be id-mapped");
  if (copyUp) refuse(`${where}.options`, '"tmpcopyup" is for tmpfs only');
  if (context.cgroupView === undefined) refuse(where, "this host has no cgroups mounted at /sys/fs/cgroup");
  // The host's hierarchies have their options already.
  if (data.length > 0) context.warn(`${where}.options`, `"${data[0]}" means nothing for a view of cgroups`);
  const { flags, words } = common;
  // A view that the program could write to would let it out of its limits, so it takes more than silence to get one. But
  // whoever gives options and leaves `ro` out of them means it: Docker does so for --privileged.
  const set = words.length === 0 ? ["ro" as const] : flags.set;
  return { kind: "cgroup", ...common, flags: { ...flags, set }, layout: context.cgroupView };
}

function planFileSystem(
  mount: TypedMount,
  { flags, data, copyUp, superblock }: MountOptions,
  common: CommonOps,
  ids: MountIds | undefined,
  where: string,
  { spec, labels }: Surroundings,
): FileSystemOp {
  const { type } = mount;
  if (copyUp && type !== "tmpfs") refuse(`${where}.options`, '"tmpcopyup" is for tmpfs only');
  requireShownNamespace(type, `${where}.type`, spec.linux);
  const source = mount.source ?? type;
  const all = [...data, ...(unlabelled.includes(type) || data.some(isContext) ? [] : labels)];
  const hasLongOptions = [source, ...all.map(valueOf)].some(isLong);
  if (hasLongOptions) requireOldMount(all, ids, `${where}.options`);
  // A read-only device has no file system that could be written, whatever the mount says.
  const readonlyDevice = flags.set.includes("ro") && source.startsWith("/") ? ["ro"] : [];
  const keys = [...superblock, ...readonlyDevice].map((key) => [key] as const);
  const options = [...keys, ...all.map(parameter)];
  const byCaller = ids !== undefined;
  const readonlyAtEnd = false;
  return { kind: "filesystem", ...common, ids, byCaller, type, source, options, hasLongOptions, copyUp, readonlyAtEnd };
}

/** What is too long for fsconfig(2) goes to mount(2), which has a limit for all together and knows no mapped ids. */
function requireOldMount(options: readonly string[], ids: MountIds | undefined, where: string): void {
  if (utf8Length(options.join(",")) > longestData)
    refuse(where, `the options of a file system must be at most ${longestData} bytes long together`);
  if (ids !== undefined) refuse(where, `an option of an id-mapped mount must be at most ${longestOption} bytes long`);
}

/** File systems that show a namespace, and what can be had in their place. */
const views: Readonly<Record<string, readonly [NamespaceType, string]>> = {
  proc: ["pid", "bind /proc"],
  sysfs: ["network", "bind /sys"],
  mqueue: ["ipc", "bind /dev/mqueue"],
};

/** The kernel lets a new user namespace mount the views of namespaces that belong to it: not of the caller's. */
function requireShownNamespace(type: string, where: string, { namespaces = [] }: Linux = {}): void {
  const [shown, instead] = views[type] ?? [];
  if (shown === undefined || namespaces.some((namespace) => namespace.type === shown)) return;
  if (!namespaces.some((namespace) => namespace.type === "user" && namespace.path === undefined)) return;
  refuse(where, `beside a new user namespace "${type}" needs a namespace of type "${shown}" too, or ${instead}`);
}

/**
 * A read-only tmpfs with mount points in it, or at /dev, where devices and links go: Podman's read-only containers have
 * one. Nothing could be made in it if it were read-only from the beginning.
 */
function putReadonlyOff(op: MountOp, index: number, all: readonly MountOp[]): MountOp {
  if (op.kind !== "filesystem" || op.type !== "tmpfs" || !op.flags.set.includes("ro")) return op;
  const inside = op.destination === "/" ? "/" : `${op.destination}/`;
  const isUsed =
    op.destination === "/dev" || all.slice(index + 1).some(({ destination }) => destination.startsWith(inside));
  if (!isUsed) return op;
  return { ...op, flags: { ...op.flags, set: op.flags.set.filter((flag) => flag !== "ro") }, readonlyAtEnd: true };
}

/** No mount is heard of, or told of, in a tree that is attached nowhere; and what cannot be copied would be missing. */
function requireOwnMounts(word: string, where: string): void {
  if (/^r?(shared|slave|unbindable)$/.test(word)) refuse(where, `"${word}" takes a new "mount" namespace`);
}

/** How the container's user namespace maps ids, for mounts that are to be mapped like it. */
function containerIdsOf({ namespaces = [], uidMappings = [], gidMappings = [] }: Linux): ContainerIds | undefined {
  const user = namespaces.find(({ type }) => type === "user");
  if (user === undefined) return undefined;
  return user.path === undefined
    ? { uids: rangesOf(uidMappings), gids: rangesOf(gidMappings) }
    : { namespace: user.path };
}

function isSourceLink(word: string): boolean {
  return word === "copy-symlink" || word === "src-nofollow";
}

/** A label of the configuration's own goes before the container's. */
function isContext(word: string): boolean {
  return /^(def|fs|root)?context=/.test(word);
}

/** A character takes three bytes at most for each of its units: few texts are so long that they must be counted. */
function isLong(text: string): boolean {
  return text.length * 3 > longestOption && utf8Length(text) > longestOption;
}

function valueOf(word: string): string {
  return parameter(word)[1] ?? "";
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

function rootIsShared({ linux }: Spec): boolean {
  return propagationOf(linux?.rootfsPropagation).kind === "shared";
}

/** The default devices are left out where the container brings the host's /dev along. */
function planDevices(linux: Linux, hasOwnDev: boolean): DeviceOp[] {
  const given = (linux.devices ?? []).map(planDevice);
  const paths = new Set(given.map(({ path }) => path));
  return [...(hasOwnDev ? defaultDevices.filter(({ path }) => !paths.has(path)) : []), ...given];
}

const deviceTypes = { c: "char", u: "char", b: "block", p: "fifo" } as const;

function planDevice(device: Device): DeviceOp {
  const { type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  const numbers = { major: Number(major), minor: Number(minor) };
  return { path: clean(path), type: deviceTypes[type], ...numbers, mode: fileMode & 0o7777, uid, gid };
}
