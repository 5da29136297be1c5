/** A container's status, derived from its record and its process; and which operation is allowed in which. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { isFrozen } from "../cgroups/freezer.ts";
import { executedFile, isAlive } from "./processes.ts";
import type { ContainerRecord, ProcessId } from "./record.ts";

export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/**
 * What is so now. Nothing is written: a reader resolves a half-finished start from the process itself.
 * @param hasInit whether its first process runs
 */
export function statusOf(record: ContainerRecord, hasInit = isRunning(record.init)): Status {
  if (record.phase === "creating") return isRunning(record.owner) ? "creating" : "stopped";
  if (!hasInit) return "stopped";
  if (record.phase === "launching" && executedBy(record) !== "program") return "creating";
  if (record.cgroup !== null && isFrozen(record.cgroup)) return "paused";
  return record.phase === "created" || (record.phase === "starting" && executedBy(record) === "init")
    ? "created"
    : "running";
}

/** Who runs in the container's first process: execve replaces the file. Of one that is not dumpable it cannot be seen. */
function executedBy({ init, initFile }: ContainerRecord): "init" | "program" | "unseen" {
  const file = init === null ? undefined : executedFile(init.pid);
  if (file === undefined) return "unseen";
  return file === initFile ? "init" : "program";
}

function isRunning(process: ProcessId | null): boolean {
  return process !== null && isAlive(process);
}

function isBeingStarted(record: ContainerRecord): boolean {
  return (record.phase === "starting" || record.phase === "launching") && isRunning(record.owner);
}

/** Why `start` is refused in each status that does not allow it. */
const startRefusals: Readonly<Record<Exclude<Status, "created">, string>> = {
  creating: "cannot start a container that is being created",
  running: "cannot start an already running container",
  paused: "cannot start an already running container",
  stopped: "cannot start a container that has stopped",
};

/** `start`: runtime.md allows it for a created container alone. @throws BoxError also where there is no program */
export function requireStartable(record: ContainerRecord): void {
  const status = statusOf(record);
  if (status !== "created") throw new BoxError(startRefusals[status]);
  if (isBeingStarted(record)) throw new BoxError("another command is starting this container");
  if (!record.startable) throw new BoxError("process: the configuration has none, there is nothing to start");
}

/** Why `exec` is refused in each status that does not allow it. */
const execRefusals: Readonly<Partial<Record<Status, string>>> = {
  creating: "cannot exec in a container that is being created",
  paused: "cannot exec in a paused container (use --ignore-paused to override)",
  stopped: "cannot exec in a stopped container",
};

/** `exec`. @param ignorePaused a paused container will do: the process waits until it is resumed */
export function requireExecutable(status: Status, ignorePaused: boolean): void {
  const refusal = status === "paused" && ignorePaused ? undefined : execRefusals[status];
  if (refusal !== undefined) throw new BoxError(refusal);
}

/** `delete` without force: stopped ones, and created ones because callers depend on it. */
export function requireDeletable(record: ContainerRecord): void {
  const status = statusOf(record);
  if (status === "stopped" || status === "created") return;
  throw new BoxError(`cannot delete container ${quote(record.id)} that is not stopped: ${status}`);
}

/** `kill` and `update`: what has a process that is the container's. */
export function requireProcess(status: Status): void {
  if (status === "stopped") throw new BoxError("container not running");
  if (status === "creating") throw new BoxError("container not running: it is being created");
}

/** `pause`: what has processes that go on. */
export function requirePausable(record: ContainerRecord): void {
  const status = statusOf(record);
  if (status === "paused") throw new BoxError("container not running: it is paused already");
  requireProcess(status);
  // It would wait for a frozen init until its time is over.
  if (isBeingStarted(record)) throw new BoxError("another command is starting this container");
}

/** `resume`. */
export function requirePaused(record: ContainerRecord): void {
  const status = statusOf(record);
  if (status !== "paused") throw new BoxError(`container not paused: it is ${status}`);
}
