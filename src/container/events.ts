/** `events`: what containers use, now and then, and when their memory runs out. */
import { BoxError } from "../base/errors.ts";
import { stringifyJson } from "../base/json.ts";
import { quote } from "../base/quote.ts";
import { type OomWatch, watchOom } from "../cgroups/oom.ts";
import { statsOf } from "../cgroups/stats.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { POLLIN } from "../linux/constants.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import { poll } from "../linux/socket.ts";
import { openProcess } from "./processes.ts";
import type { ContainerRecord } from "./record.ts";
import { statusOf } from "./status.ts";
import type { Store } from "./store.ts";

/** Takes one line of output. */
export type Print = (line: string) => void;

/** One record of statistics for each container. @throws BoxError when one does not run */
export function printStats(store: Store, ids: readonly string[], print: Print): void {
  for (const record of ids.map((id) => recordOfRunning(store, id))) printRecord(record, print);
}

/**
 * Statistics every `interval` milliseconds and each time the memory has run out, until the last of the containers ends
 * or nobody reads any more.
 */
export function followEvents(store: Store, ids: readonly string[], interval: number, print: Print): void {
  const all: Followed[] = [];
  try {
    for (const id of ids) all.push(new Followed(recordOfRunning(store, id)));
    follow(all, interval, print);
  } finally {
    for (const each of all) each[Symbol.dispose]();
  }
}

function follow(all: readonly Followed[], interval: number, print: Print): void {
  let running = all;
  let next = monotonicMilliseconds() + interval;
  while (running.length > 0) {
    const waits = running.flatMap((container) => container.waits);
    // Without events asked for, poll tells only of a pipe that has lost its reader.
    const events = poll([{ fd: stdio.out, events: 0 }, ...waits], Math.max(0, next - monotonicMilliseconds()));
    if (events !== undefined && events[0] !== 0) return;
    // An end is seen before the counters are read: what happened before it is still told.
    const left = running.filter((container) => !container.hasEnded());
    for (const container of running) container.printOom(print);
    running = left;
    if (monotonicMilliseconds() < next) continue;
    for (const { record } of running) printRecord(record, print);
    next += interval;
  }
}

class Followed implements Disposable {
  readonly record: ContainerRecord;
  readonly #init: Fd;
  readonly #oom: OomWatch | undefined;

  constructor(record: ContainerRecord) {
    this.record = record;
    const init = record.init === null ? undefined : openProcess(record.init);
    if (init === undefined) throw notRunning(record.id);
    this.#init = init;
    this.#oom = record.cgroup === null ? undefined : watchOom(record.cgroup);
  }

  get waits(): { fd: Fd; events: number }[] {
    return [{ fd: this.#init, events: POLLIN }, ...(this.#oom === undefined ? [] : [this.#oom.wait])];
  }

  hasEnded(): boolean {
    return poll([{ fd: this.#init, events: POLLIN }], 0) !== undefined;
  }

  printOom(print: Print): void {
    if (this.#oom?.happened() === true) print(JSON.stringify({ type: "oom", id: this.record.id }));
  }

  [Symbol.dispose](): void {
    this.#oom?.[Symbol.dispose]();
    this.#init.close();
  }
}

function printRecord({ id, cgroup }: ContainerRecord, print: Print): void {
  const data = cgroup === null ? undefined : statsOf(cgroup);
  if (data !== undefined) print(stringifyJson({ type: "stats", id, data }));
}

function recordOfRunning(store: Store, id: string): ContainerRecord {
  using entry = store.get(id);
  const record = entry.read();
  const status = statusOf(record);
  if (status === "stopped" || status === "creating") throw notRunning(id);
  if (record.cgroup === null) throw new BoxError(`container ${quote(id)}: it has no cgroup that could be read`);
  return record;
}

/** In runc's words, by which callers know it. */
function notRunning(id: string): BoxError {
  return new BoxError(`container with id ${id} is not running`);
}
