/** From the word to start to the program's execve, as the host side sees it. */
import { BoxError } from "../base/errors.ts";
import { memoryKills } from "../cgroups/memory.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { Channel } from "../handshake/channel.ts";
import { type FromInit, stepTimeout, type ToInit } from "../handshake/messages.ts";
import { ECONNRESET, EPIPE } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { endOfWaitStatus } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import type { ListenerOps } from "../seccomp/ops.ts";
import type { Agent } from "./agent.ts";
import { statOf } from "./processes.ts";

export type InitChannel = Channel<ToInit, FromInit>;

/** The process in the container has ended without a word: something has killed it. */
class Ended extends BoxError {
  constructor(stage: string) {
    super(`the process in the container ended while it was to ${stage} (killed, or out of memory)`, { stage });
  }
}

/** Performs steps of a start-up; an init that the kernel ended for want of memory is told as such. */
export function withMemoryHint<T>(cgroup: CgroupRecord | null, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    if (!(thrown instanceof Ended) || cgroup === null || memoryKills(cgroup) === 0) throw thrown;
    const { stage = "" } = thrown.details;
    throw new BoxError(
      `the kernel killed the init process while it was to ${stage}: linux.resources.memory.limit is too low for the start-up`,
      { stage, hint: "raise linux.resources.memory.limit" },
    );
  }
}

/** The next message of init. Its failure becomes an error here, as does its end. */
export function hear(
  channel: InitChannel,
  timeout: number | undefined,
  doing: string,
): { readonly message: FromInit; readonly fds: readonly Fd[] } {
  const incoming = channel.receive(timeout);
  if (incoming === "end") throw new Ended(doing);
  if (incoming.message.type === "failed") {
    const { message, details } = incoming.message;
    throw new BoxError(message, details);
  }
  return incoming;
}

/** A process that has ended says why in what it sent before: that is read next, and must not be lost here. */
export function sendUnlessGone(channel: InitChannel, message: ToInit): void {
  try {
    channel.send(message);
  } catch (thrown) {
    if (!isErrno(thrown, EPIPE, ECONNRESET)) throw thrown;
  }
}

/** Why init has failed, if it has told so by now: what this side met meanwhile is a consequence. Else that. */
export function firstCause(channel: InitChannel, met: unknown): unknown {
  try {
    for (;;) hear(channel, 0, "set up the container");
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    return thrown instanceof Ended || thrown.details.errno === "ETIMEDOUT" ? met : thrown;
  }
}

/** Waits for the word that init has heard. Returns the time-out of what it does next. */
export function awaitStarting(channel: InitChannel): number | undefined {
  const { message } = hear(channel, stepTimeout, "start the program");
  if (message.type !== "starting") throw new BoxError(`handshake: ${message.type} came where starting was due`);
  return message.hooks ? undefined : stepTimeout;
}

/** Connects to the agent that a filter asks; loaded only here, for few filters ask one. */
export function connectAgent(listener: ListenerOps): Agent {
  const { Agent } = load("container/agent") as typeof import("./agent.ts");
  return Agent.connect(listener);
}

/** What is known of the process that is to become the program. */
export interface Launch {
  /** As this process sees it. */
  readonly pid: number;
  /** For it to come to the last step, in milliseconds; undefined where hooks with time-outs of their own run first. */
  readonly timeout: number | undefined;
  /** Takes the listener of a filter that asks an agent. */
  readonly takeListener: ((listener: Fd) => void) | undefined;
}

/**
 * Waits until the program has been executed: init says `executing`, and then the stream ends because execve closes it.
 * @throws BoxError with init's own words when a hook or execve failed, or the filter let neither execve nor words through
 */
export function awaitExecution(channel: InitChannel, { pid, timeout, takeListener }: Launch): void {
  // What it says before the end needs no answer, so this process need not be woken by that.
  const isLate = takeListener === undefined && timeout !== undefined && !channel.awaitEnd(timeout);
  const { message: next } = hear(channel, isLate ? 0 : timeout, "execute the program");
  if (next.type !== "executing") throw new BoxError(`handshake: ${next.type} came where executing was due`);
  if (takeListener !== undefined) {
    const { message, fds } = hear(channel, stepTimeout, "load its filter");
    const listener = fds[0];
    if (message.type !== "listener" || listener === undefined)
      throw new BoxError(`handshake: ${message.type} came where listener was due`);
    takeListener(listener);
    listener.close();
  }
  // The agent may be asked about execve itself, and takes its time.
  const last = channel.receive(takeListener === undefined ? stepTimeout : undefined);
  if (last === "end") {
    if (next.filtered) requireExecuted(pid);
    return;
  }
  if (last.message.type === "failed") throw new BoxError(last.message.message, last.message.details);
  throw new BoxError(`handshake: ${last.message.type} came where the end was due`);
}

/**
 * A filter may kill the process in execve, or let it say nothing of why it failed: then the stream ends as well. As long
 * as nobody has reaped the process, the kernel tells whether it ever executed anything.
 */
function requireExecuted(pid: number): void {
  const stat = statOf(pid);
  if (stat === undefined || stat.executed) return;
  const end = endOfWaitStatus(stat.waitStatus);
  const by = "code" in end ? "" : `, killed by signal ${end.signal}`;
  throw new BoxError(`exec: the process ended before the program was executed${by}`, {
    stage: "exec",
    hint: "linux.seccomp must allow execve",
  });
}
