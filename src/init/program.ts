/**
 * The last steps, by which a process in the container becomes the program: the container's first process takes them at
 * its start, an exec'd one after it has joined the container.
 */
import { BoxError, within } from "../base/errors.ts";
import { step } from "../base/steps.ts";
import { clearCloseOnExec } from "../linux/file.ts";
import { execPath, prepareExecution } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { resetDispositions, setSignalMask } from "../linux/signal.ts";
import type { ProgramPlan } from "../plan/plan.ts";
import {
  completeEnvironment,
  enterDirectory,
  findProgram,
  giveStreams,
  restoreCoreLimit,
  setCredentials,
  setLimits,
  setUmask,
} from "../process/apply.ts";
import { loadFilter, loadFilterWithListener } from "../seccomp/apply.ts";
import type { SeccompOps } from "../seccomp/ops.ts";
import {
  forbidNewPrivileges,
  keepCapabilities,
  type LabelFile,
  limitBoundingSet,
  setCapabilitySets,
  writeLabels,
} from "../security/apply.ts";
import type { HostChannel } from "./host-channel.ts";

/** Where a program starts. */
export interface ProgramSetup {
  readonly program: ProgramPlan;
  /** Over which the start is reported: `executing`, and then the end of the stream. */
  readonly host: HostChannel;
  /** Whether setgroups(2) may be possible: it is not in a user namespace that gives it up from the beginning. */
  readonly maySetGroups: boolean;
  /** Where its labels are written. */
  readonly labels: readonly LabelFile[];
  /** The compiled filter of `program.seccomp`. */
  readonly filter: Uint8Array | undefined;
  /**
   * What is to run with the program's rights before it, and with its environment: the startContainer hooks. Each of their
   * processes calls `restrict` as its last step, this one is not restricted yet.
   */
  readonly beforeExecution: (restrict: () => void, env: readonly string[]) => void;
}

/** @throws BoxError when a step fails, and with the errno when execve does; the process can only end then */
export function becomeProgram({ program, host, maySetGroups, labels, filter, beforeExecution }: ProgramSetup): never {
  step("privileges");
  const { process, seccomp, preserveFds } = program;
  const env = completeEnvironment(process);
  dropPrivileges(program, labels, maySetGroups);
  const path = findProgram(process.args[0] as string, env);
  beforeExecution(() => {
    if (seccomp !== undefined && filter !== undefined) loadFilter(seccomp, filter);
  }, env);
  step("execution");

  for (let number = 3; number < 3 + preserveFds; number++) clearCloseOnExec(number);
  host.send({ type: "executing", filtered: filter !== undefined });
  host.keepOnlyAt(3 + preserveFds);
  const execution = prepareExecution(process.args, env);
  resetDispositions();
  setSignalMask(0n);
  if (seccomp !== undefined && filter !== undefined) restrictSelf(seccomp, filter, host);
  const errno = execPath(path, execution);
  const failure = new SyscallError("execve", errno, path);
  throw new BoxError(`exec: ${failure.message}`, { ...failure.details, stage: "exec" });
}

/** From here on every call is the filter's to judge: there is none but the listener's way out, and execve. */
function restrictSelf(seccomp: SeccompOps, filter: Uint8Array, host: HostChannel): void {
  if (seccomp.listener === undefined) loadFilter(seccomp, filter);
  else host.send({ type: "listener" }, [loadFilterWithListener(seccomp, filter)]);
}

/**
 * Leaves this process with the program's limits, directory, ids and rights. What takes a privilege to set stands before
 * the ids change, what would bind box's own last steps at the end.
 */
function dropPrivileges({ process, security }: ProgramPlan, labels: readonly LabelFile[], maySetGroups: boolean): void {
  restoreCoreLimit();
  setLimits(process.limits);
  setUmask(process.umask);
  giveStreams(process.uid);
  const entered = enterDirectory(process.cwd);
  within("process.capabilities", () => limitBoundingSet(security.capabilities));
  keepCapabilities();
  within("process.user", () => setCredentials(process, maySetGroups));
  within("process.capabilities", () => setCapabilitySets(security.capabilities));
  if (!entered && !enterDirectory(process.cwd)) {
    throw new BoxError(`process.cwd: chdir(${JSON.stringify(process.cwd)}): permission denied (EACCES)`, {
      errno: "EACCES",
      path: process.cwd,
    });
  }
  writeLabels(labels);
  if (security.noNewPrivileges) forbidNewPrivileges();
}
