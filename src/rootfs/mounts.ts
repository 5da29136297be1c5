/** Performs one mount of the plan: detached first, then attached to its opened destination. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { isDirectory, type Root } from "../fs/root.ts";
import { ENOENT, PROC_SUPER_MAGIC } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fileSystemType, fstat } from "../linux/file.ts";
import { cloneTree, FileSystemContext, moveMount } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";
import { attributesOf, changeFlags, changePropagation } from "./attributes.ts";
import { mountCgroupView } from "./cgroup-view.ts";
import { copyTree } from "./copy.ts";
import type { BindOp, FileSystemOp, MountOp } from "./ops.ts";

/** Files of procfs over which engines put their own (lxcfs and the like); nothing else of /proc may be covered. */
const coverable: ReadonlySet<string> = new Set(
  [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "slabinfo",
    "stat",
    "swaps",
    "uptime",
    "net/dev",
    "sys/kernel/ns_last_pid",
  ].map((name) => `/proc/${name}`),
);

/** The detached tree of a bind's source; undefined for other mounts. */
export function openSource(op: MountOp): Fd | undefined {
  if (op.kind !== "bind") return undefined;
  return within(
    () => describe(op),
    () => {
      try {
        return cloneTree("cwd", op.source, op.recursive);
      } catch (thrown) {
        if (isErrno(thrown, ENOENT))
          throw new BoxError(`source ${quote(op.source)}: no such file or directory (ENOENT)`, thrown.details);
        throw thrown;
      }
    },
  );
}

/** Makes one mount. `source` is what openSource gave for it; it is closed. */
export function performMount(root: Root, op: MountOp, source: Fd | undefined): void {
  within(
    () => describe(op),
    () => {
      switch (op.kind) {
        case "bind":
          return bind(root, op, source as Fd);
        case "filesystem":
          return mountFileSystem(root, op);
        case "cgroup":
          return mountCgroupView(root, op);
      }
    },
  );
}

function describe(op: MountOp): string {
  const what =
    op.kind === "bind" ? `bind ${quote(op.source)}` : op.kind === "cgroup" ? "mount cgroup" : `mount ${op.type}`;
  return `${what} on ${quote(op.destination)}`;
}

function bind(root: Root, op: BindOp, tree: Fd): void {
  using mount = tree;
  const source = fileSystemType(mount, op.source);
  using target = isDirectory(mount, op.source)
    ? isViewPlace(op.destination)
      ? root.realDirectory(op.destination)
      : root.directory(op.destination)
    : root.file(op.destination);
  if (op.destination === "/proc" && source !== PROC_SUPER_MAGIC)
    throw new BoxError("only procfs may be mounted on /proc");
  refuseCoveringProc(target, op.destination);
  changeFlags(mount, op.flags, false, op.destination);
  changeFlags(mount, op.recursiveFlags, true, op.destination);
  moveMount(mount, target, op.destination);
  for (const propagation of op.propagation) changePropagation(mount, propagation, op.destination);
}

/** Where the kernel's own views of the system belong: masks and writes must land in them, so their place is no link. */
function isViewPlace(destination: string): boolean {
  return destination === "/proc" || destination === "/sys";
}

function mountFileSystem(root: Root, op: FileSystemOp): void {
  const isKernelView = op.type === "proc" || op.type === "sysfs" || isViewPlace(op.destination);
  if (op.destination === "/proc" && op.type !== "proc") throw new BoxError("only procfs may be mounted on /proc");
  using target = isKernelView ? root.realDirectory(op.destination) : root.directory(op.destination);
  refuseCoveringProc(target, op.destination);
  using context = FileSystemContext.open(op.type);
  context.setString("source", op.source);
  for (const [key, value] of op.options) {
    if (value === undefined) context.setFlag(key);
    else context.setString(key, value);
  }
  // A tmpfs looks like the directory it hides, unless the options say otherwise.
  if (op.type === "tmpfs" && !op.options.some(([key]) => key === "mode")) {
    context.setString("mode", (fstat(target, op.destination).mode & 0o7777).toString(8));
  }
  context.create();
  using mount = context.mount(op.copyUp ? 0 : attributesOf(op.flags));
  if (op.copyUp) {
    copyTree(target, mount);
    changeFlags(mount, op.flags, false, op.destination);
  }
  changeFlags(mount, op.recursiveFlags, true, op.destination);
  moveMount(mount, target, op.destination);
  for (const propagation of op.propagation) changePropagation(mount, propagation, op.destination);
}

/**
 * Refuses a mount over a part of procfs, judged by what was opened: text could be led astray by links.
 * A cover there could redirect what is written for or read about a process.
 */
function refuseCoveringProc(target: Fd, destination: string): void {
  if (fileSystemType(target, destination) !== PROC_SUPER_MAGIC || destination === "/proc") return;
  if (!coverable.has(destination)) throw new BoxError("it lies inside procfs");
}
