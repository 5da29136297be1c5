/**
 * Where an operation is, told to whoever follows it (`--trace`); costs a call when nobody does.
 *
 * A step lasts until the next one of the same process. A process that is cloned says what it is before its first step.
 */

export interface Follower {
  readonly step: (name: string) => void;
  readonly process: (name: string) => void;
}

let follower: Follower | undefined;

export function follow(next: Follower | undefined): void {
  follower = next;
}

/** What begins now, as in `mounts`. */
export function step(name: string): void {
  follower?.step(name);
}

/** What this process is, as in `init`. */
export function nameProcess(name: string): void {
  follower?.process(name);
}
