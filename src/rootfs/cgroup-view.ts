/** A mount of type `cgroup`: one cgroup2 tree, or on v1 and hybrid hosts a tmpfs with a directory a hierarchy. */
import { attach, setAttributes } from "../fs/mount-attributes.ts";
import { refuseCoveringProc, requireProcfsOn } from "../fs/proc-cover.ts";
import type { Root } from "../fs/root.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_DIRECTORY,
  O_PATH,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { mkdir, open, symlink } from "../linux/file.ts";
import { cloneTree, FileSystemContext, moveMount } from "../linux/mount.ts";
import { attributesOf, changeFlags, changePropagation } from "./attributes.ts";
import type { CgroupViewHierarchy, CgroupViewOp } from "./ops.ts";

/** Returns the mount, for the caller to close. */
export function mountCgroupView(root: Root, op: CgroupViewOp): Fd {
  requireProcfsOn(op.destination, () => false);
  using target = root.directory(op.destination);
  refuseCoveringProc(target, op.destination);
  const { layout, flags } = op;
  const attributes = attributesOf(flags);
  if (layout.mode === "v2") {
    const { namespace, source } = layout;
    return finish(op, mountHierarchy({ type: "cgroup2", options: [], namespace, source }, attributes, target));
  }
  const tmpfs = newMount("tmpfs", [["mode", "755"]], attributes & ~MOUNT_ATTR_RDONLY);
  moveMount(tmpfs, target, op.destination);
  for (const hierarchy of layout.hierarchies) addHierarchy(tmpfs, hierarchy, layout.namespace, attributes);
  if (layout.unified !== undefined) {
    using place = makeDirectory(tmpfs, "unified");
    const { namespace, unified: source } = layout;
    mountHierarchy({ type: "cgroup2", options: [], namespace, source }, attributes, place).close();
  }
  changeFlags(tmpfs, { set: flags.set, clear: [] }, false, op.destination);
  return finish(op, tmpfs);
}

function addHierarchy(tmpfs: Fd, hierarchy: CgroupViewHierarchy, namespace: boolean, attributes: number): void {
  const { name, options, source } = hierarchy;
  const parameters = options.map((word) =>
    word.startsWith("name=") ? (["name", word.slice(5)] as const) : ([word] as const),
  );
  using place = makeDirectory(tmpfs, name);
  mountHierarchy({ type: "cgroup", options: parameters, namespace, source }, attributes, place).close();
  // Programs look for `cpu` where the host mounts `cpu,cpuacct` together.
  const parts = name.split(",");
  if (parts.length > 1) for (const part of parts) symlink(name, tmpfs, part);
}

function makeDirectory(parent: Fd, name: string): Fd {
  mkdir(parent, name, 0o755);
  return open(parent, name, O_PATH | O_DIRECTORY);
}

interface Hierarchy {
  readonly type: "cgroup" | "cgroup2";
  readonly options: MountParameters;
  /** Whether the process is in a cgroup namespace, so that a new mount shows its own cgroups only. */
  readonly namespace: boolean;
  /** What is bound otherwise. */
  readonly source: string;
}

type MountParameters = readonly (readonly [string, string?])[];

function mountHierarchy({ type, options, namespace, source }: Hierarchy, attributes: number, place: Fd): Fd {
  const mount = namespace ? newMount(type, options, attributes) : cloneTree("cwd", source, false);
  const set = attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  attach(mount, place, source, () => {
    if (!namespace) setAttributes(mount, false, { set }, source);
  });
  return mount;
}

function newMount(type: string, options: MountParameters, attributes: number): Fd {
  using context = FileSystemContext.open(type);
  context.setString("source", type);
  for (const [key, value] of options) {
    if (value === undefined) context.setFlag(key);
    else context.setString(key, value);
  }
  context.create();
  return context.mount(attributes);
}

function finish(op: CgroupViewOp, mount: Fd): Fd {
  changeFlags(mount, op.recursiveFlags, true, op.destination);
  for (const propagation of op.propagation) changePropagation(mount, propagation, op.destination);
  return mount;
}
