/** Devices and links below the container's root, by leaf names in opened directories only. */
import { BoxError, within } from "../base/errors.ts";
import { split } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import type { Root } from "../fs/root.ts";
import { EEXIST, O_NOFOLLOW, O_PATH, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { chown, fstat, mknod, open, symlink, umask } from "../linux/file.ts";
import { cloneTree, moveMount } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";
import { defaultLinks } from "./devices.ts";
import type { DeviceOp } from "./ops.ts";

const types = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;

/** @param bind bind the host's nodes: mknod(2) is forbidden in a user namespace */
export function makeDevices(root: Root, devices: readonly DeviceOp[], bind: boolean): void {
  using directories = new LastDirectory(root);
  // The mode comes from mknod itself: a chmod by name could be led elsewhere by whoever shares the tree.
  const mask = umask(0);
  try {
    for (const device of devices) {
      within(
        () => `device ${quote(device.path)}`,
        () => {
          if (bind && device.type !== "fifo") bindDevice(root, device);
          else makeDevice(directories, device);
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

function makeDevice(directories: LastDirectory, device: DeviceOp): void {
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

function bindDevice(root: Root, device: DeviceOp): void {
  using node = open("cwd", device.path, O_PATH | O_NOFOLLOW);
  checkNode(fstat(node, device.path), device);
  using mount = cloneTree("cwd", device.path, false);
  checkNode(fstat(mount, device.path), device);
  using target = root.file(device.path);
  moveMount(mount, target, device.path);
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
