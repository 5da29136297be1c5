/** The processes of a container, found by its cgroup: listed, signalled, ended. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { POLLIN, SIGKILL } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { pidfdOpen, sendSignal } from "../linux/process.ts";
import { poll, waitReadable } from "../linux/socket.ts";
import { hasVanished, openCgroup, openChild, processesOf, visitCgroups, writeFile } from "./directory.ts";
import { releaseKilled } from "./freezer.ts";
import { NoticeFile } from "./notice.ts";
import { type CgroupRecord, mainDirectory, unifiedOf } from "./record.ts";

/** Every process in the container's cgroup and below it. */
export function cgroupPids(record: CgroupRecord): number[] {
  const directory = mainDirectory(record);
  if (directory === undefined) return [];
  using fd = openCgroup(directory, record.path);
  return fd === undefined ? [] : pidsBelow(fd);
}

/** Every process in an opened cgroup and below it. */
export function pidsBelow(cgroup: Fd): number[] {
  const pids: number[] = [];
  const root = openChild(cgroup, ".");
  if (root !== undefined) visitCgroups(root, (one) => pids.push(...processesOf(one)));
  return pids;
}

/** Sends a signal to every process of the container once. KILL reaches frozen ones too. */
export function signalAll(record: CgroupRecord, signal: number): void {
  if (signal !== SIGKILL || !killAtOnce(record)) signalEach(record, signal);
  if (signal === SIGKILL) releaseKilled(record);
}

/** How many processes are held by descriptor at a time. */
const heldAtOnce = 100;

/**
 * A pid that was read may be somebody else's when it is used: so each process is opened first, and signalled if its pid
 * is in the cgroup then.
 */
function signalEach(record: CgroupRecord, signal: number): void {
  const pids = cgroupPids(record);
  for (let first = 0; first < pids.length; first += heldAtOnce) {
    const held = pids.slice(first, first + heldAtOnce).map((pid) => [pid, pidfdOpen(pid)] as const);
    const still = new Set(cgroupPids(record));
    for (const [pid, process] of held) {
      if (process !== undefined && still.has(pid)) sendSignal(process, signal);
      process?.close();
    }
  }
}

/** cgroup.kill, Linux 5.14: nothing can fork away from it. */
function killAtOnce(record: CgroupRecord): boolean {
  const v2 = unifiedOf(record);
  if (v2 === undefined) return false;
  using fd = openCgroup(v2, record.path);
  if (fd === undefined) return false;
  try {
    writeFile(fd, "cgroup.kill", "1");
    return true;
  } catch (thrown) {
    if (hasVanished(thrown)) return false;
    throw thrown;
  }
}

/** How long the processes of a killed container may take to vanish, in milliseconds. */
export const emptyTimeout = 10_000;

/** Kills everything in the cgroup and waits until the kernel says that it is empty. */
export function killAndWait(record: CgroupRecord): void {
  const deadline = monotonicMilliseconds() + emptyTimeout;
  for (let pids = cgroupPids(record); pids.length > 0; pids = cgroupPids(record)) {
    if (monotonicMilliseconds() > deadline) {
      throw new BoxError(`cgroup ${quote(record.path)}: processes ${pids.join(", ")} are still there after SIGKILL`);
    }
    signalAll(record, SIGKILL);
    waitForChange(record, deadline);
  }
}

/**
 * Waits for cgroup2's notice that the populated state has changed, and for the end of a process. v1 gives no notice; that
 * of cgroup2 may come 10 ms late, and never when somebody (systemd) removes the cgroup meanwhile.
 */
export function waitForChange(record: CgroupRecord, deadline: number): void {
  const left = Math.max(0, deadline - monotonicMilliseconds());
  const v2 = unifiedOf(record);
  using cgroup = v2 === undefined ? undefined : openCgroup(v2, record.path);
  if (cgroup === undefined) {
    waitForProcesses(cgroupPids(record), left);
    return;
  }
  const last = cgroupPids(record).at(-1);
  using process = last === undefined ? undefined : pidfdOpen(last);
  // It has ended: that is a change.
  if (last !== undefined && process === undefined) return;
  using events = new NoticeFile(cgroup, "cgroup.events");
  try {
    if (events.read().includes("populated 0")) return;
    poll([events.wait, ...(process === undefined ? [] : [{ fd: process, events: POLLIN }])], left);
  } catch (thrown) {
    if (!hasVanished(thrown)) throw thrown;
  }
}

/** Waits for the end of the last of these processes: the caller looks again then. */
export function waitForProcesses(pids: readonly number[], milliseconds: number): void {
  const last = pids.at(-1);
  using process = last === undefined ? undefined : pidfdOpen(last);
  if (process !== undefined) waitReadable(process, milliseconds);
}
