/**
 * Compiled filters, kept below the state root by what they were compiled from: to compile a usual profile takes longer
 * than all the rest of a start.
 *
 * An entry is believed only if it is a file of ours that nobody else can write to, and whole: whatever is wrong with it,
 * the profile is compiled again and the entry replaced. The cache is never needed: what fails here is no error.
 *
 *     32 bytes  SHA-256 of all that follows
 *     32 bytes  the key: SHA-256 of the profile and of everything else that the program depends on; in hex the file's name
 *      4 bytes  length of the program, little-endian
 *               the program, and the names that are not in it as JSON
 */
import { stringifyJson } from "../base/json.ts";
import { writeAtomically } from "../fs/atomic.ts";
import { ENOENT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, S_IFMT, S_IFREG } from "../linux/constants.ts";
import { geteuid } from "../linux/cred.ts";
import { build, decodeUtf8, encodeUtf8, sha256 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, list, open, readAll, unlink } from "../linux/file.ts";
import { kernelRelease } from "../linux/process.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import type { Filter } from "./obtain.ts";
import type { FilterProfile } from "./ops.ts";

/** Raised when the same profile is to lead to another program, or an entry looks different. */
const version = 1;
const hashSize = 32;
const programAt = 2 * hashSize + 4;
/** The longest program has 32 KiB; the names cannot be more than a configuration has. */
const largest = 1024 * 1024;
/** More profiles than this at once are not used but made up. */
const mostEntries = 64;

/** The entry of a profile; undefined when there is none, or none that can be believed. */
export function findFilter(directory: Fd, profile: FilterProfile): Filter | undefined {
  const key = keyOf(profile);
  const entry = readEntry(directory, nameOf(key));
  return entry === undefined ? undefined : decode(entry, key);
}

/** Keeps a filter under its profile, and returns it. */
export function keepFilter(directory: Fd, profile: FilterProfile, filter: Filter): Filter {
  const key = keyOf(profile);
  try {
    makeRoom(directory);
    writeAtomically(directory, nameOf(key), encode(filter, key), 0o600);
  } catch (thrown) {
    if (!(thrown instanceof SyscallError)) throw thrown;
  }
  return filter;
}

function keyOf(profile: FilterProfile): Uint8Array {
  const { version: box, commit, arch, libseccomp } = build;
  return sha256(encodeUtf8(stringifyJson([version, box, commit, arch, libseccomp, kernelRelease(), profile])));
}

function nameOf(key: Uint8Array): string {
  return Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function readEntry(directory: Fd, name: string): Uint8Array | undefined {
  try {
    using file = open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { mode, uid } = fstat(file, name);
    if ((mode & S_IFMT) !== S_IFREG || (mode & 0o022) !== 0 || uid !== geteuid()) return undefined;
    const bytes = readAll(file, largest, name);
    return bytes === "too long" ? undefined : bytes;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return undefined;
    throw thrown;
  }
}

function encode({ program, unknown, unenforced }: Filter, key: Uint8Array): Uint8Array {
  const names = encodeUtf8(JSON.stringify({ unknown, unenforced }));
  const entry = new Uint8Array(programAt + program.length + names.length);
  entry.set(key, hashSize);
  new DataView(entry.buffer).setUint32(2 * hashSize, program.length, true);
  entry.set(program, programAt);
  entry.set(names, programAt + program.length);
  entry.set(sha256(entry.subarray(hashSize)));
  return entry;
}

function decode(entry: Uint8Array, key: Uint8Array): Filter | undefined {
  if (entry.length < programAt) return undefined;
  const rest = entry.subarray(hashSize);
  if (!isEqual(sha256(rest), entry.subarray(0, hashSize)) || !isEqual(rest.subarray(0, hashSize), key))
    return undefined;
  // From here on the bytes are those that `encode` wrote.
  const end = programAt + new DataView(entry.buffer, entry.byteOffset).getUint32(2 * hashSize, true);
  const names = JSON.parse(decodeUtf8(entry.subarray(end))) as Omit<Filter, "program">;
  return { program: entry.slice(programAt, end), ...names };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}

/** A cache that is full of what is not used any more starts anew. */
function makeRoom(directory: Fd): void {
  const names = list(directory);
  if (names.length < mostEntries) return;
  for (const name of names) {
    try {
      unlink(directory, name);
    } catch (thrown) {
      if (!isErrno(thrown, ENOENT)) throw thrown;
    }
  }
}
