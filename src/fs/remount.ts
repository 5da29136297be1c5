/**
 * mount_setattr(2) by means of mount(2), for Linux before 5.12: loaded when it is needed.
 *
 * mount(2) takes a path: one that leads from a procfs of this process's own to the descriptor and nowhere else. It sets
 * all flags at once, so those that are there are read before; and one mount at a time, so those below are looked for in
 * mountinfo, opened below the descriptor, and known by their numbers.
 */
import { BoxError } from "../base/errors.ts";
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
  MS_BIND,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_STRICTATIME,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  ST_NOSYMFOLLOW,
  ST_RELATIME,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fchdir, fstat, mountFlags, open, tryOpenat2 } from "../linux/file.ts";
import { type MountAttributes, remountBehind } from "../linux/mount.ts";
import { below, mountsIn } from "./mountinfo.ts";
import { Proc } from "./proc.ts";

/** A flag of a mount, as statfs(2), mount_setattr(2) and mount(2) have it. */
const flags: readonly (readonly [st: number, attribute: number, ms: number])[] = [
  [MS_RDONLY, MOUNT_ATTR_RDONLY, MS_RDONLY],
  [MS_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID],
  [MS_NODEV, MOUNT_ATTR_NODEV, MS_NODEV],
  [MS_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC],
  [MS_NODIRATIME, MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
  [ST_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
];

/** As setMountAttributes. For flags the mount must be attached. */
export function remount(mount: Fd, recursive: boolean, attributes: MountAttributes, about: string): void {
  const { set = 0, clear = 0, propagation = 0, userns } = attributes;
  if (userns !== undefined) throw new BoxError("id-mapped mounts take Linux 5.12 or newer", { errno: "ENOSYS" });
  using back = open("cwd", ".", O_PATH | O_DIRECTORY);
  // Never kept: a copy of this process closes what it does not know.
  using proc = Proc.private();
  proc.enter();
  try {
    if ((set | clear) !== 0) {
      changeFlags(mount, set, clear, about);
      if (recursive) for (const path of pathsBelow(mount, proc)) changeBelow(mount, path, set, clear, about);
    }
    if (propagation !== 0) remountBehind(mount, propagation | (recursive ? MS_REC : 0), about);
  } finally {
    fchdir(back, ".");
  }
}

function changeFlags(mount: Fd, set: number, clear: number, about: string): void {
  remountBehind(mount, MS_REMOUNT | MS_BIND | flagsAfter(mountFlags(mount, about), set, clear), about);
}

/** The MS_* flags of a mount that has these ST_* ones, after MOUNT_ATTR_* ones were cleared and set. */
export function flagsAfter(st: number, set: number, clear: number): number {
  let result = 0;
  for (const [there, attribute, ms] of flags)
    if ((set & attribute) !== 0 || ((st & there) !== 0 && (clear & attribute) === 0)) result |= ms;
  return result | accessTimes((clear & MOUNT_ATTR__ATIME) === 0 ? accessTimesOf(st) : set & MOUNT_ATTR__ATIME);
}

function accessTimesOf(st: number): number {
  if ((st & MS_NOATIME) !== 0) return MOUNT_ATTR_NOATIME;
  return (st & ST_RELATIME) !== 0 ? MOUNT_ATTR_RELATIME : MOUNT_ATTR_STRICTATIME;
}

function accessTimes(attribute: number): number {
  if (attribute === MOUNT_ATTR_NOATIME) return MS_NOATIME;
  return attribute === MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : MS_RELATIME;
}

/** What is mounted below a mount, by number and path from it. */
function pathsBelow(mount: Fd, proc: Proc): (readonly [id: bigint, path: string])[] {
  const mounts = mountsIn(proc.read("self/mountinfo"));
  const id = fstat(mount).mountId;
  const start = mounts.find((one) => one.id === id)?.point ?? "/";
  return below(mounts, id).map((one) => [one.id, start === "/" ? one.point : one.point.slice(start.length)]);
}

const inside = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/** A mount that another one hides is not reached by anybody; one that has gone away meanwhile needs nothing. */
function changeBelow(
  mount: Fd,
  [id, path]: readonly [bigint, string],
  set: number,
  clear: number,
  about: string,
): void {
  const found = tryOpenat2(mount, path, O_PATH, inside);
  if (typeof found === "number") throw new BoxError(`the mount at ${about}${path} cannot be reached`);
  using place = found;
  if (fstat(place, path).mountId === id) changeFlags(place, set, clear, `${about}${path}`);
}
