/** What run.ts and the processes of build/box-faults tell each other. */

/** One call that fails; with `nth` 0 none does. */
export interface Fault {
  /** 0 is the command itself; child n of process p is 8p + n. */
  readonly process: number;
  readonly call: string;
  /** Counted in its process from 1. */
  readonly nth: number;
  /** The kernel's answer, or the end of the process before the call. */
  readonly errno: number | "kill";
}

/** At the beginning of the file once the call has been reached. */
export const hitMark = "hit\n";

const firstRegion = 4096;

/** For the names of one process's calls, each ended by a line feed, in bytes. */
export const regionSize = 16_384;

const regions = 128;

export const callsSize = firstRegion + regions * regionSize;

export function regionOf(process: number): number {
  return firstRegion + Math.min(process, regions - 1) * regionSize;
}
