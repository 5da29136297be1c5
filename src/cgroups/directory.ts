/** One cgroup in one hierarchy: made and opened component by component, so that no `..` and no link leads elsewhere. */
import { BoxError } from "../base/errors.ts";
import { components } from "../base/path.ts";
import {
  CGROUP_SUPER_MAGIC,
  CGROUP2_SUPER_MAGIC,
  EBUSY,
  EEXIST,
  ENODEV,
  ENOENT,
  ENOTEMPTY,
  EOPNOTSUPP,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import {
  entries,
  type FileName,
  fileSystemType,
  mkdir,
  open,
  openIfThere,
  readAll,
  rmdir,
  tryOpenat2,
  writeOnce,
} from "../linux/file.ts";
import { perProcess } from "../linux/process.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import type { CgroupDirectory } from "./ops.ts";

const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const inHierarchy = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

/** Roots of hierarchies by their mount points: kept open, for most commands come back to them. */
const rootsByMount = perProcess(() => new Map<string, Fd>());

/** The root of a hierarchy, checked to be one. It is not to be closed. */
function rootOf({ mount, version }: CgroupDirectory): Fd {
  const roots = rootsByMount();
  const known = roots.get(mount);
  if (known !== undefined) return known;
  const fd = open("cwd", mount, O_RDONLY | O_DIRECTORY);
  if (fileSystemType(fd, mount) === (version === 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) {
    roots.set(mount, fd);
    return fd;
  }
  fd.close();
  throw new BoxError(`${mount} is not a cgroup v${version} hierarchy`, { path: mount });
}

/** Opens a cgroup of a hierarchy; undefined where it does not exist. */
export function openCgroup(directory: CgroupDirectory, path: string): Fd | undefined {
  const below = path.startsWith("/") ? path.slice(1) : path;
  return openBelow(directory, below === "" ? "." : below, O_RDONLY | O_DIRECTORY);
}

/** Content of a file of a cgroup that has one value, undefined where the kernel has no such file, or the cgroup no more. */
export function readValueOf(directory: CgroupDirectory, path: string, name: string): string | undefined {
  using file = openBelow(directory, `${path}/${name}`.slice(1), O_RDONLY);
  return file && unlessVanished(() => textOf(file, name, true));
}

function openBelow(directory: CgroupDirectory, path: string, flags: number): Fd | undefined {
  const opened = tryOpenat2(rootOf(directory), path, flags, inHierarchy);
  if (typeof opened !== "number") return opened;
  if (opened === ENOENT) return undefined;
  throw new SyscallError("openat2", opened, path);
}

/**
 * As `openCgroup`, step by step.
 * @param passing called for every directory on the way, not for the cgroup itself
 */
export function descendToCgroup(
  directory: CgroupDirectory,
  path: string,
  passing: (parent: Fd) => void,
): Fd | undefined {
  let current = open(rootOf(directory), ".", flags);
  for (const name of components(path)) {
    using parent = current;
    passing(parent);
    try {
      current = open(parent, name, flags);
    } catch (thrown) {
      if (isErrno(thrown, ENOENT)) return undefined;
      throw thrown;
    }
  }
  return current;
}

/** A cgroup that is there now. */
export interface MadeCgroup {
  readonly fd: Fd;
  /** Whether it was missing. */
  readonly made: boolean;
  /** How many of those above it were. */
  readonly parentsMade: number;
}

/** What is done to a directory on the way to a cgroup, before its children are made. */
export type Preparation = (made: Fd, parent: Fd, parentIsNew: boolean) => void;

/**
 * Opens a cgroup, made with its parents where it is missing. What was made before a failure is removed again.
 */
export function makeDirectories(directory: CgroupDirectory, path: string, prepare: Preparation): MadeCgroup {
  // Another container's delete may remove the common parent between two steps; then it is made again.
  for (let tries = 0; ; tries++) {
    try {
      return descend(open(rootOf(directory), ".", flags), components(path), prepare, { made: false, parentsMade: 0 });
    } catch (thrown) {
      if (!isErrno(thrown, ENOENT) || tries === 100) throw thrown;
    }
  }
}

/** Goes down from `fd`, which it closes, along `names`. */
function descend(
  fd: Fd,
  [name, ...rest]: readonly string[],
  prepare: Preparation,
  sofar: Omit<MadeCgroup, "fd">,
): MadeCgroup {
  if (name === undefined) return { fd, ...sofar };
  using parent = fd;
  const isNew = makeDirectory(parent, name);
  try {
    const child = open(parent, name, flags);
    // Whoever made it may not have come to prepare it yet.
    try {
      prepare(child, parent, sofar.made);
    } catch (thrown) {
      child.close();
      throw thrown;
    }
    return descend(child, rest, prepare, {
      made: isNew,
      parentsMade: sofar.parentsMade + (sofar.made ? 1 : 0),
    });
  } catch (thrown) {
    if (isNew) removeIfEmpty(parent, name);
    throw thrown;
  }
}

/** Returns whether it was missing. */
function makeDirectory(parent: Fd, name: string): boolean {
  try {
    mkdir(parent, name, 0o755);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, EEXIST)) return false;
    throw thrown;
  }
}

/** Removes a cgroup that nobody uses: others may have made theirs in it, or taken it away, meanwhile. */
export function removeIfEmpty(parent: Fd, name: string): void {
  try {
    rmdir(parent, name);
  } catch (thrown) {
    if (!isErrno(thrown, EBUSY, ENOTEMPTY, ENOENT)) throw thrown;
  }
}

/** Content of one of the kernel's files in a cgroup. */
export function readFile(cgroup: Fd, name: string): string {
  using file = open(cgroup, name, O_RDONLY | O_NOFOLLOW);
  return textOf(file, name);
}

function textOf(file: Fd, name: string, shortIsEnd = false): string {
  const bytes = readAll(file, 64 * 1024 * 1024, name, shortIsEnd);
  if (bytes === "too long") throw new BoxError(`${name} is longer than 64 MiB`);
  return decodeUtf8(bytes);
}

/** As readFile, undefined where the kernel has no such file, or the cgroup no more. */
export function readFileIfThere(cgroup: Fd, name: string): string | undefined {
  return unlessVanished(() => readFile(cgroup, name));
}

/**
 * Writes a file of an opened cgroup with one write(2).
 * @throws SyscallError of open, or of write where the kernel refuses the value
 */
export function writeFile(cgroup: Fd, name: string, value: string): void {
  using file = open(cgroup, name, O_WRONLY | O_NOFOLLOW);
  writeOnce(file, value, name);
}

/** Whether the kernel says of an opened cgroup that it has been removed (systemd removes those that are empty). */
export function hasVanished(thrown: unknown): boolean {
  return isErrno(thrown, ENOENT, ENODEV);
}

/** The processes of one cgroup, without those of its children; of a threaded one they are those of one above. */
export function processesOf(cgroup: Fd): number[] {
  const lines = (procsOf(cgroup) ?? "").split("\n").filter((line) => line !== "");
  return lines.map(Number).filter((pid) => pid > 0);
}

function procsOf(cgroup: Fd): string | undefined {
  try {
    return readFileIfThere(cgroup, "cgroup.procs");
  } catch (thrown) {
    if (isErrno(thrown, EOPNOTSUPP)) return undefined;
    throw thrown;
  }
}

/** Names of the cgroups in a cgroup; cgroupfs tells the type of each entry. Programs that may make some name them at will. */
export function childrenOf(cgroup: Fd): FileName[] {
  return unlessVanished(() => entries(cgroup).flatMap(({ name, isDirectory }) => (isDirectory ? [name] : []))) ?? [];
}

/** Opens a cgroup in a cgroup; undefined when it has vanished. */
export function openChild(fd: Fd, name: FileName): Fd | undefined {
  return openIfThere(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/**
 * A place in a tree of cgroups. It holds one descriptor whatever the depth, which a program that may make cgroups chooses.
 */
export class CgroupPlace implements Disposable {
  #fd: Fd;

  /** @param fd where to begin; closed by this */
  constructor(fd: Fd) {
    this.#fd = fd;
  }

  get fd(): Fd {
    return this.#fd;
  }

  /** Goes to a cgroup below. @returns whether it is there */
  enter(name: FileName): boolean {
    return this.#become(openChild(this.#fd, name));
  }

  /** Goes to the cgroup above, also from one that has been removed meanwhile. */
  leave(): void {
    this.#become(open(this.#fd, "..", flags));
  }

  #become(fd: Fd | undefined): boolean {
    if (fd === undefined) return false;
    this.#fd.close();
    this.#fd = fd;
    return true;
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

/** Visits a cgroup and all below it, children first; closes `root`. One that vanishes meanwhile is no error. */
export function visitCgroups(root: Fd, action: (cgroup: Fd) => void): void {
  using place = new CgroupPlace(root);
  // What is still to be visited, a list a level.
  const levels = [childrenOf(place.fd)];
  for (;;) {
    const name = levels.at(-1)?.pop();
    if (name !== undefined) {
      if (place.enter(name)) levels.push(childrenOf(place.fd));
      continue;
    }
    unlessVanished(() => action(place.fd));
    levels.pop();
    if (levels.length === 0) return;
    place.leave();
  }
}

/** What `action` gives; undefined where the kernel has no such file, or the cgroup no more. */
function unlessVanished<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (thrown) {
    if (hasVanished(thrown)) return undefined;
    throw thrown;
  }
}
