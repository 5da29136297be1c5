/** Mounts by descriptor: fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2); pivot_root(2). */
import { decodeUtf8 } from "host";
import * as NR from "#nr";
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  UMOUNT_NOFOLLOW,
} from "./constants.ts";
import { type At, at, Fd } from "./fd.ts";
import { mount_attr } from "./layouts.ts";
import { attempt, call, SyscallError } from "./raw.ts";

/** A file system that is being configured: fsopen(2). */
export class FileSystemContext implements Disposable {
  readonly #fd: Fd;
  readonly #type: string;

  constructor(fd: Fd, type: string) {
    this.#fd = fd;
    this.#type = type;
  }

  static open(type: string): FileSystemContext {
    return new FileSystemContext(new Fd(call(type, "fsopen", NR.fsopen, type, FSOPEN_CLOEXEC)), type);
  }

  /** The superblock behind a mount, to be reconfigured: fspick(2). */
  static pick(mount: Fd, about: string): FileSystemContext {
    const flags = FSPICK_CLOEXEC | FSPICK_EMPTY_PATH;
    return new FileSystemContext(new Fd(call(about, "fspick", NR.fspick, mount.number, "", flags)), about);
  }

  setFlag(key: string): void {
    this.#config(FSCONFIG_SET_FLAG, key, null, 0);
  }

  setString(key: string, value: string): void {
    this.#config(FSCONFIG_SET_STRING, key, value, 0);
  }

  setFd(key: string, fd: Fd): void {
    this.#config(FSCONFIG_SET_FD, key, null, fd.number);
  }

  create(): void {
    this.#config(FSCONFIG_CMD_CREATE, null, null, 0);
  }

  reconfigure(): void {
    this.#config(FSCONFIG_CMD_RECONFIGURE, null, null, 0);
  }

  /** A detached mount of the file system, with MOUNT_ATTR_* flags. */
  mount(attributes: number): Fd {
    const result = attempt("fsmount", NR.fsmount, this.#fd.number, FSMOUNT_CLOEXEC, attributes);
    if (result < 0) this.#refuse("fsmount", -result, undefined);
    return new Fd(result);
  }

  #config(command: number, key: string | null, value: string | null, aux: number): void {
    const result = attempt("fsconfig", NR.fsconfig, this.#fd.number, command, key, value, aux);
    if (result < 0) this.#refuse("fsconfig", -result, value === null ? key : `${key}=${value}`);
  }

  /** The kernel explains refusals in messages that are read from the context itself. */
  #refuse(name: string, errno: number, option: string | null | undefined): never {
    const buffer = new Uint8Array(1024);
    const length = attempt("read", NR.read, this.#fd.number, buffer, buffer.length);
    // "e tmpfs: Bad value for 'size'": the level, then the text.
    const explanation =
      length > 0
        ? `: ${decodeUtf8(buffer.subarray(0, length))
            .trim()
            .replace(/^[ewi] /, "")}`
        : "";
    throw new SyscallError(name, errno, `${this.#type}${option ? ` ${option}` : ""}${explanation}`);
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

/** A detached copy of the mount at a path: open_tree(2) with OPEN_TREE_CLONE. */
export function cloneTree(directory: At, path: string, recursive: boolean, flags = 0): Fd {
  const all = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) | flags;
  return new Fd(call(path, "open_tree", NR.open_tree, at(directory), path, all));
}

/** Opens a place as open(2) with O_PATH does, but an automount there is made first: open_tree(2) without a copy. */
export function openMountPoint(path: string, flags: number): Fd {
  return new Fd(call(path, "open_tree", NR.open_tree, at("cwd"), path, OPEN_TREE_CLOEXEC | flags));
}

/** A detached copy of the mount that a descriptor (O_PATH too) stands in. */
export function cloneTreeOf(fd: Fd, recursive: boolean, about: string): Fd {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return new Fd(call(about, "open_tree", NR.open_tree, fd.number, "", flags));
}

/** Attaches a detached mount onto what `target` stands for: move_mount(2). No path is looked up. */
export function moveMount(mount: Fd, target: Fd, about: string): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  call(about, "move_mount", NR.move_mount, mount.number, "", target.number, "", flags);
}

export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  /** One of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0 leaves it. */
  readonly propagation?: number;
  readonly userns?: Fd;
}

/** Changes the flags of one mount, or of the whole tree below it: mount_setattr(2), Linux 5.12. */
export function setMountAttributes(mount: Fd, recursive: boolean, attributes: MountAttributes, about: string): void {
  const attr = mount_attr.encode({
    attr_set: attributes.set ?? 0,
    attr_clr: attributes.clear ?? 0,
    propagation: attributes.propagation ?? 0,
    userns_fd: attributes.userns?.number ?? 0,
  });
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  call(about, "mount_setattr", NR.mount_setattr, mount.number, "", flags, attr, mount_attr.size);
}

/**
 * Changes a mount by descriptor with mount(2): MS_REMOUNT and MS_BIND with the flags that it is to have, or a propagation.
 * The working directory must be the root of a procfs. For its flags the mount must be attached.
 */
export function remountBehind(mount: Fd, flags: number, about: string): void {
  call(about, "mount", NR.mount, null, `self/fd/${mount.number}`, null, flags, null);
}

/** Sets the propagation (MS_SHARED, …, MS_REC) of a mount of the host by its path: mount(2). */
export function setPathPropagation(path: string, flags: number): void {
  call(path, "mount", NR.mount, null, path, null, flags, null);
}

/** Attaches a file system with a single call: mount(2), for kernels and types without fsopen. */
export function mountAt(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): void {
  call(target, "mount", NR.mount, source, target, type, flags, data);
}

/** Detaches a mount and everything below it, at once for the caller's namespace: umount2(2). */
export function detach(path: string): void {
  call(path, "umount2", NR.umount2, path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

/**
 * As `detach`, by descriptor: umount2(2) takes none but follows a link of procfs. The working directory must be the root of
 * one.
 */
export function detachBehind(mount: Fd): void {
  call(undefined, "umount2", NR.umount2, `self/fd/${mount.number}`, MNT_DETACH);
}

/**
 * Makes the working directory the root and stacks the old root on top of it: pivot_root(".", "."), pivot_root(2).
 * The caller detaches "." afterwards.
 */
export function pivotRootHere(): void {
  call(".", "pivot_root", NR.pivot_root, ".", ".");
}

/** Changes the root of this process, and not its working directory: chroot(2). */
export function chroot(path: string): void {
  call(path, "chroot", NR.chroot, path);
}
