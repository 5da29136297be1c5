/** New file systems, made detached: fsopen(2), or mount(2) where an option is longer than fsconfig(2) takes. */
import { EINVAL, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_SYNCHRONOUS } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { chmod, chown, fstat } from "../linux/file.ts";
import { cloneTree, detach, FileSystemContext, mountAt } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";
import { attributesOf } from "./attributes.ts";
import type { FileSystemOp } from "./ops.ts";

/** A detached mount of a new file system, with its flags unless something is to be written into it first. */
export function makeFileSystem(op: FileSystemOp): Fd {
  if (op.hasLongOptions) return makeByMount(op);
  using context = FileSystemContext.open(op.type);
  context.setString("source", op.source);
  for (const [key, value] of op.options) {
    if (value === undefined) context.setFlag(key);
    else context.setString(key, isContext(key) ? unquoted(value) : value);
  }
  context.create();
  return context.mount(isWrittenFirst(op) ? 0 : attributesOf(op.flags));
}

/** In the one string of mount(2) a label is in quotes, because of its commas; here they would belong to it. */
function unquoted(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1) : value;
}

function isContext(key: string): boolean {
  return key.endsWith("context");
}

/** Options that mount(2) takes as flags. */
const superblockFlags: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  sync: MS_SYNCHRONOUS,
  dirsync: MS_DIRSYNC,
  lazytime: MS_LAZYTIME,
  mand: MS_MANDLOCK,
};

/** A directory that every host has, to mount on for a moment: in the container's mount namespace nobody else sees it. */
const layBy = "/proc";

/** mount(2) attaches at once, and by path; a detached copy is taken, and all else goes on as with a new one. */
function makeByMount(op: FileSystemOp): Fd {
  let flags = 0;
  const data: string[] = [];
  for (const [key, value] of op.options) {
    const flag = value === undefined && Object.hasOwn(superblockFlags, key) ? superblockFlags[key] : undefined;
    if (flag !== undefined) flags |= flag;
    else data.push(value === undefined ? key : `${key}=${value}`);
  }
  mountAt(op.source, layBy, op.type, flags, data.join(","));
  try {
    return cloneTree("cwd", layBy, false);
  } finally {
    detach(layBy);
  }
}

/** A tmpfs takes content, mode and owner of the directory that it hides, as far as the options do not say otherwise. */
export function isWrittenFirst(op: FileSystemOp): boolean {
  return op.type === "tmpfs" && (op.copyUp || !hasOption(op, "mode"));
}

function hasOption(op: FileSystemOp, name: string): boolean {
  return op.options.some(([key]) => key === name);
}

/** Makes a new tmpfs that is written first look like the directory that it will hide. */
export function takeLooks(op: FileSystemOp, mount: Fd, hidden: Fd): void {
  if (op.copyUp) {
    const { copyTree } = load("rootfs/copy") as typeof import("./copy.ts");
    copyTree(hidden, mount);
  }
  const { uid, gid, mode } = fstat(hidden, op.destination);
  if ((uid !== 0 || gid !== 0) && !hasOption(op, "uid") && !hasOption(op, "gid")) own(mount, uid, gid);
  if (!hasOption(op, "mode")) chmod(mount, ".", mode & 0o7777);
}

function own(mount: Fd, uid: number, gid: number): void {
  try {
    chown(mount, uid, gid);
  } catch (thrown) {
    // In a user namespace: an owner whom it does not know.
    if (!isErrno(thrown, EINVAL)) throw thrown;
  }
}

/** Whether the mount's own flags are still to be set when it has got its looks. */
export function lacksFlags(op: FileSystemOp): boolean {
  return isWrittenFirst(op) || op.hasLongOptions;
}
