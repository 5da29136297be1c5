/** Files and directories, always relative to a directory descriptor: openat2(2), statx(2), mkdirat(2) and friends. */
import { decodeUtf8, encodeUtf8 } from "host";
import * as NR from "#nr";
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  CLOSE_RANGE_CLOEXEC,
  EAGAIN,
  EINVAL,
  EIO,
  ENOENT,
  EPIPE,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  LOCK_EX,
  LOCK_NB,
  O_ACCMODE,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
  UTIME_OMIT,
} from "./constants.ts";
import { type At, at, Fd } from "./fd.ts";
import { open_how, statfs as statfsLayout, statx_timestamp, statx as statxLayout, timespec } from "./layouts.ts";
import { attempt, call, interposed, SyscallError } from "./raw.ts";
import { decodeLossy } from "./text.ts";

/** A name in a directory: text, or where it is no UTF-8 the kernel's bytes with the NUL that ends them. */
export type FileName = string | Uint8Array;

const textOf = (name: FileName): string => (typeof name === "string" ? name : decodeLossy(name.subarray(0, -1)));

/** Opens by path for the caller's own paths (bundle, pid file, log), which are trusted: open(2). */
export function open(directory: At, path: FileName, flags: number, mode = 0): Fd {
  return new Fd(call(textOf(path), "openat", NR.openat, at(directory), path, flags | O_CLOEXEC, mode));
}

/** As `open`; undefined where there is nothing of that name, for where this is no failure: an Error costs more than ten calls. */
export function openIfThere(directory: At, path: FileName, flags: number): Fd | undefined {
  const result = attempt("openat", NR.openat, at(directory), path, flags | O_CLOEXEC, 0);
  if (result >= 0) return new Fd(result);
  if (result === -ENOENT) return undefined;
  throw new SyscallError("openat", -result, textOf(path));
}

/**
 * Opens anew, for other rights, what an O_PATH descriptor stands for, whatever its name leads to by now: open(2), O_PATH.
 * @param proc the root of a procfs
 */
export function reopen(proc: Fd, fd: Fd, flags: number, about?: string): Fd {
  return new Fd(call(about, "openat", NR.openat, proc.number, `self/fd/${fd.number}`, flags | O_CLOEXEC, 0));
}

/** Opens by path with RESOLVE_* restrictions: openat2(2), Linux 5.6. Retried while the kernel asks for it (a rename ran by). */
export function openat2(directory: At, path: string, flags: number, resolve: number, mode = 0): Fd {
  const result = tryOpenat2(directory, path, flags, resolve, mode);
  if (typeof result === "number") throw new SyscallError("openat2", result, path);
  return result;
}

/** As openat2, for callers to whom some failures are answers: the descriptor, or the errno. */
export function tryOpenat2(directory: At, path: string, flags: number, resolve: number, mode = 0): Fd | number {
  const how = openHow(flags | O_CLOEXEC, mode, resolve);
  for (let tries = 0; ; tries++) {
    const result = attempt("openat2", NR.openat2, at(directory), path, how, open_how.size);
    if (result >= 0) return new Fd(result);
    if (result !== -EAGAIN || tries === 128) return -result;
  }
}

/** Where the fields lie, in words of 32 bits. */
const [flagsAt, modeAt, resolveAt] = [
  open_how.fields.flags.offset / 4,
  open_how.fields.mode.offset / 4,
  open_how.fields.resolve.offset / 4,
];

/** struct open_how, by hand: a start makes 30 of them. All values are of 32 bits, its fields of 64. */
function openHow(flags: number, mode: number, resolve: number): Uint32Array {
  const how = new Uint32Array(open_how.size / 4);
  how[flagsAt] = flags;
  how[modeAt] = mode;
  how[resolveAt] = resolve;
  return how;
}

/** Reads up to `size` bytes: read(2). An empty result is the end. */
export function read(fd: Fd, size: number, about?: string): Uint8Array {
  const buffer = new Uint8Array(size);
  return buffer.subarray(0, call(about, "read", NR.read, fd.number, buffer, size));
}

/**
 * Reads to the end; "too long" once more than `limit` bytes have come.
 * @param shortIsEnd whether a read that gives less than was asked for is the last: of a regular file that nobody writes to,
 *   or one of the kernel's with a single value. One with many lines may give as many as fit.
 */
export function readAll(fd: Fd, limit: number, about?: string, shortIsEnd = false): Uint8Array | "too long" {
  let buffer = new Uint8Array(Math.min(limit + 1, 4096));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length > limit) return "too long";
      const larger = new Uint8Array(Math.min(limit + 1, buffer.length * 4));
      larger.set(buffer);
      buffer = larger;
    }
    const rest = buffer.subarray(length);
    const count = call(about, "read", NR.read, fd.number, rest, rest.length);
    length += count;
    if (count === 0 || (shortIsEnd && count < rest.length)) return buffer.subarray(0, length);
  }
}

/** Writes everything: write(2). A write that stops short is made again for the rest. */
export function writeAll(fd: Fd, data: string | Uint8Array, about?: string): void {
  let bytes = typeof data === "string" ? encodeUtf8(data) : data;
  while (bytes.length > 0) {
    bytes = bytes.subarray(call(about, "write", NR.write, fd.number, bytes, bytes.length));
  }
}

/** Writes everything in one call, as files of procfs and cgroupfs want it; a short write is an error. */
export function writeOnce(fd: Fd, text: string, about?: string): void {
  const bytes = encodeUtf8(text);
  const count = call(about, "write", NR.write, fd.number, bytes, bytes.length);
  if (count !== bytes.length) throw new SyscallError("write", EINVAL, about);
}

/** Makes a directory; the umask is taken off its mode: mkdirat(2). */
export function mkdir(directory: At, name: string, mode: number): void {
  call(name, "mkdirat", NR.mkdirat, at(directory), name, mode);
}

/** Removes a name of anything but a directory, a final link itself: unlinkat(2). */
export function unlink(directory: At, name: string): void {
  call(name, "unlinkat", NR.unlinkat, at(directory), name, 0);
}

/** Removes an empty directory: unlinkat(2) with AT_REMOVEDIR. */
export function rmdir(directory: At, name: FileName): void {
  call(textOf(name), "unlinkat", NR.unlinkat, at(directory), name, AT_REMOVEDIR);
}

/** Renames within one directory; what has the new name is replaced in one step: renameat2(2). */
export function rename(directory: At, from: string, to: string): void {
  call(to, "renameat", NR.renameat2, at(directory), from, at(directory), to, 0);
}

/** Makes a link with this text, which need not lead anywhere: symlinkat(2). */
export function symlink(target: string, directory: At, name: string): void {
  call(name, "symlinkat", NR.symlinkat, target, at(directory), name);
}

/** Makes a node, regular file or FIFO: mknod(2). `type` is an S_IF* value. */
export function mknod(directory: At, name: string, type: number, mode: number, major: number, minor: number): void {
  call(name, "mknodat", NR.mknodat, at(directory), name, type | mode, makedev(major, minor));
}

/** dev_t as mknodat(2) takes it: the kernel's 32-bit encoding (12 bits of major, 20 of minor). */
export function makedev(major: number, minor: number): number {
  return (minor % 256) + major * 256 + Math.floor(minor / 256) * 2 ** 20;
}

/** In place of a user or group id: the one that is there stays, chown(2). */
export const sameId = 2 ** 32 - 1;

/** Changes the owner of what a descriptor (O_PATH too) stands for: fchownat(2). */
export function chown(fd: Fd, uid: number, gid: number, about?: string): void {
  call(about, "fchownat", NR.fchownat, fd.number, "", uid, gid, AT_EMPTY_PATH);
}

/** Sets when a name (a final link itself) was last changed, and leaves when it was read: utimensat(2). */
export function setModificationTime(directory: At, name: string, { seconds, nanoseconds }: Time): void {
  const times = new Uint8Array(2 * timespec.size);
  times.set(timespec.encode({ tv_nsec: UTIME_OMIT }));
  times.set(timespec.encode({ tv_sec: seconds, tv_nsec: nanoseconds }), timespec.size);
  call(name, "utimensat", NR.utimensat, at(directory), name, times, AT_SYMLINK_NOFOLLOW);
}

/** Changes the mode of a name in a directory that nobody else can write to: fchmodat(2), which follows a link. */
export function chmod(directory: At, name: string, mode: number): void {
  call(name, "fchmodat", NR.fchmodat, at(directory), name, mode);
}

/** What statx(2) told; each field is taken out when it is asked for. */
export class Stat {
  readonly #buffer: Uint8Array;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  /** Type and permission bits, inode(7). */
  get mode(): number {
    return statxLayout.get(this.#buffer, "stx_mode");
  }
  get uid(): number {
    return statxLayout.get(this.#buffer, "stx_uid");
  }
  get gid(): number {
    return statxLayout.get(this.#buffer, "stx_gid");
  }
  get ino(): bigint {
    return statxLayout.get(this.#buffer, "stx_ino");
  }
  /** Number of the mount that it lies on, since Linux 5.8. */
  get mountId(): bigint {
    return statxLayout.get(this.#buffer, "stx_mnt_id");
  }
  get nlink(): number {
    return statxLayout.get(this.#buffer, "stx_nlink");
  }
  /** When its content was last changed. */
  get mtime(): Time {
    const time = statxLayout.get(this.#buffer, "stx_mtime");
    return { seconds: statx_timestamp.get(time, "tv_sec"), nanoseconds: statx_timestamp.get(time, "tv_nsec") };
  }
  /** Numbers of the device that the file lies on. */
  get dev(): DeviceNumbers {
    return this.#device("stx_dev_major", "stx_dev_minor");
  }
  /** Numbers of the device that the file is. */
  get rdev(): DeviceNumbers {
    return this.#device("stx_rdev_major", "stx_rdev_minor");
  }

  #device(major: "stx_dev_major" | "stx_rdev_major", minor: "stx_dev_minor" | "stx_rdev_minor"): DeviceNumbers {
    return { major: statxLayout.get(this.#buffer, major), minor: statxLayout.get(this.#buffer, minor) };
  }
}

/** A moment, since 1970. */
export interface Time {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

function statx(directory: At, name: string, flags: number, about: string | undefined): Stat {
  const buffer = new Uint8Array(statxLayout.size);
  call(
    about,
    "statx",
    NR.statx,
    at(directory),
    name,
    flags | AT_NO_AUTOMOUNT,
    STATX_BASIC_STATS | STATX_MNT_ID,
    buffer,
  );
  return new Stat(buffer);
}

/** What a descriptor stands for: statx(2). */
export function fstat(fd: Fd, about?: string): Stat {
  return statx(fd, "", AT_EMPTY_PATH, about);
}

/** What a name stands for; a final link is not followed. */
export function lstat(directory: At, name: string): Stat {
  return statx(directory, name, AT_SYMLINK_NOFOLLOW, name);
}

/** What a path stands for; links are followed. */
export function stat(directory: At, path: string): Stat {
  return statx(directory, path, 0, path);
}

/** The *_MAGIC number of the file system that a descriptor lies on: fstatfs(2). */
export function fileSystemType(fd: Fd, about?: string): number {
  const buffer = new Uint8Array(statfsLayout.size);
  call(about, "fstatfs", NR.fstatfs, fd.number, buffer);
  return statfsLayout.getNumber(buffer, "f_type");
}

/** ST_* flags of the mount that a descriptor lies on: fstatfs(2). */
export function mountFlags(fd: Fd, about?: string): number {
  const buffer = new Uint8Array(statfsLayout.size);
  call(about, "fstatfs", NR.fstatfs, fd.number, buffer);
  return Number(statfsLayout.get(buffer, "f_flags"));
}

/** The text of a link, cut after 4096 bytes: readlinkat(2). @throws BoxError where it is not UTF-8 */
export function readlink(directory: At, name: string): string {
  const buffer = new Uint8Array(4096);
  const length = call(name, "readlinkat", NR.readlinkat, at(directory), name, buffer, buffer.length);
  return decodeName(buffer.subarray(0, length), () => `the target of the link ${quote(name)}`);
}

/** A name of the kernel's as text. @throws BoxError where it is not UTF-8: as text it would stand for another file */
function decodeName(bytes: Uint8Array, what: () => string): string {
  try {
    return decodeUtf8(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new BoxError(`${what()} is not UTF-8`);
    throw thrown;
  }
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: FileName;
  /** As the file system tells it; one that does not tell says false. */
  readonly isDirectory: boolean;
}

/** d_type of a directory, readdir(3). */
const DT_DIR = 4;

/** What is in a directory, `.` and `..` left out: getdents64(2). */
export function entries(directory: Fd, about?: string): DirectoryEntry[] {
  const result: DirectoryEntry[] = [];
  const buffer = new Uint8Array(4096);
  const view = new DataView(buffer.buffer);
  for (;;) {
    const length = call(about, "getdents64", NR.getdents64, directory.number, buffer, buffer.length);
    if (length === 0) return result;
    for (let at = 0; at < length; ) {
      // struct linux_dirent64: inode, offset, length of the record, type, name
      const size = view.getUint16(at + 16, true);
      const start = at + 19;
      const name = nameOf(buffer.subarray(start, buffer.indexOf(0, start) + 1));
      if (name !== "." && name !== "..") result.push({ name, isDirectory: buffer[at + 18] === DT_DIR });
      at += size;
    }
  }
}

function nameOf(bytes: Uint8Array): FileName {
  try {
    return decodeUtf8(bytes.subarray(0, -1));
  } catch (thrown) {
    if (thrown instanceof TypeError) return bytes.slice();
    throw thrown;
  }
}

/** The names in a directory. @throws BoxError where one is not UTF-8: as text it would stand for another file */
export function list(directory: Fd, about?: string): string[] {
  return entries(directory, about).map(({ name }) => {
    if (typeof name !== "string") throw new BoxError(`a name in ${quote(about ?? "a directory")} is not UTF-8`);
    return name;
  });
}

/** The working directory as the kernel tells it: "(unreachable)/…" where it lies outside the root, getcwd(2). */
export function getcwd(): string {
  const buffer = new Uint8Array(4096);
  const length = call(undefined, "getcwd", NR.getcwd, buffer, buffer.length);
  return decodeName(buffer.subarray(0, length - 1), () => "the working directory");
}

/** Changes the working directory of the whole process, links followed: chdir(2). */
export function chdir(path: string): void {
  call(path, "chdir", NR.chdir, path);
}

/** Changes the working directory to an opened one (O_PATH will do): fchdir(2). */
export function fchdir(fd: Fd, about?: string): void {
  call(about, "fchdir", NR.fchdir, fd.number);
}

/** Sets the file mode creation mask and returns the former one: umask(2). */
export function umask(mask: number): number {
  return call(undefined, "umask", NR.umask, mask);
}

/** Locks a whole file: flock(2). Returns whether the lock was had; without `wait` it may not. */
export function lock(fd: Fd, wait: boolean, about?: string): boolean {
  const result = attempt("flock", NR.flock, fd.number, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
  if (result === -EAGAIN) return false;
  if (result < 0) throw new SyscallError("flock", -result, about);
  return true;
}

/** Whether a descriptor number is open. */
export function isOpen(number: number): boolean {
  return attempt("fcntl", NR.fcntl, number, F_GETFD, 0) >= 0;
}

/** How many descriptors from `first` on are open without a gap. */
export function countOpen(first: number): number {
  let count = 0;
  while (isOpen(first + count)) count++;
  return count;
}

/** Lets a descriptor survive execve(2). */
export function clearCloseOnExec(number: number): void {
  const flags = call(undefined, "fcntl", NR.fcntl, number, F_GETFD, 0);
  call(undefined, "fcntl", NR.fcntl, number, F_SETFD, flags & ~FD_CLOEXEC);
}

function closeRange(first: number, last: number): void {
  call(undefined, "close_range", NR.close_range, first, last, 0);
}

/** The highest descriptor number that close_range(2) can be told. */
const lastFd = 0xffffffff;

/** Really closes every descriptor from `first` on: close_range(2), Linux 5.9. */
export function closeFrom(first: number): void {
  interposed()?.end();
  closeRange(first, lastFd);
}

/** Really closes every descriptor from `first` on but some. */
export function closeAllBut(first: number, kept: readonly Fd[]): void {
  let from = first;
  const own = interposed()?.fd;
  const numbers = [...kept.map((fd) => fd.number), ...(own === undefined ? [] : [own])];
  if (numbers.length > 1) numbers.sort((a, b) => a - b);
  for (const number of numbers) {
    if (number > from) closeRange(from, number - 1);
    if (number >= from) from = number + 1;
  }
  closeRange(from, lastFd);
}

/** Marks every descriptor from `first` on close-on-exec: close_range(2), Linux 5.11. */
export function closeOnExecFrom(first: number): void {
  call(undefined, "close_range", NR.close_range, first, lastFd, CLOSE_RANGE_CLOEXEC);
}

/** A second descriptor for the same open file, at `target` (not close-on-exec): dup3(2). */
export function dupTo(fd: Fd, target: Fd): void {
  if (fd.number === target.number) clearCloseOnExec(target.number);
  else call(undefined, "dup3", NR.dup3, fd.number, target.number, 0);
}

/** Whether a caller with these credentials may do `mode` (X_OK …): faccessat2(2), Linux 5.8. Returns 0 or -errno. */
export function access(directory: At, path: string, mode: number, flags: number): number {
  return attempt("faccessat2", NR.faccessat2, at(directory), path, mode, flags);
}

/** Whether a file has capabilities of its own (the attribute `security.capability`): capabilities(7), getxattr(2). */
export function hasFileCapabilities(path: string): boolean {
  return attempt("getxattr", NR.getxattr, path, "security.capability", null, 0) > 0;
}

/** A pipe, close-on-exec: pipe(7). */
export function pipe(): readonly [reader: Fd, writer: Fd] {
  const pair = new Int32Array(2);
  call(undefined, "pipe2", NR.pipe2, pair, O_CLOEXEC);
  return [new Fd(pair[0] as number), new Fd(pair[1] as number)];
}

/** Makes reads and writes return "again" in place of waiting: fcntl(2), O_NONBLOCK. */
export function setNonblocking(fd: Fd): void {
  const flags = call(undefined, "fcntl", NR.fcntl, fd.number, F_GETFL, 0);
  call(undefined, "fcntl", NR.fcntl, fd.number, F_SETFL, flags | O_NONBLOCK);
}

/** Whether something can be written through a descriptor: fcntl(2), O_ACCMODE. */
export function isWritable(fd: Fd): boolean {
  return (call(undefined, "fcntl", NR.fcntl, fd.number, F_GETFL, 0) & O_ACCMODE) !== O_RDONLY;
}

/** Reads what is there: bytes (none at the end), or "again" from a non-blocking descriptor that has none yet. */
export function readSome(fd: Fd, size: number): Uint8Array | "again" {
  const buffer = new Uint8Array(size);
  const result = attempt("read", NR.read, fd.number, buffer, size);
  if (result === -EAGAIN) return "again";
  // A pty's master reports the end of its last slave as EIO.
  if (result === -EIO) return new Uint8Array(0);
  if (result < 0) throw new SyscallError("read", -result, undefined);
  return buffer.subarray(0, result);
}

/** Writes what fits; the rest comes back, nothing of it when all is written or nobody reads any more. */
export function writeSome(fd: Fd, bytes: Uint8Array): Uint8Array | undefined {
  const result = attempt("write", NR.write, fd.number, bytes, bytes.length);
  if (result === -EAGAIN) return bytes;
  if (result === -EPIPE || result === -EIO) return undefined;
  if (result < 0) throw new SyscallError("write", -result, undefined);
  return result === bytes.length ? undefined : bytes.subarray(result);
}

/**
 * Moves one descriptor to `number` (close-on-exec) and really closes everything above it.
 * execve(2) resolves its path before it closes what is close-on-exec, so that flag alone is too late.
 */
export function keepOnly(fd: Fd, number: number): Fd {
  // Before its descriptor's number becomes another's.
  interposed()?.end();
  if (fd.number !== number) call(undefined, "dup3", NR.dup3, fd.number, number, O_CLOEXEC);
  closeFrom(number + 1);
  fd.release();
  return new Fd(number);
}
