/**
 * Errors: one chain, printed once.
 *
 * Each caller adds only what it knows, action first, lower case, no full stop:
 * `create "web": mount "/proc": fsmount(): EPERM`. Code either throws or logs, never both. Broken invariants (the
 * programmer's mistakes) are plain Errors and end the process; what users and the kernel do wrong is a BoxError.
 */

/** What a machine may want to know of a failure besides its text; written beside `msg` in the JSON log. */
export interface ErrorDetails {
  /** Step of the operation, as in `createContainer hook`. */
  readonly stage?: string;
  /** Name of the system call that failed. */
  readonly syscall?: string;
  /** Name of the kernel's answer, as in `EPERM`. */
  readonly errno?: string;
  /** Path that the failed call was about. */
  readonly path?: string;
  /** What the user can do about it. */
  readonly hint?: string;
}

/** An error with a text for people and details for machines. */
export class BoxError extends Error {
  override readonly name: string = "BoxError";
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.details = details;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Puts `what` before the message of a BoxError; anything else (a broken invariant) passes unchanged. */
export function addContext(what: string, thrown: unknown): unknown {
  if (!(thrown instanceof BoxError)) return thrown;
  const wrapped = new BoxError(`${what}: ${thrown.message}`, thrown.details);
  if (thrown.stack !== undefined) wrapped.stack = thrown.stack;
  return wrapped;
}

/** Runs `action`; a BoxError out of it gets `what` before its message. What takes work to say is said by a function. */
export function within<T>(what: string | (() => string), action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    throw addContext(typeof what === "string" ? what : what(), thrown);
  }
}
