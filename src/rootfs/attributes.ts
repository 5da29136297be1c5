/** Flags of ops as the numbers of mount_setattr(2). */

import { setAttributes } from "../fs/mount-attributes.ts";
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import type { AccessTime, FlagChange, MountFlag, Propagation, PropagationKind } from "./ops.ts";

const flagBits: Readonly<Record<MountFlag, number>> = {
  ro: MOUNT_ATTR_RDONLY,
  nosuid: MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTR_NOEXEC,
  nosymfollow: MOUNT_ATTR_NOSYMFOLLOW,
  nodiratime: MOUNT_ATTR_NODIRATIME,
};

const atimeBits: Readonly<Record<AccessTime, number>> = {
  relatime: MOUNT_ATTR_RELATIME,
  noatime: MOUNT_ATTR_NOATIME,
  strictatime: MOUNT_ATTR_STRICTATIME,
};

const propagationBits: Readonly<Record<PropagationKind, number>> = {
  private: MS_PRIVATE,
  shared: MS_SHARED,
  slave: MS_SLAVE,
  unbindable: MS_UNBINDABLE,
};

/** The attributes of a new mount. */
export function attributesOf({ set, atime }: FlagChange): number {
  return bits(set) | (atime === undefined ? 0 : atimeBits[atime]);
}

function bits(flags: readonly MountFlag[]): number {
  return flags.reduce((sum, flag) => sum | flagBits[flag], 0);
}

/** Changes the flags of a mount that is there already (a bind); no call when nothing is asked for. */
export function changeFlags(mount: Fd, change: FlagChange, recursive: boolean, about: string): void {
  const { set, clear, atime } = change;
  if (set.length === 0 && clear.length === 0 && atime === undefined) return;
  const cleared = bits(clear) | (atime === undefined ? 0 : MOUNT_ATTR__ATIME);
  setAttributes(mount, recursive, { set: attributesOf(change), clear: cleared }, about);
}

/** Changes how mounts below it are told of and heard of, mount_namespaces(7). @param about its path, for errors */
export function changePropagation(mount: Fd, { kind, recursive }: Propagation, about: string): void {
  setAttributes(mount, recursive, { propagation: propagationBits[kind] }, about);
}

/** The MS_* value of a propagation, for mount(2). */
export function propagationFlag(kind: PropagationKind): number {
  return propagationBits[kind];
}
