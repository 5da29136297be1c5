/** `start`: releases a created container. */
import { addContext, BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { hookState, specState } from "../base/spec-state.ts";
import { step } from "../base/steps.ts";
import { Channel } from "../handshake/channel.ts";
import { socketName } from "../handshake/gate.ts";
import { asFromInit, type FromInit, type ToInit } from "../handshake/messages.ts";
import { runHooks } from "../hooks/apply.ts";
import { EAGAIN, ECONNREFUSED, ENOENT, SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { sendSignal } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import { connectIn, waitReadable } from "../linux/socket.ts";
import type { Agent } from "./agent.ts";
import { type DeleteOptions, deleteContainer } from "./delete.ts";
import { awaitExecution, awaitStarting, connectAgent, withMemoryHint } from "./launch.ts";
import { openProcess, ownIdentity } from "./processes.ts";
import type { ContainerRecord } from "./record.ts";
import { requireStartable } from "./status.ts";
import type { Entry, Store } from "./store.ts";

export interface StartOptions {
  /** How the container is removed when a poststart hook fails. */
  readonly deletion: DeleteOptions;
  /** Prepares, in the container's directory, what the program will find; when it throws, nothing was done. */
  readonly prepare: ((directory: Fd) => void) | undefined;
}

/**
 * @returns the record of the running container
 * @throws BoxError with the errno when the program cannot be executed; the container is then stopped
 */
export function startContainer(store: Store, id: string, { deletion, prepare }: StartOptions): ContainerRecord {
  using entry = store.get(id);
  const record = within(
    () => `start ${quote(id)}`,
    () => {
      step("record");
      const starting = claim(entry, prepare);
      try {
        step("wait for init");
        withMemoryHint(starting.cgroup, () => release(entry, starting));
      } catch (thrown) {
        awaitInitsEnd(starting);
        disown(entry);
        throw thrown;
      }
      step("record");
      return finish(entry, starting);
    },
  );
  try {
    runHooks(record.hooks.poststart, hookState(record, "running", record.init?.pid ?? 0), { onHost: true });
  } catch (thrown) {
    // A failed poststart hook ends the container (runtime-spec 1.3, lifecycle step 9).
    deleteContainer(store, id, { ...deletion, only: record });
    throw addContext(`start ${quote(id)}`, thrown);
  }
  return record;
}

/** How long an init that has said why it cannot go on may take to end, in milliseconds. */
const endTimeout = 1000;

/** So that whoever asks after a failed start is told that the container is stopped. */
function awaitInitsEnd({ init }: ContainerRecord): void {
  using process = init === null ? undefined : openProcess(init);
  if (process !== undefined) waitReadable(process, endTimeout);
}

/** Writes the intent: of two starts at once, one finds the other's. */
function claim(entry: Entry, prepare: StartOptions["prepare"]): ContainerRecord {
  using _lock = entry.lock();
  const record = entry.read();
  requireStartable(record);
  prepare?.(entry.directory);
  const starting: ContainerRecord = { ...record, phase: "starting", owner: ownIdentity() };
  entry.write(starting);
  return starting;
}

function finish(entry: Entry, starting: ContainerRecord): ContainerRecord {
  using _lock = entry.lock();
  const running: ContainerRecord = { ...starting, phase: "running", owner: null };
  entry.write(running);
  return running;
}

function disown(entry: Entry): void {
  using _lock = entry.lock();
  entry.write({ ...entry.read(), owner: null });
}

function release(entry: Entry, record: ContainerRecord): void {
  using agent = record.listener === null ? undefined : connectAgent(record.listener);
  using channel = new Channel<ToInit, FromInit>(connect(entry), asFromInit);
  channel.send({ type: "start" });
  const timeout = awaitStarting(channel);
  const pid = record.init?.pid ?? 0;
  awaitExecution(channel, { pid, timeout, takeListener: agent && handTo(agent, record, pid) });
}

/** Without its agent the program would hang in the first call that asks for it, so it is ended. */
function handTo(agent: Agent, record: ContainerRecord, pid: number): (listener: Fd) => void {
  return (listener) => {
    try {
      agent.hand(listener, pid, specState(record, "created", pid));
    } catch (thrown) {
      using process = record.init === null ? undefined : openProcess(record.init);
      if (process !== undefined) sendSignal(process, SIGKILL);
      throw thrown;
    }
  };
}

function connect(entry: Entry): ReturnType<typeof connectIn> {
  try {
    return connectIn(entry.directory, socketName);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT, ECONNREFUSED))
      throw new BoxError(`the init process does not listen: ${thrown.message}`, thrown.details);
    if (isErrno(thrown, EAGAIN)) throw new BoxError("the init process does not accept connections", thrown.details);
    throw thrown;
  }
}
