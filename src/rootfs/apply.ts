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
import { Root } from "../fs/root.ts";
import { MOUNT_ATTR_RDONLY, MS_MOVE, MS_REC, O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { chdir, fchdir, open } from "../linux/file.ts";
import {
  chroot,
  cloneTree,
  detach,
  mountAt,
  moveMount,
  pivotRootHere,
  setMountAttributes,
  setPathPropagation,
} from "../linux/mount.ts";
import { changePropagation, propagationFlag } from "./attributes.ts";
import { makeDevices, makeLinks } from "./device-nodes.ts";
import { makeReadonly, mask, nullDevice } from "./masks.ts";
import { openSource, performMount } from "./mounts.ts";
import type { RootfsOps } from "./ops.ts";

/** The prepared tree, not yet entered. */
export interface PreparedRootfs {
  readonly root: Root;
  /** A detached mount of the null device: what files are masked with. */
  readonly nullMount: Fd;
}

export interface RootfsHelp {
  /** Whether device nodes cannot be made and the host's are bound instead (user namespaces). */
  readonly bindDevices: boolean;
  /** Called once before the first view of cgroups is mounted, when the cgroup namespace must be in place. */
  readonly beforeCgroupView: () => void;
}

/** Makes every mount and device; the host's tree is still the root afterwards. */
export function prepareRootfs(ops: RootfsOps, help: RootfsHelp): PreparedRootfs {
  // Whatever the container asks for, nothing of what follows may reach the host: slave at least.
  const outward = ops.propagation.kind === "private" || ops.propagation.kind === "unbindable" ? "private" : "slave";
  setPathPropagation("/", propagationFlag(outward) | MS_REC);
  const nullMount = nullDevice();
  const tree = within(
    () => `root file system ${quote(ops.path)}`,
    () => {
      using target = open("cwd", ops.path, O_PATH | O_DIRECTORY);
      const mount = cloneTree("cwd", ops.path, true);
      moveMount(mount, target, ops.path);
      return mount;
    },
  );
  const root = new Root(tree);
  // All sources are opened before any mount is made: a mount over a source's path cannot change what is bound.
  step("mounts");
  const sources = ops.mounts.map(openSource);
  ops.mounts.forEach((op, index) => {
    if (op.kind === "cgroup") help.beforeCgroupView();
    performMount(root, op, sources[index]);
  });
  step("devices");
  makeDevices(root, ops.devices, help.bindDevices);
  makeLinks(root);
  return { root, nullMount };
}

/** Makes the prepared tree the root of this process and leaves nothing of the host's in reach. */
export function enterRootfs(prepared: PreparedRootfs, ops: RootfsOps): void {
  const { root } = prepared;
  step("root");
  fchdir(root.fd, ops.path);
  if (ops.pivot) {
    pivotRootHere();
    detach(".");
  } else {
    mountAt(ops.path, "/", null, MS_MOVE, null);
    chroot(".");
  }
  chdir("/");
  step("masks");
  mask(root, ops.maskedPaths, prepared.nullMount);
  makeReadonly(root, ops.readonlyPaths);
  if (ops.readonly) setMountAttributes(root.fd, false, { set: MOUNT_ATTR_RDONLY }, "/");
  if (ops.propagation.kind !== "slave" || !ops.propagation.recursive) changePropagation(root.fd, ops.propagation, "/");
  root.fd.close();
  prepared.nullMount.close();
}
