/**
 * Builds the container's file tree inside its mount namespace. Runs in init.
 *
 * Promises: no path below the root file system is looked up twice or from the host's root; every mount is made detached
 * and attached to an opened descriptor. The order is the specification's: mounts as listed, devices, then (after the
 * createContainer hooks) masks and pivot_root.
 */
import { within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { step } from "../base/steps.ts";
import { setAttributes } from "../fs/mount-attributes.ts";
import { Root } from "../fs/root.ts";
import { MOUNT_ATTR_RDONLY, MS_REC, O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { chdir, fchdir, open } from "../linux/file.ts";
import { chroot, cloneTreeOf, detach, moveMount, pivotRootHere, setPathPropagation } from "../linux/mount.ts";
import { setns } from "../linux/namespace.ts";
import { propagationFlag } from "./attributes.ts";
import { makeDevices, makeLinks } from "./device-nodes.ts";
import { makeReadonly, mask, nullDevice } from "./masks.ts";
import { performMount } from "./mounts.ts";
import type { RootfsOps } from "./ops.ts";
import { openByInit, openOutward, outwardOf, type Sources } from "./sources.ts";

export type { Sources } from "./sources.ts";

/** The prepared tree, not yet entered. */
export interface PreparedRootfs {
  readonly root: Root;
  /** A detached mount of the null device: what files are masked with. */
  readonly nullMount: Fd;
  /** Mounts that are to become read-only. */
  readonly readonlyAtEnd: readonly Fd[];
}

export interface RootfsHelp {
  /** What the host side has opened already. */
  readonly sources: Sources;
  /** Called once before the first view of cgroups is mounted, when the cgroup namespace must be in place. */
  readonly beforeCgroupView: () => void;
}

/** Makes every mount and device; the host's tree is still the root afterwards. */
export function prepareRootfs(ops: RootfsOps, help: RootfsHelp): PreparedRootfs {
  const copied = ops.propagation.kind === "shared" ? openOutward(ops, help.sources) : help.sources;
  setPathPropagation("/", propagationFlag(outwardOf(ops)) | MS_REC);
  const nullMount = nullDevice();
  const tree = within(
    () => `root file system ${quote(ops.path)}`,
    () => {
      using target = open("cwd", ops.path, O_PATH | O_DIRECTORY);
      const mount = cloneTreeOf(target, true, ops.path);
      moveMount(mount, target, ops.path);
      return mount;
    },
  );
  let root = new Root(tree);
  step("mounts");
  const sources = openByInit(ops, copied);
  const readonlyAtEnd: Fd[] = [];
  ops.mounts.forEach((op, index) => {
    if (op.kind === "cgroup" || (op.kind === "filesystem" && op.type === "cgroup2")) help.beforeCgroupView();
    const mount = performMount(root, op, sources[index]);
    const isWanted = mount !== undefined && op.kind === "filesystem" && op.readonlyAtEnd;
    if (isWanted) readonlyAtEnd.push(mount);
    if (op.destination === "/" && mount !== undefined) {
      // It hides the root file system: what follows goes into it.
      root.fd.close();
      root = new Root(mount);
    } else if (!isWanted) mount?.close();
  });
  step("devices");
  makeDevices(root, ops.devices, ops.inUserNamespace);
  if (ops.hasOwnDev) makeLinks(root);
  return { root, nullMount, readonlyAtEnd };
}

/**
 * Makes the prepared tree the root of this process and leaves nothing of the host's in reach.
 * @param foreignMounts the mount namespace to be in, where the tree was built in a copy of it
 */
export function enterRootfs(prepared: PreparedRootfs, ops: RootfsOps, foreignMounts: Fd | undefined): void {
  restrict(prepared, ops);
  step("root");
  if (foreignMounts === undefined) enterOwn(prepared, ops);
  else enterForeign(prepared, ops, foreignMounts);
  closeAll([prepared.root.fd, prepared.nullMount, ...prepared.readonlyAtEnd]);
}

function enterOwn({ root }: PreparedRootfs, ops: RootfsOps): void {
  fchdir(root.fd, ops.path);
  if (ops.pivot) {
    pivotRootHere();
    detach(".");
  } else {
    using hostRoot = open("cwd", "/", O_PATH | O_DIRECTORY);
    moveMount(root.fd, hostRoot, "/");
    (load("rootfs/host-views") as typeof import("./host-views.ts")).removeHostViews(root.fd);
    chroot(".");
  }
  chdir("/");
  // Not before: pivot_root(2) takes no shared mount.
  const { kind, recursive } = ops.propagation;
  if (kind !== "slave" || !recursive) setPathPropagation("/", propagationFlag(kind) | (recursive ? MS_REC : 0));
}

/**
 * The namespace gets none of the mounts: a copy of the tree that is attached nowhere becomes the root of this process,
 * and goes with the last that has it. To change the root of the namespace would change that of others in it.
 */
function enterForeign({ root }: PreparedRootfs, ops: RootfsOps, foreignMounts: Fd): void {
  using tree = cloneTreeOf(root.fd, true, ops.path);
  setns(foreignMounts, "mnt", "the mount namespace of the configuration");
  fchdir(tree, ops.path);
  chroot(".");
  chdir("/");
}

/** What nothing more may be made in, when all is there. */
function restrict(prepared: PreparedRootfs, ops: RootfsOps): void {
  const { root } = prepared;
  step("masks");
  mask(root, ops.maskedPaths, prepared.nullMount);
  makeReadonly(root, ops.readonlyPaths);
  for (const mount of prepared.readonlyAtEnd) setAttributes(mount, false, { set: MOUNT_ATTR_RDONLY }, "a tmpfs");
  if (ops.readonly) setAttributes(root.fd, false, { set: MOUNT_ATTR_RDONLY }, "/");
}
