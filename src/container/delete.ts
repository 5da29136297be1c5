/** `delete`: removes what `create` made. Tolerates that any part of it is gone already. */
import { BoxError, messageOf, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { hookState } from "../base/spec-state.ts";
import { step } from "../base/steps.ts";
import { releaseKilled } from "../cgroups/freezer.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { removeCgroup, removeEmptyCgroup } from "../cgroups/removal.ts";
import { runHook } from "../hooks/apply.ts";
import { SIGKILL } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { getpid, sendSignal, waitPidfd } from "../linux/process.ts";
import { poll, waitReadable } from "../linux/socket.ts";
import { openProcess } from "./processes.ts";
import { type ContainerRecord, isSameContainer, type NewerRecord, type ProcessId } from "./record.ts";
import { requireDeletable } from "./status.ts";
import type { Entry, Store } from "./store.ts";

export interface DeleteOptions {
  /** Ends whatever still runs first; an unknown id is success. */
  readonly force: boolean;
  /** Deletes this container and none that has got its id meanwhile. */
  readonly only?: ContainerRecord;
  /** Finds the cgroup of a container whose record is damaged, from the configuration that was kept. */
  readonly recover: (config: string, id: string) => CgroupRecord | undefined;
  /** Takes the failures of poststop hooks: they do not stop the deletion. */
  readonly warn: (message: string) => void;
}

/** How long a killed process may take to vanish, in milliseconds. */
const endTimeout = 10_000;

/**
 * The operation Delete of runtime.md. The poststop hooks run when all else is gone.
 * @throws BoxError for a status that does not allow it, and where something cannot be removed: its record is left then
 */
export function deleteContainer(store: Store, id: string, options: DeleteOptions): void {
  using entry = options.force ? store.find(id) : store.get(id);
  if (entry === undefined) return;
  const record = within(
    () => `delete ${quote(id)}`,
    () => {
      using lock = options.force ? lockByForce(entry, options) : entry.lock();
      // Without a lock there is no record either, or somebody else has just deleted it: what is left is a directory.
      if (lock === undefined) {
        // Nothing tells whose it is. A container that was there had a lock; what has none may be one that is being made.
        if (options.only === undefined) entry.removeHalfMade();
        return undefined;
      }
      const found = options.force ? readAnything(entry, options) : requireStopped(entry);
      return isMeant(found, options.only) ? destroy(entry, found) : undefined;
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

function isMeant(found: Leavings | undefined, only: ContainerRecord | undefined): boolean {
  return only === undefined || (found !== undefined && !("newer" in found) && isSameContainer(found, only));
}

/**
 * The lock, whoever holds it; undefined when there is none, or when it is another container's. A creator that hangs with
 * it, or a command that stands still, is ended. Nothing tells when a process is stopped by a signal, so it is looked for
 * again and again.
 */
function lockByForce(entry: Entry, { only }: DeleteOptions): Fd | undefined {
  for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
    const lock = entry.tryLock(false);
    if (lock !== "held") return lock;
    const record = readIfWhole(entry);
    if (record !== undefined && !isMeant(record, only)) return undefined;
    if (endOwner(record, only)) continue;
    const halted = entry.haltedLocker();
    if (halted !== undefined && endProcess(halted, null)) continue;
    poll([], pause);
  }
}

function readIfWhole(entry: Entry): Leavings | undefined {
  try {
    return entry.tryRead();
  } catch (thrown) {
    if (thrown instanceof BoxError) return undefined;
    throw thrown;
  }
}

/** A creator that hangs in a hook would go on making what is being removed. @returns whether there was one to end */
function endOwner(record: Leavings | undefined, only: ContainerRecord | undefined): boolean {
  if (record === undefined || "newer" in record || !isMeant(record, only)) return false;
  if (record.owner === null || record.owner.pid === getpid()) return false;
  // Once the program is being started, ending it is enough: the starter notices by itself.
  return record.phase === "creating" && endProcess(record.owner, null);
}

function requireStopped(entry: Entry): ContainerRecord {
  const record = entry.read();
  requireDeletable(record);
  return record;
}

/** What there is to remove. */
type Leavings = ContainerRecord | NewerRecord;

/** What can be known of the container: its record, a newer one, or what its configuration says of a damaged one. */
function readAnything(entry: Entry, { only, recover, warn }: DeleteOptions): Leavings | undefined {
  try {
    const record = entry.tryRead(only);
    endOwner(record, only);
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
 * What still runs in the cgroup is killed only where it can be this container's. A create that was killed before it recorded
 * init may not have come to make its cgroup, and init has died with it; in a pid namespace of its own everything has ended
 * with init. Then another container may have come into the cgroup, which was empty.
 */
function removeOwnCgroup(record: Leavings, cgroup: CgroupRecord): void {
  const isEmptied = !("newer" in record) && (record.init === null || record.ownPidNamespace);
  if (isEmptied) removeEmptyCgroup(cgroup);
  else removeCgroup(cgroup);
}

function destroy(entry: Entry, record: Leavings | undefined): Leavings | undefined {
  if (record === undefined) {
    entry.removeHalfMade();
    return undefined;
  }
  step("end of the processes");
  if (record.init !== null) endProcess(record.init, record.cgroup);
  step("removal");
  if (record.cgroup !== null) removeOwnCgroup(record, record.cgroup);
  if (record.resctrl !== null) {
    const { removeResctrl } = load("resctrl/apply") as typeof import("../resctrl/apply.ts");
    removeResctrl(record.resctrl);
  }
  entry.remove();
  return record;
}

/**
 * Kills exactly the recorded process, frozen with its cgroup or not, and waits for its end; a child of ours is reaped.
 * @returns whether it was there
 */
function endProcess(id: ProcessId, cgroup: CgroupRecord | null): boolean {
  using process = openProcess(id);
  if (process === undefined) return false;
  sendSignal(process, SIGKILL);
  if (cgroup !== null) releaseKilled(cgroup);
  if (!waitReadable(process, endTimeout))
    throw new BoxError(`process ${id.pid} is still there ${endTimeout / 1000} s after SIGKILL`);
  waitPidfd(process, false);
  return true;
}
