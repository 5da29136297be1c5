/** A mount of type `cgroup`: one cgroup2 tree, or on v1 and hybrid hosts a tmpfs with a directory a hierarchy. */
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
import { cloneTree, FileSystemContext, moveMount, setMountAttributes } from "../linux/mount.ts";
import { attributesOf, changeFlags, changePropagation } from "./attributes.ts";
import type { CgroupViewHierarchy, CgroupViewOp } from "./ops.ts";

/** Returns the mount, for the caller to close. */
export function mountCgroupView(root: Root, op: CgroupViewOp): Fd {
  using target = root.directory(op.destination);
  const { layout, flags } = op;
  const attributes = attributesOf(flags);
  if (layout.mode === "v2") {
    const mount = layout.namespace ? newMount("cgroup2", [], attributes) : boundMount(layout.source, attributes);
    moveMount(mount, target, op.destination);
    return finish(op, mount);
  }
  const tmpfs = newMount("tmpfs", [["mode", "755"]], attributes & ~MOUNT_ATTR_RDONLY);
  moveMount(tmpfs, target, op.destination);
  for (const hierarchy of layout.hierarchies) addHierarchy(tmpfs, hierarchy, layout.namespace, attributes);
  if (layout.unified !== undefined) {
    using mount = layout.namespace ? newMount("cgroup2", [], attributes) : boundMount(layout.unified, attributes);
    attach(mount, tmpfs, "unified");
  }
  changeFlags(tmpfs, { set: flags.set, clear: [] }, false, op.destination);
  return finish(op, tmpfs);
}

function addHierarchy(tmpfs: Fd, hierarchy: CgroupViewHierarchy, namespace: boolean, attributes: number): void {
  const { name, options, source } = hierarchy;
  const parameters = options.map((word) =>
    word.startsWith("name=") ? (["name", word.slice(5)] as const) : ([word] as const),
  );
  using mount = namespace ? newMount("cgroup", parameters, attributes) : boundMount(source, attributes);
  attach(mount, tmpfs, name);
  // Programs look for `cpu` where the host mounts `cpu,cpuacct` together.
  const parts = name.split(",");
  if (parts.length > 1) for (const part of parts) symlink(name, tmpfs, part);
}

function attach(mount: Fd, directory: Fd, name: string): void {
  mkdir(directory, name, 0o755);
  using place = open(directory, name, O_PATH | O_DIRECTORY);
  moveMount(mount, place, name);
}

function newMount(type: string, options: readonly (readonly [string, string?])[], attributes: number): Fd {
  using context = FileSystemContext.open(type);
  context.setString("source", type);
  for (const [key, value] of options) {
    if (value === undefined) context.setFlag(key);
    else context.setString(key, value);
  }
  context.create();
  return context.mount(attributes);
}

function boundMount(source: string, attributes: number): Fd {
  const mount = cloneTree("cwd", source, false);
  setMountAttributes(
    mount,
    false,
    { set: attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
    source,
  );
  return mount;
}

function finish(op: CgroupViewOp, mount: Fd): Fd {
  changeFlags(mount, op.recursiveFlags, true, op.destination);
  for (const propagation of op.propagation) changePropagation(mount, propagation, op.destination);
  return mount;
}
