/** Files that are whole or not there: written under another name, then renamed. */
import { EEXIST, ENOENT, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../linux/constants.ts";
import type { At, Fd } from "../linux/fd.ts";
import { open, rename, unlink, writeAll } from "../linux/file.ts";
import { getpid } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";

/**
 * Replaces a file in one step: a reader sees the old or the new content.
 * @param mode permission bits before the umask
 */
export function writeAtomically(directory: At, name: string, content: string | Uint8Array, mode: number): void {
  // A pid names the writer; a file that a killed one with the same pid left is in nobody's use.
  const temporary = `.${name}.${getpid()}~`.slice(-255);
  try {
    using file = openNew(directory, temporary, mode);
    writeAll(file, content, name);
    rename(directory, temporary, name);
  } catch (thrown) {
    removeIfThere(directory, temporary);
    throw thrown;
  }
}

function openNew(directory: At, name: string, mode: number): Fd {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    return open(directory, name, flags, mode);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
    unlink(directory, name);
    return open(directory, name, flags, mode);
  }
}

/** Removes a file; one that is not there will do. */
export function removeIfThere(directory: At, name: string): void {
  try {
    unlink(directory, name);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
  }
}
