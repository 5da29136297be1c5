/** File descriptors as owned, scope-bound objects. The number is for this room alone. */

import * as NR from "#nr";
import { AT_FDCWD } from "./constants.ts";
import { attempt } from "./raw.ts";

/** An open file descriptor. Closed by `using`, by `close`, or given away by `release`. */
export class Fd implements Disposable {
  /** The descriptor, or a negative number once closed or released. Only src/linux reads it. */
  number: number;

  constructor(number: number) {
    this.number = number;
  }

  /** Closes the descriptor; a second call does nothing. */
  close(): void {
    this[Symbol.dispose]();
  }

  /** Gives the number away: whoever takes it closes it. */
  release(): number {
    const number = this.number;
    this.number = -1;
    return number;
  }

  [Symbol.dispose](): void {
    const { number } = this;
    if (number < 0) return;
    this.number = -1;
    attempt("close", NR.close, number);
  }
}

/** A directory to start from: an open one, or the working directory. */
export type At = Fd | "cwd";

/** The number that the *at calls take. */
export function at(directory: At): number {
  return directory === "cwd" ? AT_FDCWD : directory.number;
}

/** Closes all of several descriptors. */
export function closeAll(fds: Iterable<Fd>): void {
  for (const fd of fds) fd.close();
}

/** The three descriptors that a process starts with. They are the caller's and are never closed by scope. */
export const stdio = { in: new Fd(0), out: new Fd(1), error: new Fd(2) } as const;
