/** Looking at files of the host without opening what they stand for. */
import { quote } from "../base/quote.ts";
import { Proc } from "../fs/proc.ts";
import { AT_EACCESS, ENOENT, ENOTDIR, O_NONBLOCK, O_RDONLY } from "../linux/constants.ts";
import { errnoName, errnoText } from "../linux/errno.ts";
import { access, open, readAll, type Stat, stat } from "../linux/file.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import { decodeLossy } from "../linux/text.ts";

/** What a path of the host stands for, links followed; a sentence where the kernel does not tell. */
export function look(path: string): Stat | string {
  try {
    return stat("cwd", path);
  } catch (thrown) {
    if (!(thrown instanceof SyscallError)) throw thrown;
    return `${quote(path)}: ${errnoText(thrown.errno)} (${errnoName(thrown.errno)})`;
  }
}

/** Whether a path of the host leads to something that this process can see. */
export function exists(path: string): boolean {
  return typeof look(path) !== "string";
}

/** Why this process may not do `mode` (X_OK, W_OK) with a path; undefined when it may. */
export function denial(path: string, mode: number): string | undefined {
  const errno = -access("cwd", path, mode, AT_EACCESS);
  return errno === 0 ? undefined : `${quote(path)}: ${errnoText(errno)} (${errnoName(errno)})`;
}

/** The text of a file of /proc, as in `self/uid_map`; undefined where this kernel has none. */
export function procText(path: string): string | undefined {
  const proc = Proc.host();
  try {
    return path.startsWith("sys/") ? proc.readParameter(path.slice("sys/".length)) : proc.read(path);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT, ENOTDIR)) return undefined;
    throw thrown;
  }
}

/** The text of a small file of the host; undefined where it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    using file = open("cwd", path, O_RDONLY | O_NONBLOCK);
    const bytes = readAll(file, 1024 * 1024, path);
    return bytes === "too long" ? undefined : decodeLossy(bytes);
  } catch (thrown) {
    if (thrown instanceof SyscallError) return undefined;
    throw thrown;
  }
}
