/** `delete`: removes what `create` made. Tolerates that any part of it is gone already. */
import { messageOf, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { cgroupPids, killAndWait, removeCgroup } from "../cgroups/cgroup.ts";
import { runHook } from "../hooks/apply.ts";
import { SIGKILL } from "../linux/constants.ts";
import { sendSignal, waitPidfd } from "../linux/process.ts";
import { waitReadable } from "../linux/socket.ts";
import { bootId, openProcess } from "./processes.ts";
import type { ContainerRecord, NewerRecord, ProcessId } from "./record.ts";
import { hookState } from "./state.ts";
import { requireDeletable } from "./status.ts";
import type { Entry, Store } from "./store.ts";

export interface DeleteOptions {
  /** Ends whatever still runs first; an unknown id is success. */
  readonly force: boolean;
  /** Takes the failures of poststop hooks: they do not stop the deletion. */
  readonly warn: (message: string) => void;
}

/** How long a killed process may take to vanish, in milliseconds. */
const endTimeout = 10_000;

export function deleteContainer(store: Store, id: string, options: DeleteOptions): void {
  using entry = options.force ? store.find(id) : store.get(id);
  if (entry === undefined) return;
  const record = within(`delete ${quote(id)}`, () => {
    if (options.force) endOwner(entry);
    using lock = options.force ? entry.tryLock() : entry.lock();
    // Without a lock there is no record either, or somebody else has just deleted it: what is left is a directory.
    if (lock === undefined) {
      entry.remove();
      return undefined;
    }
    return destroy(entry, options.force);
  });
  if (record === undefined || "newer" in record) return;
  for (const hook of record.hooks.poststop) {
    try {
      runHook(hook, hookState(record, "stopped", 0));
    } catch (thrown) {
      options.warn(messageOf(thrown));
    }
  }
}

/** A creator or starter that hangs in a hook would go on making what is being removed. */
function endOwner(entry: Entry): void {
  const record = entry.tryRead();
  if (record === undefined || "newer" in record || record.owner === null) return;
  endProcess(record.owner, record.bootId);
}

function destroy(entry: Entry, force: boolean): ContainerRecord | NewerRecord | undefined {
  const record = force ? entry.tryRead() : entry.read();
  if (record !== undefined) {
    if (!force && !("newer" in record)) requireDeletable(record);
    if (record.init !== null) endProcess(record.init, record.bootId);
    if (record.cgroup !== null) {
      if (cgroupPids(record.cgroup).length > 0) killAndWait(record.cgroup);
      removeCgroup(record.cgroup);
    }
  }
  entry.remove();
  return record;
}

/** Kills exactly the recorded process and waits for its end; a child of ours is reaped. */
function endProcess(id: ProcessId, boot: string): void {
  if (boot !== bootId()) return;
  using process = openProcess(id);
  if (process === undefined) return;
  sendSignal(process, SIGKILL);
  if (!waitReadable(process, endTimeout))
    throw new Error(`process ${id.pid} is still there ${endTimeout / 1000} s after SIGKILL`);
  waitPidfd(process, false);
}
