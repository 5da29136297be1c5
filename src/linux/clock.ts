/** Clocks: clock_gettime(2). */

import * as NR from "#nr";
import { dateTime } from "../base/date.ts";
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from "./constants.ts";
import { timespec } from "./layouts.ts";
import { call } from "./raw.ts";

function read(clock: number): { readonly seconds: bigint; readonly nanoseconds: bigint } {
  const buffer = new Uint8Array(timespec.size);
  call(undefined, "clock_gettime", NR.clock_gettime, clock, buffer);
  return { seconds: timespec.get(buffer, "tv_sec"), nanoseconds: timespec.get(buffer, "tv_nsec") };
}

/** The time of day as RFC 3339 in UTC with nanoseconds. */
export function timestamp(): string {
  const { seconds, nanoseconds } = read(CLOCK_REALTIME);
  return `${dateTime(Number(seconds))}.${nanoseconds.toString().padStart(9, "0")}Z`;
}

/** Milliseconds on a clock that is never set, for time-outs. */
export function monotonicMilliseconds(): number {
  const { seconds, nanoseconds } = read(CLOCK_MONOTONIC);
  return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
}
