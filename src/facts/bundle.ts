/** The bundle as it lies on the disk: looked at before anything is made. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { ENOENT, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFMT, S_IFREG } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import { fstat, open, readAll, stat } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";

/** The largest configuration, in bytes. */
const configLimit = 16 * 1024 * 1024;

export interface ConfigFile {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Reads the configuration of a bundle: a regular file of bounded size that is UTF-8. */
export function readConfig(path: string): ConfigFile {
  return within(path, () => {
    using file = openConfig(path);
    const { mode } = fstat(file, path);
    if ((mode & S_IFMT) !== S_IFREG) throw new BoxError("not a regular file", { path });
    return readText(file, path);
  });
}

/** As readConfig, a file that the command line names: it may be a pipe, as a shell's `<(…)` is, and is waited for. */
export function readNamed(path: string): ConfigFile {
  return within(path, () => {
    using file = open("cwd", path, O_RDONLY);
    return readText(file, path);
  });
}

/** As readNamed, from the caller's stdin. */
export function readInput(): ConfigFile {
  return within("stdin", () => readText(stdio.in, "stdin"));
}

function readText(file: Fd, path: string): ConfigFile {
  const bytes = readAll(file, configLimit, path);
  if (bytes === "too long") throw new BoxError(`longer than ${configLimit} bytes`, { path });
  try {
    return { bytes, text: decodeUtf8(bytes) };
  } catch {
    throw new BoxError("not UTF-8", { path });
  }
}

function openConfig(path: string): Fd {
  try {
    return open("cwd", path, O_RDONLY | O_NONBLOCK);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT))
      throw new BoxError("no such file (ENOENT)", { errno: "ENOENT", path, hint: "box spec writes one" });
    throw thrown;
  }
}

/** Refuses a path that is no directory. @param what it is, for the error */
export function requireDirectory(path: string, what: string): void {
  within(
    () => `${what} ${quote(path)}`,
    () => {
      if ((stat("cwd", path).mode & S_IFMT) !== S_IFDIR)
        throw new BoxError("not a directory", { path, errno: "ENOTDIR" });
    },
  );
}

/**
 * Refuses descriptors that the program is to keep and that the caller has not opened: ours would take their numbers.
 * @param inherited how many from 3 on the caller has
 */
export function requireOpen(count: number, inherited: number): void {
  if (count <= inherited) return;
  throw new BoxError(`--preserve-fds: descriptor ${3 + inherited} is not open`, { errno: "EBADF" });
}
