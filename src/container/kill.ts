/** `kill`: a signal for the container's first process, or for all of them. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { releaseKilled } from "../cgroups/freezer.ts";
import { cgroupPids, killAndWait, signalAll } from "../cgroups/processes.ts";
import { SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { sendSignal } from "../linux/process.ts";
import { openProcess } from "./processes.ts";
import type { ContainerRecord, NewerRecord } from "./record.ts";
import { requireProcess, statusOf } from "./status.ts";
import type { Store } from "./store.ts";

export interface KillOptions {
  readonly signal: number;
  /** Every process of the cgroup. */
  readonly all: boolean;
}

/** The operation Kill of runtime.md. @throws BoxError when there is no process that the signal could reach */
export function killContainer(store: Store, id: string, options: KillOptions): void {
  using entry = store.get(id);
  within(
    () => `kill ${quote(id)}`,
    () => {
      const record = entry.tryRead();
      if (record === undefined) throw new BoxError("container does not exist");
      if (options.all) {
        killAll(record, options.signal);
        return;
      }
      using init = record.init === null ? undefined : openProcess(record.init);
      if (!("newer" in record)) {
        const status = statusOf(record, init !== undefined);
        if (options.signal === SIGKILL && status === "stopped" && survivorsAreKilled(record)) return;
        requireProcess(status);
      }
      signalInit(record, init, options.signal);
    },
  );
}

/** Processes may be left when the first one has ended, so this is allowed for a stopped container too. */
function killAll(record: ContainerRecord | NewerRecord, signal: number): void {
  // Until there is an init the cgroup of that name may be another container's.
  if (!("newer" in record) && record.init === null) throw new BoxError("container not running");
  if (record.cgroup === null) throw new BoxError("--all: the container has no cgroup");
  signalAll(record.cgroup, signal);
}

/**
 * Where there is no pid namespace of its own, a container's processes may outlive its first one; KILL is meant for them too.
 * @param record of a container that is stopped
 * @returns whether there were any
 */
function survivorsAreKilled(record: ContainerRecord): boolean {
  const { init, cgroup, ownPidNamespace } = record;
  if (ownPidNamespace || init === null || cgroup === null || cgroupPids(cgroup).length === 0) return false;
  killAndWait(cgroup);
  return true;
}

function signalInit(record: ContainerRecord | NewerRecord, init: Fd | undefined, signal: number): void {
  if (init === undefined || !sendSignal(init, signal)) throw new BoxError("container not running");
  if (signal !== SIGKILL || record.cgroup === null) return;
  // In a pid namespace of its own everything ends with the first process; elsewhere the cgroup says what belongs to it.
  if (!("newer" in record) && record.ownPidNamespace) releaseKilled(record.cgroup);
  else killAndWait(record.cgroup);
}
