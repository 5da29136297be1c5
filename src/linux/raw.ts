/**
 * The one way into the kernel.
 *
 * Every system call of box is made by `attempt`, so a trace, and in test builds a fault at any chosen call, cost one
 * function. This room refuses to know anything about containers.
 */
import { type Argument, syscall, syscallEach } from "host";
import { BoxError, type ErrorDetails } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { EINTR } from "./constants.ts";
import { errnoName, errnoText } from "./errno.ts";

/** A system call that the kernel refused. */
export class SyscallError extends BoxError {
  override readonly name = "SyscallError";
  readonly errno: number;

  constructor(call: string, errno: number, about: string | undefined) {
    const errnoLabel = errnoName(errno);
    const details: ErrorDetails = about === undefined ? {} : { path: about };
    super(`${call}(${about === undefined ? "" : quote(about, 4096)}): ${errnoText(errno)} (${errnoLabel})`, {
      syscall: call,
      errno: errnoLabel,
      ...details,
    });
    this.errno = errno;
  }
}

/** What stands between the calls and the kernel: the trace, and in test builds the faults. */
export interface Interposer {
  /** Makes the call, or another answer. */
  readonly perform: Perform;
  /** A descriptor of its own, to be spared where all others are closed. */
  readonly fd: number | undefined;
  /** Told when no descriptor can be spared any more: it ends with this. */
  readonly end: () => void;
}

/** Six parameters in place of a list: a start makes 400 calls, and the engine interprets each step. */
type Perform = (
  name: string,
  number: number,
  a?: Argument,
  b?: Argument,
  c?: Argument,
  d?: Argument,
  e?: Argument,
  f?: Argument,
) => number;

/**
 * Performs a call and returns the kernel's answer as it is: 0 or more, or -errno. Interrupted calls are made again, but for
 * close, which has happened all the same. The host's own function, so that a call takes no step of the interpreter more.
 */
export let attempt: Perform = syscall;

/**
 * The same call for each bit that is set in `mask`, with the bit's number as its second argument, up to the first that is
 * refused. @returns the last answer
 */
export let attemptEach: (name: string, number: number, first: Argument, mask: bigint) => number = syscallEach;

let interposer: Interposer | undefined;

/** Puts something between all calls of this process and the kernel; undefined takes it away. */
export function interpose(next: Interposer | undefined): void {
  interposer = next;
  attempt = next === undefined ? syscall : withRepetition(next.perform);
  attemptEach = next === undefined ? syscallEach : oneByOne;
}

function oneByOne(name: string, number: number, first: Argument, mask: bigint): number {
  let result = 0;
  for (let bit = 0, rest = mask; rest !== 0n && result >= 0; bit++, rest >>= 1n)
    if ((rest & 1n) !== 0n) result = attempt(name, number, first, bit, 0, 0, 0);
  return result;
}

/** An interposer may say that a call was interrupted. */
function withRepetition(perform: Perform): Perform {
  return (name, number, a, b, c, d, e, f) => {
    for (;;) {
      const result = perform(name, number, a, b, c, d, e, f);
      if (result !== -EINTR || name === "close") return result;
    }
  };
}

/** What stands there now. */
export function interposed(): Interposer | undefined {
  return interposer;
}

/**
 * Performs a call that must succeed.
 * @param about what the call is about (a path, a name), for the error's text
 * @throws SyscallError
 */
export function call(
  about: string | undefined,
  name: string,
  number: number,
  a?: Argument,
  b?: Argument,
  c?: Argument,
  d?: Argument,
  e?: Argument,
): number {
  const result = attempt(name, number, a, b, c, d, e);
  if (result < 0) throw new SyscallError(name, -result, about);
  return result;
}

/** Whether something thrown is a refused call with one of these errno values. */
export function isErrno(thrown: unknown, ...errnos: readonly number[]): thrown is SyscallError {
  return thrown instanceof SyscallError && errnos.includes(thrown.errno);
}
