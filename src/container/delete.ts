/** `delete`: removes what `create` made. Tolerates that any part of it is gone already. */
import { BoxError, messageOf, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { step } from "../base/steps.ts";
import { releaseKilled } from "../cgroups/freezer.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { removeCgroup, removeEmptyCgroup } from "../cgroups/removal.ts";
import { runHook } from "../hooks/apply.ts";
import { SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { getpid, sendSignal, waitPidfd } from "../linux/process.ts";
import { waitReadable } from "../linux/socket.ts";
import { removeResctrl } from "../resctrl/apply.ts";
import { bootId, openProcess } from "./processes.ts";
import type { ContainerRecord, NewerRecord, ProcessId } from "./record.ts";
import { hookState } from "./state.ts";
import { requireDeletable } from "./status.ts";
import type { Entry, Store } from "./store.ts";

export interface DeleteOptions {
  /** Ends whatever still runs first; an unknown id is success. */
  readonly force: boolean;
  /** Finds the cgroup of a container whose record is damaged, from the configuration that was kept. */
  readonly recover: (config: string, id: string) => CgroupRecord | undefined;
  /** Takes the failures of poststop hooks: they do not stop the deletion. */
  readonly warn: (message: string) => void;
}

/** How long a killed process may take to vanish, in milliseconds. */
const endTimeout = 10_000;

export function deleteContainer(store: Store, id: string, options: DeleteOptions): void {
  using entry = options.force ? store.find(id) : store.get(id);
  if (entry === undefined) return;
  const record = within(
    () => `delete ${quote(id)}`,
    () => {
      using lock = options.force ? lockByForce(entry) : entry.lock();
      // Without a lock there is no record either, or somebody else has just deleted it: what is left is a directory.
      if (lock === undefined) {
        entry.removeHalfMade();
        return undefined;
      }
      return options.force ? destroy(entry, readAnything(entry, options)) : destroy(entry, requireStopped(entry));
    },
  );
  if (record === undefined || "newer" in record) return;
  step("hooks");
  for (const hook of record.hooks.poststop) {
    try {
      runHook(hook, hookState(record, "stopped", 0), { onHost: true });
    } catch (thrown) {
      options.warn(messageOf(thrown));
    }
  }
}

/** The lock, whoever holds it: one that hangs with it (stopped by a signal, say) is ended. */
function lockByForce(entry: Entry): Fd | undefined {
  const lock = entry.tryLock(false);
  if (lock !== "held") return lock;
  endOwner(readIfWhole(entry));
  const taken = entry.tryLock(true);
  return taken === "held" ? undefined : taken;
}

function readIfWhole(entry: Entry): Leavings | undefined {
  try {
    return entry.tryRead();
  } catch (thrown) {
    if (thrown instanceof BoxError) return undefined;
    throw thrown;
  }
}

/** A creator or starter that hangs in a hook would go on making what is being removed. */
function endOwner(record: Leavings | undefined): void {
  // Once the program is being started, ending it is enough: the starter notices by itself.
  if (record === undefined || "newer" in record || record.owner === null || record.phase !== "creating") return;
  if (record.owner.pid !== getpid()) endProcess(record.owner, record.bootId, null);
}

function requireStopped(entry: Entry): ContainerRecord {
  const record = entry.read();
  requireDeletable(record);
  return record;
}

/** What there is to remove. */
type Leavings = ContainerRecord | NewerRecord;

/** What can be known of the container: its record, a newer one, or what its configuration says of a damaged one. */
function readAnything(entry: Entry, { recover, warn }: DeleteOptions): Leavings | undefined {
  try {
    const record = entry.tryRead();
    endOwner(record);
    return record;
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    warn(thrown.message);
    const config = entry.readConfig();
    const cgroup = config === undefined ? null : (recover(config, entry.id) ?? null);
    return { newer: true, version: 0, init: null, bootId: "", cgroup, resctrl: null };
  }
}

/**
 * A create that was killed before it recorded init may not have come to make its cgroup: one of that name may be another
 * container's. Its own init has died with it, so what is empty is removed and nothing is killed.
 */
function removeOwnCgroup(record: Leavings, cgroup: CgroupRecord): void {
  const mayBeOthers = !("newer" in record) && record.init === null;
  if (mayBeOthers) removeEmptyCgroup(cgroup);
  else removeCgroup(cgroup);
}

function destroy(entry: Entry, record: Leavings | undefined): Leavings | undefined {
  if (record === undefined) {
    entry.removeHalfMade();
    return undefined;
  }
  step("end of the processes");
  if (record.init !== null) endProcess(record.init, record.bootId, record.cgroup);
  step("removal");
  if (record.cgroup !== null) removeOwnCgroup(record, record.cgroup);
  if (record.resctrl !== null) removeResctrl(record.resctrl);
  entry.remove();
  return record;
}

/** Kills exactly the recorded process, frozen with its cgroup or not, and waits for its end; a child of ours is reaped. */
function endProcess(id: ProcessId, boot: string, cgroup: CgroupRecord | null): void {
  if (boot !== bootId()) return;
  using process = openProcess(id);
  if (process === undefined) return;
  sendSignal(process, SIGKILL);
  if (cgroup !== null) releaseKilled(cgroup);
  if (!waitReadable(process, endTimeout))
    throw new BoxError(`process ${id.pid} is still there ${endTimeout / 1000} s after SIGKILL`);
  waitPidfd(process, false);
}
