/**
 * The one way into the kernel.
 *
 * Every system call of box passes through `attempt`, so a trace, and in test builds a fault at any chosen call, cost
 * one function. This room refuses to know anything about containers.
 */
import { type Argument, syscall } from "host";
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
  readonly perform: (
    name: string,
    number: number,
    a: Argument | undefined,
    b: Argument | undefined,
    c: Argument | undefined,
    d: Argument | undefined,
    e: Argument | undefined,
    f: Argument | undefined,
  ) => number;
  /** A descriptor of its own, to be spared where all others are closed. */
  readonly fd: number | undefined;
  /** Told when no descriptor can be spared any more: it ends with this. */
  readonly end: () => void;
}

let interposer: Interposer | undefined;

/** Puts something between all calls of this process and the kernel; undefined takes it away. */
export function interpose(next: Interposer | undefined): void {
  interposer = next;
}

/** What stands there now. */
export function interposed(): Interposer | undefined {
  return interposer;
}

/** Performs a call and returns the kernel's answer as it is: 0 or more, or -errno. Interrupted calls are made again. */
// Six parameters in place of a list, and without defaults: a start makes 400 calls, and the engine interprets each step.
export function attempt(
  name: string,
  number: number,
  a?: Argument,
  b?: Argument,
  c?: Argument,
  d?: Argument,
  e?: Argument,
  f?: Argument,
): number {
  for (;;) {
    const result =
      interposer === undefined ? syscall(number, a, b, c, d, e, f) : interposer.perform(name, number, a, b, c, d, e, f);
    if (result !== -EINTR || name === "close") return result;
  }
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
