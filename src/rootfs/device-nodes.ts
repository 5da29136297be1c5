/** Devices and links below the container's root, by leaf names in opened directories only. */
import { BoxError, within } from "../base/errors.ts";
import { split } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import type { Root } from "../fs/root.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EPERM,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  PROC_SUPER_MAGIC,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { chown, fileSystemType, fstat, mknod, open, symlink, umask } from "../linux/file.ts";
import { cloneTree, moveMount } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";
import { defaultLinks } from "./devices.ts";
import type { DeviceOp } from "./ops.ts";

const types = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;

/** @param inUserNamespace of the container's own: mknod(2) is forbidden there, and the host's nodes are bound */
export function makeDevices(root: Root, devices: readonly DeviceOp[], inUserNamespace: boolean): void {
  let isForbidden = inUserNamespace;
  using directories = new LastDirectory(root);
  // The mode comes from mknod itself: a chmod by name could be led elsewhere by whoever shares the tree.
  const mask = umask(0);
  try {
    for (const device of devices) {
      within(
        () => `device ${quote(device.path)}`,
        () => {
          if (device.type === "fifo") makeNode(directories, device);
          else if (isForbidden || !tryNode(directories, device)) {
            isForbidden = true;
            bindDevice(directories, device);
          }
        },
      );
    }
  } finally {
    umask(mask);
  }
}

/** The directory of the device before: most of them lie in /dev. */
class LastDirectory implements Disposable {
  readonly #root: Root;
  #path: string | undefined;
  #fd: Fd | undefined;

  constructor(root: Root) {
    this.#root = root;
  }

  open(path: string): Fd {
    if (this.#fd !== undefined && this.#path === path) return this.#fd;
    this.#fd?.close();
    this.#fd = this.#root.directory(path);
    this.#path = path;
    return this.#fd;
  }

  [Symbol.dispose](): void {
    this.#fd?.close();
  }
}

/** @returns whether it could: box itself may be in a user namespace, or without CAP_MKNOD */
function tryNode(directories: LastDirectory, device: DeviceOp): boolean {
  try {
    makeNode(directories, device);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, EPERM)) return false;
    throw thrown;
  }
}

function makeNode(directories: LastDirectory, device: DeviceOp): void {
  const [path, name] = split(device.path);
  const parent = directories.open(path);
  const { type, major, minor, mode, uid, gid } = device;
  let isNew = true;
  try {
    mknod(parent, name, types[type], mode, type === "fifo" ? 0 : major, type === "fifo" ? 0 : minor);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
    isNew = false;
  }
  const needsOwner = isNew && (uid !== 0 || gid !== 0);
  if (isNew && !needsOwner) return;
  using node = open(parent, name, O_PATH | O_NOFOLLOW);
  checkNode(fstat(node, name), device);
  if (needsOwner) chown(node, uid, gid, name);
}

/** What stands there already must be the same device: the specification makes anything else an error. */
function checkNode({ mode, rdev }: { mode: number; rdev: { major: number; minor: number } }, device: DeviceOp): void {
  const sameNumbers = device.type === "fifo" || (rdev.major === device.major && rdev.minor === device.minor);
  if ((mode & S_IFMT) !== types[device.type] || !sameNumbers) {
    throw new BoxError("something else of that name exists in the root file system", {
      path: device.path,
      errno: "EEXIST",
    });
  }
}

function bindDevice(directories: LastDirectory, device: DeviceOp): void {
  using mount = cloneTree("cwd", device.path, false, AT_SYMLINK_NOFOLLOW);
  checkNode(fstat(mount, device.path), device);
  const [path, name] = split(device.path);
  using place = openOrMakePlace(directories.open(path), name);
  const there = fstat(place, device.path);
  // What an earlier container's device was mounted on is a file.
  if ((there.mode & S_IFMT) !== S_IFREG) checkNode(there, device);
  if (fileSystemType(place, device.path) === PROC_SUPER_MAGIC) throw new BoxError("it lies inside procfs");
  moveMount(mount, place, device.path);
}

/** A file of that name: a link is not followed, and what is there is taken as it is. */
function openOrMakePlace(parent: Fd, name: string): Fd {
  try {
    return open(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY, 0o644);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
    return open(parent, name, O_PATH | O_NOFOLLOW);
  }
}

/** The links that programs expect in /dev; a name that is taken is left alone. */
export function makeLinks(root: Root): void {
  using directory = root.directory("/dev");
  for (const [name, target] of defaultLinks) {
    try {
      symlink(target, directory, name);
    } catch (thrown) {
      if (!isErrno(thrown, EEXIST)) throw thrown;
    }
  }
}
