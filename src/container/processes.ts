/** Whether a recorded process is still that process. */
import { BoxError } from "../base/errors.ts";
import { lazy } from "../base/once.ts";
import { Proc, parseStat } from "../fs/proc.ts";
import { ENOENT, ENOTDIR, ESRCH, PID_FS_MAGIC, SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fileSystemType, fstat, stat } from "../linux/file.ts";
import { type Child, getpid, pidfdOpen } from "../linux/process.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import { waitReadable } from "../linux/socket.ts";
import type { ProcessId } from "./record.ts";

/** The identity of a live process; undefined when there is none, or only a zombie. */
export function identify(pid: number): ProcessId | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === "Z" || stat.state === "X"
    ? undefined
    : { pid, startTime: stat.startTime };
}

/** The identity of a child, as `identify`, to be told by a pidfd as well. */
export function identifyChild({ pid, pidfd }: Child): ProcessId | undefined {
  const id = identify(pid);
  return id && fileSystemType(pidfd) === PID_FS_MAGIC ? { ...id, inode: inodeOf(pidfd) } : id;
}

function inodeOf(pidfd: Fd): string {
  return `${fstat(pidfd).ino}`;
}

/** This process. */
export function ownIdentity(): ProcessId {
  const self = identify(getpid());
  if (self === undefined)
    throw new BoxError(`/proc does not show this process (${getpid()}): it may be of another pid namespace`, {
      path: "/proc",
    });
  return self;
}

/** What the kernel tells of a process, ended ones that nobody has reaped included; undefined when there is none. */
export function statOf(pid: number): ReturnType<typeof parseStat> {
  const proc = Proc.host();
  try {
    return parseStat(proc.readLine(`${pid}/stat`));
  } catch (thrown) {
    if (isErrno(thrown, ENOENT, ESRCH, ENOTDIR)) return undefined;
    throw thrown;
  }
}

/** Whether the recorded process of this boot runs (a zombie does not). */
export function isAlive(process: ProcessId): boolean {
  if (process.inode === undefined) return identify(process.pid)?.startTime === process.startTime;
  using pidfd = openProcess(process);
  return pidfd !== undefined;
}

/** Whether the recorded process has ended or is about to: what is in its pid namespace ends before it. */
export function isEnding({ pid, startTime }: ProcessId): boolean {
  const stat = statOf(pid);
  return stat === undefined || stat.startTime !== startTime || stat.exiting || stat.state === "Z";
}

/** Whether the recorded process stands still, stopped by a signal or a debugger. */
export function isHalted({ pid, startTime }: ProcessId): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.startTime === startTime && (stat.state === "T" || stat.state === "t");
}

/** Whether SIGKILL waits for the recorded process, which a freezer may hold back: proc_pid_status(5). */
export function isKilled(process: ProcessId): boolean {
  if (!isAlive(process)) return false;
  const proc = Proc.host();
  const masks = proc.read(`${process.pid}/status`).matchAll(/^S(?:ig|hd)Pnd:\s*([0-9a-f]+)$/gm);
  return [...masks].some(([, mask]) => (BigInt(`0x${mask}`) >> BigInt(SIGKILL - 1)) % 2n === 1n);
}

/** A handle on exactly the recorded process: the pidfd comes first, then what it stands for is compared. */
export function openProcess(process: ProcessId): Fd | undefined {
  const pidfd = pidfdOpen(process.pid);
  if (pidfd === undefined || isLive(pidfd, process)) return pidfd;
  pidfd.close();
  return undefined;
}

function isLive(pidfd: Fd, process: ProcessId): boolean {
  if (process.inode === undefined) return isAlive(process);
  return inodeOf(pidfd) === process.inode && !waitReadable(pidfd, 0);
}

/** Device and inode of the file that a process executes; undefined where that cannot be seen. */
export function executedFile(pid: number | "self"): string | undefined {
  try {
    const { dev, ino } = stat("cwd", `/proc/${pid}/exe`);
    return `${dev.major}:${dev.minor}:${ino}`;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return undefined;
    throw thrown;
  }
}

/** The kernel's id of this boot. */
export const bootId = lazy((): string => {
  const proc = Proc.host();
  return proc.readParameter("kernel/random/boot_id").trim();
});
