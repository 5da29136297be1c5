/**
 * The last steps, by which a process in the container becomes the program: the container's first process takes them at
 * its start, an exec'd one after it has joined the container.
 */
import { BoxError, within } from "../base/errors.ts";
import { step } from "../base/steps.ts";
import { clearCloseOnExec, keepOnly } from "../linux/file.ts";
import { execPath, prepareExecution } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { resetDispositions, setSignalMask } from "../linux/signal.ts";
import type { ProgramPlan } from "../plan/plan.ts";
import {
  completeEnvironment,
  enterDirectory,
  findProgram,
  restoreCoreLimit,
  setCredentials,
  setLimits,
  setUmask,
} from "../process/apply.ts";
import { forbidNewPrivileges, keepCapabilities, limitBoundingSet, setCapabilitySets } from "../security/apply.ts";
import type { HostChannel } from "./host-channel.ts";

/** Where a program starts. */
export interface ProgramSetup {
  readonly program: ProgramPlan;
  /** Over which the start is reported: `executing`, and then the end of the stream. */
  readonly host: HostChannel;
  /** Whether setgroups(2) is possible in the container's user namespace. */
  readonly maySetGroups: boolean;
  /** What is to run with the program's rights before it: the startContainer hooks. */
  readonly beforeExecution: () => void;
}

/** @throws BoxError when a step fails, and with the errno when execve does; the process can only end then */
export function becomeProgram({ program, host, maySetGroups, beforeExecution }: ProgramSetup): never {
  step("privileges");
  const { process, preserveFds } = program;
  const env = completeEnvironment(process);
  dropPrivileges(program, maySetGroups);
  const path = findProgram(process.args[0] as string, env);
  beforeExecution();
  step("execution");

  for (let number = 3; number < 3 + preserveFds; number++) clearCloseOnExec(number);
  host.send({ type: "executing" });
  const socket = keepOnly(host.socket, 3 + preserveFds);
  const execution = prepareExecution(process.args, env);
  resetDispositions();
  setSignalMask(0n);
  const errno = execPath("cwd", path, execution);
  host.replaceSocket(socket);
  const failure = new SyscallError("execve", errno, path);
  throw new BoxError(`exec: ${failure.message}`, { ...failure.details, stage: "exec" });
}

/**
 * Leaves this process with the program's limits, directory, ids and rights. What takes a privilege to set stands before
 * the ids change, what would bind box's own last steps at the end.
 */
function dropPrivileges({ process, security }: ProgramPlan, maySetGroups: boolean): void {
  restoreCoreLimit();
  setLimits(process.limits);
  setUmask(process.umask);
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
  if (security.noNewPrivileges) forbidNewPrivileges();
}
