/** Removes what Cgroup.make made: known from the record alone, in every hierarchy, whatever of it is still there. */
import { BoxError, within } from "../base/errors.ts";
import { lazy } from "../base/once.ts";
import { components } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { EBUSY, ENOENT } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { type FileName, rmdir } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { poll } from "../linux/socket.ts";
import { CgroupPlace, childrenOf, openCgroup, openChild, processesOf, removeIfEmpty } from "./directory.ts";
import { endScope } from "./driver.ts";
import type { CgroupDirectory } from "./ops.ts";
import { cgroupPids, emptyTimeout, killAndWait, waitForChange, waitForProcesses } from "./processes.ts";
import type { CgroupRecord } from "./record.ts";

/**
 * Kills what still runs in the container's cgroup and removes it with everything below from every hierarchy, and box's
 * own parent with its last container. What is not there is no error.
 * @throws BoxError naming what could not be removed
 */
export function removeCgroup(record: CgroupRecord): void {
  if (record.unit !== undefined) {
    killAndWait(record);
    endScope(record.unit);
  }
  for (const directory of record.directories) {
    within(
      () => `remove cgroup ${quote(record.path)} from ${directory.mount}`,
      () => {
        removeBelow(record, directory, components(record.path));
        if (record.ownParent) removeEmpty(directory, components(record.path).slice(0, -1));
      },
    );
  }
}

/** Removes one hierarchy's part. What still runs in it is killed: an empty cgroup, the usual one, goes at the first try. */
function removeBelow(record: CgroupRecord, directory: CgroupDirectory, parts: readonly string[]): void {
  using parent = openCgroup(directory, parts.slice(0, -1).join("/"));
  const name = parts.at(-1);
  if (parent === undefined || name === undefined || tryRemove(parent, name)) return;
  killAndWait(record);
  removeTree(parent, name, monotonicMilliseconds() + emptyTimeout);
}

/** Whether a cgroup is gone now; false while it is busy. */
function tryRemove(parent: Fd, name: FileName): boolean {
  try {
    rmdir(parent, name);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return true;
    if (isErrno(thrown, EBUSY)) return false;
    throw thrown;
  }
}

/** How long a process that was killed with its parent may take to vanish, in milliseconds. */
const vanishTimeout = 2000;

/** Removes what has or comes to have no process and kills nothing: for a cgroup in which there may be somebody else's. */
export function removeEmptyCgroup(record: CgroupRecord): void {
  const deadline = lazy(() => monotonicMilliseconds() + vanishTimeout);
  if (record.unit !== undefined) {
    if (!isEmptyBy(record, deadline)) return;
    // Of a cgroup that is removed before systemd has heard that it is empty it never hears.
    endScope(record.unit);
  }
  for (const directory of record.directories) {
    const parts = components(record.path);
    using parent = openCgroup(directory, parts.slice(0, -1).join("/"));
    const name = parts.at(-1);
    if (parent === undefined || name === undefined) continue;
    if (!tryRemove(parent, name)) {
      if (!isEmptyBy({ ...record, directories: [directory] }, deadline)) continue;
      removeTree(parent, name, monotonicMilliseconds() + emptyTimeout);
    }
    if (record.ownParent) removeEmpty(directory, parts.slice(0, -1));
  }
}

/** Whether no process is left in any hierarchy and below, at the latest then. */
function isEmptyBy(record: CgroupRecord, deadline: () => number): boolean {
  for (const directory of record.directories) {
    const part = { ...record, directories: [directory] };
    while (cgroupPids(part).length > 0) {
      if (monotonicMilliseconds() >= deadline()) return false;
      waitForChange(part, deadline());
    }
  }
  return true;
}

/** Removes a cgroup in `parent` with all below it. */
function removeTree(parent: Fd, name: FileName, deadline: number): void {
  const start = openChild(parent, ".");
  if (start === undefined) return;
  using place = new CgroupPlace(start);
  // What is still to be removed, a list a level: the last one's is where `place` is.
  const levels: FileName[][] = [[name]];
  for (;;) {
    const names = levels.at(-1);
    const last = names?.at(-1);
    if (last === undefined) {
      levels.pop();
      if (levels.length === 0) return;
      place.leave();
    } else if (tryRemove(place.fd, last) || !place.enter(last)) names?.pop();
    else {
      if (monotonicMilliseconds() > deadline) throw new BoxError("it stays busy", { errno: "EBUSY" });
      const children = childrenOf(place.fd);
      if (children.length === 0) awaitLastProcess(place.fd);
      levels.push(children);
    }
  }
}

/** Its last process may be on its way out: v1 says nothing of that, so its end is awaited, or a moment passes. */
function awaitLastProcess(cgroup: Fd): void {
  const pids = processesOf(cgroup);
  if (pids.length > 0) waitForProcesses(pids, 1000);
  else poll([], 1);
}

/** Removes a cgroup of one hierarchy, unless somebody uses it. */
export function removeEmpty(directory: CgroupDirectory, parts: readonly string[]): void {
  const name = parts.at(-1);
  if (name === undefined) return;
  using grandparent = openCgroup(directory, parts.slice(0, -1).join("/"));
  if (grandparent === undefined) return;
  removeIfEmpty(grandparent, name);
}
