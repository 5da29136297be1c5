/**
 * A root file system that nothing can leave.
 *
 * The tree belongs to the attacker: any component may be a link, and may change between two calls. So a path below it
 * is never given to a call that resolves it from the host's root; it is opened with openat2(2) inside the root, and all
 * that follows is done on the descriptor.
 */
import { BoxError } from "../base/errors.ts";
import { clean, components } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import {
  EEXIST,
  ELOOP,
  ENOENT,
  ENOTDIR,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, mkdir, open, openat2, readlink, tryOpenat2 } from "../linux/file.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";

const inside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** How many links a path may pass before it counts as a loop, as in the kernel. */
const maxLinks = 40;

/** Paths are the container's: `/` is this root. What a method opens the caller closes. */
export class Root {
  readonly fd: Fd;

  /** @param fd the root directory, O_PATH will do; the caller closes it */
  constructor(fd: Fd) {
    this.fd = fd;
  }

  /** Opens what a path of the container stands for, links followed inside the root. */
  open(path: string, flags: number): Fd {
    return openat2(this.fd, clean(path), flags, inside);
  }

  /** As `open`, undefined where there is nothing. */
  find(path: string, flags: number): Fd | undefined {
    const found = tryOpenat2(this.fd, clean(path), flags, inside);
    if (typeof found !== "number") return found;
    if (found === ENOENT || found === ENOTDIR) return undefined;
    throw new SyscallError("openat2", found, path);
  }

  /** What stands at a path (O_PATH), a final link itself; undefined where there is nothing. */
  findLink(path: string): Fd | undefined {
    return this.find(path, O_PATH | O_NOFOLLOW);
  }

  /** Opens what stands at a path (O_PATH) of which no component is a link. */
  noLink(path: string): Fd {
    return openat2(this.fd, clean(path), O_PATH | O_NOFOLLOW, inside | RESOLVE_NO_SYMLINKS);
  }

  /** Opens a directory of which no component may be a link, made where it is missing: for /proc and /sys. */
  realDirectory(path: string): Fd {
    try {
      return openat2(this.fd, clean(path), O_PATH | O_DIRECTORY, inside | RESOLVE_NO_SYMLINKS);
    } catch (thrown) {
      if (isErrno(thrown, ELOOP, ENOTDIR)) {
        throw new BoxError(`${quote(path)} in the root file system must be a directory and no link`, { path });
      }
      if (!isErrno(thrown, ENOENT)) throw thrown;
    }
    this.directory(path).close();
    return openat2(this.fd, clean(path), O_PATH | O_DIRECTORY, inside | RESOLVE_NO_SYMLINKS);
  }

  /** Opens a directory (O_PATH), made with its parents (mode 0755) where it is missing. */
  directory(path: string): Fd {
    return this.#walk(clean(path), (parent, name) => {
      makeDirectory(parent, name);
      return open(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    });
  }

  /** Opens a file (O_PATH), made empty (mode 0644) with its parents where it is missing. */
  file(path: string): Fd {
    return this.#walk(clean(path), (parent, name) => {
      try {
        open(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644).close();
      } catch (thrown) {
        if (!isErrno(thrown, EEXIST)) throw thrown;
      }
      return open(parent, name, O_PATH | O_NOFOLLOW);
    });
  }

  /**
   * Opens `path`; where it ends early, the missing components are made one by one, each below the descriptor of the
   * one before it. A dangling link on the way (or at the end) is followed by starting again with its target.
   */
  #walk(path: string, makeLast: (parent: Fd, name: string) => Fd): Fd {
    let parts = components(path);
    for (let links = 0; ; links++) {
      if (links > maxLinks) throw new BoxError(`too many links in ${quote(path)}`, { path, errno: "ELOOP" });
      const [start, made] = this.#deepest(parts);
      let current = start;
      let dangling: string[] | undefined;
      for (let index = made; index < parts.length; index++) {
        const name = parts[index] as string;
        if (name === "..") {
          current.close();
          throw new BoxError(`".." behind a missing directory in ${quote(path)}`, { path });
        }
        const next = this.#step(current, name, index === parts.length - 1 ? makeLast : makeNextDirectory);
        if (typeof next === "string") {
          const before = next.startsWith("/") ? [] : parts.slice(0, index);
          dangling = [...before, ...rawComponents(next), ...parts.slice(index + 1)];
          break;
        }
        current.close();
        current = next;
      }
      if (dangling === undefined) return current;
      current.close();
      parts = dangling;
    }
  }

  /** One missing component: the descriptor of what was made, or the target of the link that stands there. */
  #step(parent: Fd, name: string, make: (parent: Fd, name: string) => Fd): Fd | string {
    let made: Fd;
    try {
      made = make(parent, name);
    } catch (thrown) {
      if (isErrno(thrown, ELOOP, ENOTDIR)) return readlink(parent, name);
      throw thrown;
    }
    if ((fstat(made, name).mode & S_IFMT) !== S_IFLNK) return made;
    made.close();
    return readlink(parent, name);
  }

  /** The deepest existing ancestor (or the path itself), and how many components it stands for. */
  #deepest(parts: readonly string[]): [Fd, number] {
    for (let count = parts.length; count > 0; count--) {
      const path = `/${parts.slice(0, count).join("/")}`;
      const found = tryOpenat2(this.fd, path, O_PATH, inside);
      if (typeof found !== "number") return [found, count];
      if (found !== ENOENT) throw new SyscallError("openat2", found, path);
    }
    return [openat2(this.fd, "/", O_PATH, inside), 0];
  }
}

function makeNextDirectory(parent: Fd, name: string): Fd {
  makeDirectory(parent, name);
  return open(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Makes a directory; one that another process has just made will do. */
function makeDirectory(parent: Fd, name: string): void {
  try {
    mkdir(parent, name, 0o755);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
  }
}

/** Components of a link's target: `..` is kept, because what stands before it may be a link. */
function rawComponents(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** Whether a descriptor stands for a directory. */
export function isDirectory(fd: Fd, about: string): boolean {
  return (fstat(fd, about).mode & S_IFMT) === S_IFDIR;
}
