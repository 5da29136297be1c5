/**
 * Where an operation is, told to whoever follows it (`--trace`, `--debug`), and with an error; costs a call when nobody does.
 *
 * A step lasts until the next one of the same process. A process that is cloned says what it is before its first step.
 */

import type { ErrorDetails } from "./errors.ts";

export interface Follower {
  readonly step: (name: string) => void;
  readonly process: (name: string) => void;
}

const followers = new Set<Follower>();

/** Tells this one of every step from now on, in clones of this process too. */
export function follow(follower: Follower): void {
  followers.add(follower);
}

/** Tells it no more. */
export function unfollow(follower: Follower): void {
  followers.delete(follower);
}

let current: string | undefined;

/** What begins now, as in `mounts`. */
export function step(name: string): void {
  current = name;
  if (followers.size === 0) return;
  for (const follower of followers) follower.step(name);
}

/** The details of an error with the step in which it came, where they do not name one. */
export function withStage(details: ErrorDetails): ErrorDetails {
  return current === undefined ? details : { stage: current, ...details };
}

/** What this process is, as in `init`. */
export function nameProcess(name: string): void {
  for (const follower of followers) follower.process(name);
}
