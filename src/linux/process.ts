/** Processes: clone3(2), pidfds, waiting, signals, execveat(2), limits. */
import { address, decodeUtf8, encodeUtf8 } from "host";
import * as NR from "#nr";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  CLD_EXITED,
  CLONE_INTO_CGROUP,
  CLONE_PIDFD,
  ECHILD,
  EINVAL,
  ENOENT,
  ESRCH,
  O_CLOEXEC,
  P_ALL,
  P_PID,
  P_PIDFD,
  PIDFD_GET_INFO,
  PIDFD_INFO_EXIT,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_GET_CHILD_SUBREAPER,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
  SIGCHLD,
  SIGKILL,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { clone_args, pidfd_info, rlimit64, siginfo, utsname } from "./layouts.ts";
import { attempt, attemptEach, call, SyscallError } from "./raw.ts";

/** A child as its parent holds it. */
export interface Child {
  readonly pid: number;
  readonly pidfd: Fd;
}

/** How many clones lie between the process that was started and this one. */
let descent = 0;

/** What a process makes at the first use and keeps, descriptors above all: a clone of it makes its own. */
export function perProcess<T>(make: () => T): () => T {
  let made: { readonly value: T; readonly by: number } | undefined;
  return () => {
    if (made?.by !== descent) made = { value: make(), by: descent };
    return made.value;
  };
}

/**
 * Forks into new namespaces: clone3(2), Linux 5.3 (CLONE_INTO_CGROUP 5.7).
 *
 * The child gets a copy of the whole engine and returns from here with "child"; it must never return to its caller's
 * caller, but end by `exit` or execve.
 *
 * @param flags the sum of CLONE_NEW* flags
 * @param cgroup a cgroup2 directory to be born in
 */
export function clone3(flags: number, cgroup?: Fd, exitSignal = SIGCHLD): Child | "child" {
  const pidfd = new Int32Array(1);
  const args = clone_args.encode({
    flags: flags + CLONE_PIDFD + (cgroup ? CLONE_INTO_CGROUP : 0),
    pidfd,
    exit_signal: exitSignal,
    cgroup: cgroup ? cgroup.number : 0,
  });
  const pid = call(undefined, "clone3", NR.clone3, args, clone_args.size);
  if (pid !== 0) return { pid, pidfd: new Fd(pidfd[0] as number) };
  descent++;
  return "child";
}

/** Ends the process at once, nothing of the engine runs any more. */
export function exit(status: number): never {
  for (;;) attempt("exit_group", NR.exit_group, status);
}

/** The pid in this process's pid namespace: getpid(2). */
export function getpid(): number {
  return attempt("getpid", NR.getpid);
}

/** The parent's pid, 0 where this pid namespace does not show it: getppid(2). */
export function getppid(): number {
  return attempt("getppid", NR.getppid);
}

/** A handle on a process that no recycled pid can take: pidfd_open(2). Undefined when there is no such process. */
export function pidfdOpen(pid: number): Fd | undefined {
  const result = attempt("pidfd_open", NR.pidfd_open, pid, 0);
  if (result >= 0) return new Fd(result);
  // EINVAL and ENOENT: it is a thread of another process by now.
  if (result === -ESRCH || result === -EINVAL || result === -ENOENT) return undefined;
  throw new SyscallError("pidfd_open", -result, `process ${pid}`);
}

/** Sends a signal through a pidfd: pidfd_send_signal(2). Returns false when the process is gone. */
export function sendSignal(pidfd: Fd, signal: number): boolean {
  const result = attempt("pidfd_send_signal", NR.pidfd_send_signal, pidfd.number, signal, null, 0);
  if (result === -ESRCH) return false;
  if (result < 0) throw new SyscallError("pidfd_send_signal", -result, undefined);
  return true;
}

/** How a process ended. */
export type End = { readonly code: number } | { readonly signal: number };

/** The exit status that stands for an end: the code itself, or 128 + the signal. */
export function statusOf(end: End): number {
  return "code" in end ? end.code : 128 + end.signal;
}

/** Waits for a child: waitid(2). With `block` false, undefined means that it has not ended; it also is for no child of ours. */
export function waitPidfd(pidfd: Fd, block: boolean): End | undefined {
  const info = new Uint8Array(siginfo.size);
  const result = attempt("waitid", NR.waitid, P_PIDFD, pidfd.number, info, WEXITED | (block ? 0 : WNOHANG), null);
  if (result === -ECHILD) return undefined;
  if (result < 0) throw new SyscallError("waitid", -result, undefined);
  return siginfo.get(info, "si_pid") === 0 ? undefined : endOf(info);
}

/** An end as wait(2) writes it. */
export function endOfWaitStatus(status: number): End {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/** How a process ended that has been reaped, whoever its parent was: pidfd_open(2). Undefined before Linux 6.15. */
export function endOfReaped(pidfd: Fd): End | undefined {
  const info = pidfd_info.encode({ mask: PIDFD_INFO_EXIT });
  const result = attempt("ioctl PIDFD_GET_INFO", NR.ioctl, pidfd.number, PIDFD_GET_INFO, info);
  const told = result === 0 && (Number(pidfd_info.get(info, "mask")) & PIDFD_INFO_EXIT) !== 0;
  return told ? endOfWaitStatus(pidfd_info.get(info, "exit_code")) : undefined;
}

/** Reaps every child that has ended, up to one that somebody else waits for. */
export function reapOthers(awaited: number): void {
  for (;;) {
    const info = new Uint8Array(siginfo.size);
    const result = attempt("waitid", NR.waitid, P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT, null);
    const pid = siginfo.get(info, "si_pid");
    if (result < 0 || pid === 0 || pid === awaited) return;
    call(`${pid}`, "waitid", NR.waitid, P_PID, pid, info, WEXITED | WNOHANG, null);
  }
}

function endOf(info: Uint8Array): End {
  const status = siginfo.get(info, "si_status");
  return siginfo.get(info, "si_code") === CLD_EXITED ? { code: status } : { signal: status };
}

/** Ends a child of this process and takes note of it: one that has ended already, too. */
export function killAndReap(pidfd: Fd): void {
  sendSignal(pidfd, SIGKILL);
  waitPidfd(pidfd, true);
}

/** A NULL-terminated array of strings as execve(2) takes it. */
function stringArray(strings: readonly string[]): {
  readonly table: BigUint64Array;
  readonly keep: readonly Uint8Array[];
} {
  const keep = strings.map((text) => {
    const bytes = encodeUtf8(text);
    const terminated = new Uint8Array(bytes.length + 1);
    terminated.set(bytes);
    return terminated;
  });
  const table = new BigUint64Array(strings.length + 1);
  keep.forEach((bytes, index) => {
    table[index] = BigInt(address(bytes));
  });
  return { table, keep };
}

/** Arguments made ready for execve, so that the last step before it allocates nothing. */
export interface Execution {
  readonly argv: ReturnType<typeof stringArray>;
  readonly envp: ReturnType<typeof stringArray>;
}

/** Keeps the bytes of all strings for as long as the result is kept: execve(2) takes their addresses. */
export function prepareExecution(argv: readonly string[], env: readonly string[]): Execution {
  return { argv: stringArray(argv), envp: stringArray(env) };
}

/** Replaces the process by the program behind a descriptor: execveat(2). Returns only the errno of a failure. */
export function execFd(program: Fd, execution: Execution): number {
  return -attempt(
    "execveat",
    NR.execveat,
    program.number,
    "",
    execution.argv.table,
    execution.envp.table,
    AT_EMPTY_PATH,
  );
}

/** Replaces the process by the program at a path: execve(2), which every filter lets through if any program is to run. */
export function execPath(path: string, execution: Execution): number {
  return -attempt("execve", NR.execve, path, execution.argv.table, execution.envp.table);
}

function prctl(name: string, option: number, a: number, b = 0): number {
  return call(name, "prctl", NR.prctl, option, a, b, 0, 0);
}

/** Whether others with the same ids may look into this process (ptrace, /proc/PID/mem …): prctl(2). */
export function setDumpable(dumpable: boolean): void {
  prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, dumpable ? 1 : 0);
}

/** Whether permitted capabilities outlast the change from user 0 to others: PR_SET_KEEPCAPS, prctl(2). */
export function setKeepCaps(keep: boolean): void {
  prctl("PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, keep ? 1 : 0);
}

/** No execve(2) gives more rights from now on; there is no way back: PR_SET_NO_NEW_PRIVS, prctl(2). */
export function setNoNewPrivileges(): void {
  prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1);
}

/**
 * The signal that this process gets at its parent's end, 0 for none: PR_SET_PDEATHSIG, prctl(2). A change of ids takes
 * it away.
 */
export function setParentDeathSignal(signal: number): void {
  prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal);
}

/** Whether orphans among this process's descendants become its children: prctl(2). */
export function setChildSubreaper(reaps: boolean): void {
  prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, reaps ? 1 : 0);
}

/** As `setChildSubreaper` or the caller has set it: PR_GET_CHILD_SUBREAPER, prctl(2). */
export function isChildSubreaper(): boolean {
  const answer = new Int32Array(1);
  call("PR_GET_CHILD_SUBREAPER", "prctl", NR.prctl, PR_GET_CHILD_SUBREAPER, answer, 0, 0, 0);
  return answer[0] === 1;
}

/** The name that ps shows, at most 15 bytes. */
export function setName(name: string): void {
  call("PR_SET_NAME", "prctl", NR.prctl, PR_SET_NAME, name, 0, 0, 0);
}

/** Takes the capabilities of a mask out of the bounding set, those that the kernel knows: PR_CAPBSET_DROP, prctl(2). */
export function dropFromBoundingSet(capabilities: bigint): void {
  const result = attemptEach("prctl", NR.prctl, PR_CAPBSET_DROP, capabilities);
  // The first number that the kernel does not know comes after its last capability.
  if (result < 0 && result !== -EINVAL) throw new SyscallError("prctl", -result, "PR_CAPBSET_DROP");
}

/** Empties the ambient set, which execve(2) would hand on: PR_CAP_AMBIENT, prctl(2). */
export function clearAmbient(): void {
  prctl("PR_CAP_AMBIENT_CLEAR_ALL", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
}

/** Returns 0 or -errno: the kernel refuses what is not both permitted and inheritable. */
export function raiseAmbient(capability: number): number {
  return attempt("prctl", NR.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

/** A new session without a controlling terminal: setsid(2). Fails only for a process group's leader. */
export function setsid(): void {
  call(undefined, "setsid", NR.setsid);
}

/** The resources that can be limited, by the names of getrlimit(2). */
export const resourceNumbers = {
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} as const;

export interface Limit {
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

/** Sets a resource limit of this process; 2^64-1 is "unlimited": prlimit(2). */
export function setLimit(resource: number, limit: Limit, name: string): void {
  const value = new BigUint64Array([BigInt(limit.soft), BigInt(limit.hard)]);
  call(name, "prlimit64", NR.prlimit64, 0, resource, value, null);
}

/** A limit of this process, 2^64-1 for none: prlimit(2). @param resource a number of `resourceNumbers` */
export function getLimit(resource: number): { readonly soft: bigint; readonly hard: bigint } {
  const value = new Uint8Array(rlimit64.size);
  call(undefined, "prlimit64", NR.prlimit64, 0, resource, null, value);
  return { soft: rlimit64.get(value, "rlim_cur"), hard: rlimit64.get(value, "rlim_max") };
}

/** The version of the running kernel, as `uname -r` prints it: uname(2). */
export function kernelRelease(): string {
  const names = new Uint8Array(utsname.size);
  call(undefined, "uname", NR.uname, names);
  const release = utsname.get(names, "release");
  return decodeUtf8(release.subarray(0, release.indexOf(0)));
}

/** The pid behind a pidfd as this process sees it; procfs tells, pidfd_open(2). */
export function pidOf(pidfd: Fd): number {
  const path = `/proc/self/fdinfo/${pidfd.number}`;
  using file = new Fd(call(path, "openat", NR.openat, AT_FDCWD, path, O_CLOEXEC, 0));
  const buffer = new Uint8Array(1024);
  const text = decodeUtf8(buffer.subarray(0, call(path, "read", NR.read, file.number, buffer, buffer.length)));
  return Number(/^Pid:\s*(-?\d+)/m.exec(text)?.[1] ?? -1);
}
