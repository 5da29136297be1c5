/**
 * Where an operation is, told to whoever follows it (`--trace`), and with an error; costs a call when nobody does.
 *
 * A step lasts until the next one of the same process. A process that is cloned says what it is before its first step.
 */

import type { ErrorDetails } from "./errors.ts";

export interface Follower {
  readonly step: (name: string) => void;
  readonly process: (name: string) => void;
}

let follower: Follower | undefined;

/** Tells this one of every step from now on, in clones of this process too; undefined ends that. */
export function follow(next: Follower | undefined): void {
  follower = next;
}

let current: string | undefined;

/** What begins now, as in `mounts`. */
export function step(name: string): void {
  current = name;
  follower?.step(name);
}

/** The details of an error with the step in which it came, where they do not name one. */
export function withStage(details: ErrorDetails): ErrorDetails {
  return current === undefined ? details : { stage: current, ...details };
}

/** What this process is, as in `init`. */
export function nameProcess(name: string): void {
  follower?.process(name);
}
