/** Signals of this process: masks, dispositions, and signals as readable events: sigprocmask(2), signalfd(2). */

import * as NR from "#nr";
import { EAGAIN, SFD_CLOEXEC, SFD_NONBLOCK, SIG_SETMASK, SIGPIPE, SIGXFSZ } from "./constants.ts";
import { Fd } from "./fd.ts";
import { sigaction, signalfd_siginfo } from "./layouts.ts";
import { attempt, call, SyscallError } from "./raw.ts";

const setSize = 8;

/** Blocks exactly these signals (all of them: `2n ** 64n - 1n`). Bit n-1 stands for signal n. */
export function setSignalMask(mask: bigint): void {
  call(undefined, "rt_sigprocmask", NR.rt_sigprocmask, SIG_SETMASK, new BigUint64Array([mask]), null, setSize);
}

export const everySignal = 2n ** 64n - 1n;

/** The mask of several signals. */
export function maskOf(signals: readonly number[]): bigint {
  return signals.reduce((mask, signal) => mask | (1n << BigInt(signal - 1)), 0n);
}

const byDefault = sigaction.encode({});
const ignored = sigaction.encode({ sa_handler: 1 });

/** Gives what is ignored its default action back. native/main.c ignores it at the start, and gives all others theirs. */
export function resetDispositions(): void {
  setAction(SIGPIPE, byDefault);
  setAction(SIGXFSZ, byDefault);
}

/**
 * As at the start: lets a write to a closed pipe (EPIPE) or beyond RLIMIT_FSIZE (EFBIG) fail in place of ending the process.
 * Signals of such writes that are pending, which ignored ones can be while they are blocked, are forgotten: sigaction(2).
 */
export function ignoreFailedWrites(): void {
  setAction(SIGPIPE, ignored);
  setAction(SIGXFSZ, ignored);
}

function setAction(signal: number, action: Uint8Array): void {
  call(`${signal}`, "rt_sigaction", NR.rt_sigaction, signal, action, null, setSize);
}

/** A descriptor from which the blocked signals of `mask` are read: signalfd(2). */
export function signalFd(mask: bigint): Fd {
  const flags = SFD_CLOEXEC | SFD_NONBLOCK;
  return new Fd(call(undefined, "signalfd4", NR.signalfd4, -1, new BigUint64Array([mask]), setSize, flags));
}

/** The next signal that has come; undefined when there is none. */
export function readSignal(fd: Fd): number | undefined {
  const buffer = new Uint8Array(signalfd_siginfo.size);
  const result = attempt("read", NR.read, fd.number, buffer, buffer.length);
  if (result === -EAGAIN) return undefined;
  if (result < 0) throw new SyscallError("read", -result, "signalfd");
  return signalfd_siginfo.get(buffer, "ssi_signo");
}
