/** Pausing: v1's freezer controller where it is mounted, else cgroup2. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import type { Fd } from "../linux/fd.ts";
import { poll } from "../linux/socket.ts";
import { openCgroup, readFile, readValueOf, visitCgroups, writeFile } from "./directory.ts";
import { NoticeFile } from "./notice.ts";
import type { CgroupDirectory } from "./ops.ts";
import { type CgroupRecord, directoryWith } from "./record.ts";

/** Whether the container is paused, or about to be: v1 says FREEZING until every process stands still. */
export function isFrozen(record: CgroupRecord): boolean {
  const freezer = freezerOf(record);
  if (freezer === undefined) return false;
  const state = readValueOf(freezer.directory, record.path, freezer.file);
  return state !== undefined && state.trim() !== freezer.thawed;
}

/** How long the processes may take to stand still, in milliseconds: one that waits for a dead disk never does. */
const freezeTimeout = 10_000;

/**
 * Freezes every process of the container and waits until all stand still.
 * @throws BoxError when they do not in time; they go on then
 */
export function freeze(record: CgroupRecord): void {
  withFreezer(record, (fd, freezer) => {
    const deadline = monotonicMilliseconds() + freezeTimeout;
    writeFile(fd, freezer.file, freezer.frozen);
    if (freezer.directory.version === 1 ? awaitFrozenV1(fd, deadline) : awaitFrozenV2(fd, deadline)) return;
    writeFile(fd, freezer.file, freezer.thawed);
    throw new BoxError(`cgroup ${quote(record.path)}: not frozen after ${freezeTimeout / 1000} s`);
  });
}

/** Lets a paused container go on. @throws BoxError when a cgroup above it is frozen too */
export function thaw(record: CgroupRecord): void {
  withFreezer(record, (fd, freezer) => {
    writeFile(fd, freezer.file, freezer.thawed);
    if (readFile(fd, freezer.file).trim() === freezer.frozen)
      throw new BoxError(`cgroup ${quote(record.path)} stays frozen: one above it is`);
  });
}

/** Does something while every process of the container stands still; a paused one stays paused. */
export function whileFrozen<T>(record: CgroupRecord, action: () => T): T {
  if (isFrozen(record)) return action();
  freeze(record);
  try {
    return action();
  } finally {
    thaw(record);
  }
}

function withFreezer(record: CgroupRecord, action: (cgroup: Fd, freezer: Freezer) => void): void {
  const freezer = freezerOf(record);
  if (freezer === undefined) throw new BoxError("the container's cgroup has no freezer");
  using fd = openCgroup(freezer.directory, record.path);
  if (fd === undefined) throw new BoxError(`cgroup ${quote(record.path)} does not exist`);
  action(fd, freezer);
}

/**
 * v1 says FREEZING until somebody who reads finds every process frozen, and gives no notice of that: so it is read again
 * after a time that grows, and asked for again, which catches what was forked meanwhile.
 */
function awaitFrozenV1(cgroup: Fd, deadline: number): boolean {
  for (let pause = 1; readFile(cgroup, "freezer.state").trim() !== "FROZEN"; pause = Math.min(2 * pause, 50)) {
    if (monotonicMilliseconds() > deadline) return false;
    poll([], pause);
    writeFile(cgroup, "freezer.state", "FROZEN");
  }
  return true;
}

function awaitFrozenV2(cgroup: Fd, deadline: number): boolean {
  using events = new NoticeFile(cgroup, "cgroup.events");
  while (!events.read().includes("frozen 1")) {
    const left = deadline - monotonicMilliseconds();
    if (left <= 0) return false;
    poll([events.wait], left);
  }
  return true;
}

/**
 * Lets frozen processes die of a KILL that was sent: v1 holds even that back, cgroup2 does not. What the container has
 * frozen itself, in a cgroup of its own making, is let go as well.
 */
export function releaseKilled(record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (freezer?.directory.version !== 1) return;
  const fd = openCgroup(freezer.directory, record.path);
  if (fd !== undefined) visitCgroups(fd, (cgroup) => writeFile(cgroup, freezer.file, freezer.thawed));
}

interface Freezer {
  readonly directory: CgroupDirectory;
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
}

/** Where the host freezes: v1's freezer controller where it is mounted, else cgroup2 (Linux 5.2). */
function freezerOf(record: CgroupRecord): Freezer | undefined {
  const directory = directoryWith(record, "freezer");
  if (directory === undefined) return undefined;
  return directory.version === 2
    ? { directory, file: "cgroup.freeze", frozen: "1", thawed: "0" }
    : { directory, file: "freezer.state", frozen: "FROZEN", thawed: "THAWED" };
}
