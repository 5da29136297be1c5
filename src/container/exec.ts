/** `exec`: one more process in a container that is there (target.ts). No state is written, and no lock taken. */
import { BoxError, within } from "../base/errors.ts";
import { specState } from "../base/spec-state.ts";
import { step } from "../base/steps.ts";
import { type Entrance, openPlaces } from "../cgroups/entrance.ts";
import { placesIn } from "../cgroups/places.ts";
import { Proc } from "../fs/proc.ts";
import { Channel } from "../handshake/channel.ts";
import { asFromInit, asToInit, type FromInit, stepTimeout, type ToInit } from "../handshake/messages.ts";
import { spawnInto } from "../handshake/spawn.ts";
import { prepareToEnter, runExec } from "../init/exec.ts";
import { EBUSY, O_DIRECTORY, O_PATH, SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import { type Child, sendSignal, waitPidfd } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import { socketPair, waitReadable } from "../linux/socket.ts";
import type { ExecPlan } from "../plan/exec.ts";
import { hasPriorities, setPriorities } from "../process/priority.ts";
import { obtainFilter } from "../seccomp/obtain.ts";
import { awaitExecution, connectAgent, hear, type InitChannel, sendUnlessGone } from "./launch.ts";
import { isEnding } from "./processes.ts";
import type { ProcessId } from "./record.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";

export interface ExecRequest {
  readonly plan: ExecPlan;
  /** Takes the terminal's master, for programs that have one. */
  readonly takeTerminal: (master: Fd) => void;
  /** Called once the program runs; what it throws ends the program. */
  readonly publish: (child: Child) => void;
  /** For a container that may be paused: waits, for as long as it takes, until the process has something to say. */
  readonly awaitThaw: ((socket: Fd) => void) | undefined;
}

/** Does something in the container; what fails because that ends meanwhile is told so. */
export function whileRunning<T>({ init }: Target, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    if (!(thrown instanceof BoxError) || !isEnding(init)) throw thrown;
    throw new BoxError(`cannot exec in a stopped container: ${thrown.message}`, thrown.details);
  }
}

/** Runs the program of the plan. @returns when it is executed; it is this process's child */
export function execIn(store: Store, target: Target, request: ExecRequest): Child {
  const { plan, takeTerminal, publish, awaitThaw } = request;
  const { seccomp } = plan.program;
  const filter = seccomp && obtainFilter(seccomp.profile, () => store.cache("seccomp")).program;
  using agent = seccomp?.listener && connectAgent(seccomp.listener);
  const isAnswered = awaitThaw !== undefined || plan.program.process.terminal !== undefined || agent !== undefined;
  const { child, channel } = enterCgroup(target, plan, { filter, isAnswered });
  try {
    using host = channel;
    step("wait for the process");
    awaitThaw?.(host.socket);
    if (plan.program.process.terminal !== undefined) {
      takeTerminal(awaitTerminal(host));
      sendUnlessGone(host, { type: "commit", start: true });
    }
    awaitExecution(host, {
      pid: child.pid,
      timeout: stepTimeout,
      takeListener: agent && ((fd) => agent.hand(fd, child.pid, specState(target.record, "running", target.init.pid))),
    });
    publish(child);
    return child;
  } catch (thrown) {
    end(child);
    throw thrown;
  }
}

function awaitTerminal(host: InitChannel): Fd {
  const { message, fds } = hear(host, stepTimeout, "open the terminal");
  const master = fds[0];
  if (message.type !== "ready" || master === undefined)
    throw new BoxError(`handshake: ${message.type} came where the terminal was due`);
  return master;
}

/** How long this side does nothing, so as not to be in the way of the process it made, in milliseconds. */
const idleTime = 1000;

/** How long a process may take to die that is killed, in milliseconds; one that is frozen by cgroup v1 does not. */
const killTimeout = 1000;

function end({ pidfd }: Child): void {
  sendSignal(pidfd, SIGKILL);
  waitReadable(pidfd, killTimeout);
  waitPidfd(pidfd, false);
}

interface Spawned {
  readonly child: Child;
  readonly channel: InitChannel;
}

/** What the process is made for, besides its plan. */
interface Purpose {
  /** The compiled filter of its program. */
  readonly filter: Uint8Array | undefined;
  /** Whether this side has to do something before the program is executed. */
  readonly isAnswered: boolean;
}

/** Makes the process in the container's cgroup; where that takes none, because it has others below it, where init is. */
function enterCgroup(container: Target, plan: ExecPlan, purpose: Purpose): Spawned {
  step("cgroup");
  const placesOfInit = () => placesIn(cgroupsOf(container.init), plan.cgroups);
  using cgroup = openPlaces(plan.cgroups, placesOfInit);
  try {
    return spawn(container, plan, cgroup, purpose);
  } catch (thrown) {
    if (!isErrno(thrown, EBUSY) || plan.cgroups.some(({ named }) => named)) throw thrown;
    using other = openPlaces(placesOfInit(), () => []);
    return spawn(container, plan, other, purpose);
  }
}

function cgroupsOf({ pid }: ProcessId): string {
  const proc = Proc.host();
  return proc.read(`${pid}/cgroup`);
}

function spawn(
  { init, pidfd: target }: Target,
  plan: ExecPlan,
  cgroup: Entrance,
  { filter, isAnswered }: Purpose,
): Spawned {
  step("clone");
  using root = plan.namespaces.foreignMounts === undefined ? undefined : rootOf(init, target);
  const [ours, theirs] = socketPair();
  const channel = new Channel<ToInit, FromInit>(ours, asFromInit);
  const entry = {
    target,
    joins: plan.joins,
    root,
    userFirst: plan.userFirst,
    prepare: () => prepareToEnter(plan),
  };
  const placedLater = cgroup.hasV1 || hasPriorities(plan.program.process);
  try {
    const child = spawnInto(entry, cgroup.v2, (enter) => {
      ours.close();
      const host = new Channel<FromInit, ToInit>(theirs, asToInit);
      return runExec({ plan, host, enter, placedLater, filter });
    });
    theirs.close();
    // Behind a clone each side copies the pages that it writes to as long as the other is there: nothing that can wait is done.
    if (!placedLater && !isAnswered) channel.awaitEnd(idleTime);
    if (placedLater) place(child, channel, cgroup, plan);
    return { child, channel };
  } catch (thrown) {
    channel[Symbol.dispose]();
    theirs.close();
    throw thrown;
  }
}

/**
 * The root of the container's first process: a mount namespace that others have as well leads to another one.
 * @throws BoxError when the process has ended, and the pid may be somebody else's
 */
function rootOf({ pid }: ProcessId, target: Fd): Fd {
  const root = open("cwd", `/proc/${pid}/root`, O_PATH | O_DIRECTORY);
  if (!waitReadable(target, 0)) return root;
  root.close();
  throw new BoxError("the container's first process has ended");
}

/** Moves the process into the v1 hierarchies and gives it its priorities, before anything of the program runs. */
function place(child: Child, channel: InitChannel, cgroup: Entrance, { program }: ExecPlan): void {
  try {
    if (cgroup.hasV1) within("cgroup", () => cgroup.enter(child.pid));
    setPriorities(child.pid, program.process);
  } catch (thrown) {
    end(child);
    throw thrown;
  }
  sendUnlessGone(channel, { type: "placed" });
}
