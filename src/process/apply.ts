/** Gives the process its limits, ids, directory and program. Runs in init, after the root file system is entered. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { Proc } from "../fs/proc.ts";
import { Root } from "../fs/root.ts";
import {
  AT_EACCESS,
  EACCES,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  EPERM,
  EROFS,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_INTERLEAVE,
  MPOL_LOCAL,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_WEIGHTED_INTERLEAVE,
  O_DIRECTORY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  PER_LINUX,
  PER_LINUX32,
  RLIMIT_CORE,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  X_OK,
} from "../linux/constants.ts";
import { getIds, setGid, setGroups, setUid } from "../linux/cred.ts";
import { coreLimit } from "../linux/engine.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import {
  access,
  chdir,
  chown,
  fstat,
  getcwd,
  isWritable,
  open,
  openIfThere,
  readAll,
  sameId,
  stat,
  umask,
} from "../linux/file.ts";
import { getLimit, getpid, resourceNumbers, setLimit } from "../linux/process.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import { setAffinity, setMemoryPolicy, setPersonality } from "../linux/scheduling.ts";
import { decodeLossy } from "../linux/text.ts";
import { candidates, homeOf, valueOf } from "./environment.ts";
import type { AffinityOp, LimitOp, MemoryPolicyOp, ProcessOps } from "./ops.ts";

/** Gives the program the soft limit that box lowered for its own processes. */
export function restoreCoreLimit(): void {
  if (coreLimit !== 0n) setLimit(RLIMIT_CORE, { soft: coreLimit, hard: getLimit(RLIMIT_CORE).hard }, "RLIMIT_CORE");
}

/** `process.rlimits`, of this process: setrlimit(2). @throws SyscallError naming the limit */
export function setLimits(limits: readonly LimitOp[]): void {
  for (const { type, soft, hard } of limits)
    setLimit(resourceNumbers[type], { soft: BigInt(soft), hard: BigInt(hard) }, type);
}

/** Sets all ids and groups to exactly the wanted ones, and reads them back: the order is groups, gid, uid. */
export function setCredentials({ uid, gid, groups }: ProcessOps, maySetGroups: boolean): void {
  if (groups !== undefined) setOnly(groups, maySetGroups);
  setGid(gid);
  setUid(uid);
  const ids = getIds();
  if (ids.uid.some((id) => id !== uid) || ids.gid.some((id) => id !== gid))
    throw new Error("ids differ after they were set");
}

function setOnly(groups: readonly number[], maySetGroups: boolean): void {
  if (!maySetGroups || !groupsAreSet(groups)) requireNoGroups(groups);
}

/** @returns false in a user namespace that denies it, which one that is joined or the caller's may: user_namespaces(7) */
function groupsAreSet(groups: readonly number[]): boolean {
  try {
    setGroups(groups);
    return true;
  } catch (thrown) {
    if (!isErrno(thrown, EPERM)) throw thrown;
    using proc = Proc.private();
    if (proc.read("self/setgroups").trim() === "deny") return false;
    throw thrown;
  }
}

function requireNoGroups(groups: readonly number[]): void {
  if (groups.length > 0) throw new BoxError("process.user.additionalGids: this user namespace denies setgroups");
}

/**
 * Gives the program's user the pipes, and the files open for writing, that are its standard streams: else only root could
 * open /dev/stdout again. Where the owner is one whom this user namespace does not know, they stay as they are.
 */
export function giveStreams(uid: number): void {
  // Root's they are mostly, and it needs no leave.
  if (uid === 0) return;
  for (const stream of [stdio.in, stdio.out, stdio.error]) {
    const { mode, uid: owner } = fstat(stream);
    if (owner === uid || !isGiven(stream, mode & S_IFMT)) continue;
    try {
      chown(stream, uid, sameId);
    } catch (thrown) {
      if (!isErrno(thrown, EINVAL, EPERM, EROFS)) throw thrown;
    }
  }
}

/** A file that is only read may be anybody's, /etc/passwd too; a terminal is the caller's. */
function isGiven(stream: Fd, type: number): boolean {
  return type === S_IFIFO || (type === S_IFREG && isWritable(stream));
}

/**
 * Changes into the working directory, made where it is missing, and sets the umask.
 * @returns false when the caller may not enter it but the user might: to be tried again with the user's ids
 */
export function enterDirectory(cwd: string): boolean {
  return within(
    () => `process.cwd ${quote(cwd)}`,
    () => {
      try {
        chdir(cwd);
      } catch (thrown) {
        if (isErrno(thrown, EACCES)) return false;
        if (!isErrno(thrown, ENOENT)) throw thrown;
        makeDirectory(cwd);
        chdir(cwd);
      }
      checkDirectory();
      return true;
    },
  );
}

/** Makes the working directory where it is missing. What cannot be made is told where it is to be entered. */
export function makeDirectoryIn(root: Root, cwd: string): void {
  try {
    root.directory(cwd).close();
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
  }
}

function makeDirectory(cwd: string): void {
  using fd = open("cwd", "/", O_PATH | O_DIRECTORY);
  new Root(fd).directory(cwd).close();
}

/** The kernel puts "(unreachable)" before a directory outside the root (CVE-2024-21626); a raw call must look itself. */
export function checkDirectory(): void {
  if (!getcwd().startsWith("/")) throw new BoxError("it lies outside the container's root file system");
}

/** How soon this process is killed when memory is short, proc_pid_oom_score_adj(5). While the host's /proc is seen. */
export function setOomScore(adjustment: number): void {
  const proc = Proc.host();
  within("process.oomScoreAdj", () => proc.write("self/oom_score_adj", `${adjustment}`));
}

/** Where an exec'd process runs until it is in its cgroup. */
export function setInitialAffinity(affinity: AffinityOp | undefined): void {
  const cpus = affinity?.initial;
  if (cpus !== undefined) within("process.execCPUAffinity.initial", () => setAffinity(cpus));
}

/** Where an exec'd process runs from when it is in its cgroup: on all processors that has, if nothing else is said. */
export function setFinalAffinity(affinity: AffinityOp | undefined): void {
  within("process.execCPUAffinity.final", () => setAffinity(affinity?.final ?? "all"));
}

/** Lets the container run on all processors that its cgroup has, whatever its creator was bound to. Once it is in there. */
export function releaseAffinity(): void {
  setAffinity("all");
}

const memoryModes: Readonly<Record<MemoryPolicyOp["mode"], number>> = {
  MPOL_DEFAULT,
  MPOL_BIND,
  MPOL_INTERLEAVE,
  MPOL_WEIGHTED_INTERLEAVE,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_LOCAL,
};

const memoryFlags: Readonly<Record<MemoryPolicyOp["flags"][number], number>> = {
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
};

const domains: Readonly<Record<NonNullable<ProcessOps["personality"]>, number>> = {
  LINUX: PER_LINUX,
  LINUX32: PER_LINUX32,
};

/** What the program inherits and anybody may set: the execution domain, and where memory comes from (in its cgroup). */
export function setDomains({ memoryPolicy, personality }: ProcessOps): void {
  if (memoryPolicy !== undefined) {
    const { mode, flags, nodes } = memoryPolicy;
    const value = flags.reduce((sum, flag) => sum | memoryFlags[flag], memoryModes[mode]);
    within("linux.memoryPolicy", () => setMemoryPolicy(value, nodes, mode));
  }
  if (personality !== undefined) within("linux.personality", () => setPersonality(domains[personality]));
}

/** `process.user.umask`. */
export function setUmask(mask: number): void {
  umask(mask);
}

/** The largest /etc/passwd that is looked at, in bytes. */
const passwdLimit = 1024 * 1024;

/**
 * The environment with HOME, which the container's own passwd names where the configuration does not, and with the pid
 * that sd_listen_fds(3) compares with its own.
 */
export function completeEnvironment({ env, uid, activated }: ProcessOps): readonly string[] {
  const own = activated === true ? replace(env, "LISTEN_PID", `${getpid()}`) : env;
  if ((valueOf(own, "HOME") ?? "") !== "") return own;
  return replace(own, "HOME", homeOf(readPasswd(), uid));
}

function replace(env: readonly string[], name: string, value: string): readonly string[] {
  return [...env.filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`];
}

/** The image's file may be anything: a FIFO must not hang us, a huge one not fill the memory. */
function readPasswd(): string {
  try {
    using fd = openIfThere("cwd", "/etc/passwd", O_RDONLY | O_NONBLOCK);
    if (fd === undefined || (fstat(fd).mode & S_IFMT) !== S_IFREG) return "";
    const bytes = readAll(fd, passwdLimit);
    return bytes === "too long" ? "" : decodeLossy(bytes);
  } catch (thrown) {
    if (thrown instanceof SyscallError) return "";
    throw thrown;
  }
}

/**
 * The path of the program, found as execvp(3) would with the container's PATH and the process's own rights.
 * @throws BoxError with the texts that engines look for
 */
export function findProgram(program: string, env: readonly string[]): string {
  let refusal: number | undefined;
  for (const path of candidates(program, env)) {
    const result = -access("cwd", path, X_OK, AT_EACCESS);
    if (result === 0) {
      if ((stat("cwd", path).mode & S_IFMT) !== S_IFDIR) return path;
      refusal ??= EISDIR;
    } else if (result !== ENOENT && result !== ENOTDIR) refusal ??= result;
  }
  const what = `exec: ${quote(program)}`;
  switch (refusal) {
    case undefined:
      if (program.includes("/"))
        throw new BoxError(`${what}: stat ${program}: no such file or directory (ENOENT)`, {
          errno: "ENOENT",
          path: program,
        });
      throw new BoxError(`${what}: executable file not found in $PATH (ENOENT)`, { errno: "ENOENT", path: program });
    case EISDIR:
      throw new BoxError(`${what}: is a directory (EACCES: permission denied)`, { errno: "EACCES", path: program });
    default:
      throw new BoxError(`${what}: ${new SyscallError("access", refusal, program).message}`, {
        errno: "EACCES",
        path: program,
      });
  }
}

/**
 * Looks for the program while the container is created: callers of runc tell by the failing `create` that there is none
 * (podman's status 127). All else is left to the start, which has the program's own directory and rights.
 */
export function expectProgram({ args, env }: ProcessOps): void {
  const program = args[0] as string;
  if (program.includes("/") && !program.startsWith("/")) return;
  try {
    findProgram(program, env);
  } catch (thrown) {
    if (!(thrown instanceof BoxError) || thrown.details.errno === "ENOENT") throw thrown;
  }
}
