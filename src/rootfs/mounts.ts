/** Performs one mount of the plan: detached first, then attached to its opened destination. */
import { within } from "../base/errors.ts";
import { split } from "../base/path.ts";
import { attach } from "../fs/mount-attributes.ts";
import { refuseCoveringProc, requireProcfsOn } from "../fs/proc-cover.ts";
import { isDirectory, type Root } from "../fs/root.ts";
import { EEXIST, O_PATH, PROC_SUPER_MAGIC, S_IFLNK, S_IFMT } from "../linux/constants.ts";
import { Fd } from "../linux/fd.ts";
import { fileSystemType, lstat, readlink, symlink } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { changeFlags, changePropagation } from "./attributes.ts";
import { mountCgroupView } from "./cgroup-view.ts";
import { describe } from "./describe.ts";
import { isWrittenFirst, lacksFlags, makeFileSystem, takeLooks } from "./file-systems.ts";
import type { BindOp, FileSystemOp, MountOp } from "./ops.ts";
import { copyOf, type Source } from "./sources.ts";

/**
 * Makes one mount.
 * @param source what was opened for it; it is closed, or is the result
 * @returns the mount, for the caller to close; undefined for a link
 */
export function performMount(root: Root, op: MountOp, source: Source | undefined): Fd | undefined {
  return within(
    () => describe(op),
    () => {
      switch (op.kind) {
        case "bind":
          return performBind(root, op, source);
        case "filesystem":
          return mountFileSystem(root, op, source instanceof Fd ? source : makeFileSystem(op));
        case "cgroup":
          return mountCgroupView(root, op);
      }
    },
  );
}

function performBind(root: Root, op: BindOp, source: Source | undefined): Fd | undefined {
  if (source instanceof Fd) return bind(root, op, source);
  if (source === undefined) throw new Error("the source of a bind was not opened");
  return "place" in source ? bind(root, op, copyOf(source.place, op)) : link(root, op, source.linkTo);
}

/** A link of the host, made again. One with the same target will do. */
function link(root: Root, op: BindOp, target: string): undefined {
  const [directory, name] = split(op.destination);
  using parent = root.directory(directory);
  try {
    symlink(target, parent, name);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST) || !isLinkTo(target, parent, name)) throw thrown;
  }
}

function isLinkTo(target: string, parent: Fd, name: string): boolean {
  return (lstat(parent, name).mode & S_IFMT) === S_IFLNK && readlink(parent, name) === target;
}

function bind(root: Root, op: BindOp, mount: Fd): Fd {
  using target = targetOf(root, op, isDirectory(mount, op.source));
  requireProcfsOn(op.destination, () => fileSystemType(mount, op.source) === PROC_SUPER_MAGIC);
  refuseCoveringProc(target, op.destination);
  return put(op, mount, target, true);
}

function targetOf(root: Root, op: MountOp, directory: boolean): Fd {
  const there = op.onLink ? root.findLink(op.destination) : undefined;
  if (there !== undefined) return there;
  if (!directory) return root.file(op.destination);
  return isViewPlace(op.destination) ? root.realDirectory(op.destination) : root.directory(op.destination);
}

/**
 * The last steps of every mount: what is set for it and for its whole tree, its place, its propagation.
 * @param lacksFlags whether its own flags are still to be set
 */
function put(op: MountOp, mount: Fd, target: Fd, lacksFlags: boolean): Fd {
  attach(mount, target, op.destination, () => {
    if (lacksFlags) changeFlags(mount, op.flags, false, op.destination);
    changeFlags(mount, op.recursiveFlags, true, op.destination);
  });
  for (const propagation of op.propagation) changePropagation(mount, propagation, op.destination);
  return mount;
}

/** Where the kernel's own views of the system belong: masks and writes must land in them, so their place is no link. */
function isViewPlace(destination: string): boolean {
  return destination === "/proc" || destination === "/sys";
}

function mountFileSystem(root: Root, op: FileSystemOp, mount: Fd): Fd {
  const isKernelView = op.type === "proc" || op.type === "sysfs";
  requireProcfsOn(op.destination, () => op.type === "proc");
  using there = isWrittenFirst(op) ? root.find(op.destination, O_PATH) : undefined;
  using target = isKernelView ? root.realDirectory(op.destination) : targetOf(root, op, true);
  refuseCoveringProc(target, op.destination);
  // One that has just been made looks like nothing that anybody wants.
  if (there !== undefined) takeLooks(op, mount, target);
  return put(op, mount, target, lacksFlags(op));
}
