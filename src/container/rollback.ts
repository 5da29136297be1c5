/** Undoes what was made, last first, when an operation fails half-way. */
import { BoxError, messageOf } from "../base/errors.ts";

/** The undoing of one operation; each step of it is tried, whether those before it failed or not. */
export class Rollback {
  #steps: (() => void)[] = [];

  /** Remembers how to undo what is about to be made. */
  add(undo: () => void): void {
    this.#steps.push(undo);
  }

  /** Undoes everything and returns the error to throw: the failure, and every undo that failed as well. */
  failed(thrown: unknown): unknown {
    const failures: string[] = [];
    for (const undo of this.#steps.reverse()) {
      try {
        undo();
      } catch (problem) {
        failures.push(messageOf(problem));
      }
    }
    this.#steps = [];
    if (failures.length === 0 || !(thrown instanceof BoxError)) return thrown;
    return new BoxError(`${thrown.message} (and cleaning up failed: ${failures.join("; ")})`, thrown.details);
  }
}
