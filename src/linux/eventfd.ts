/** Events that are counted: eventfd(2). */
import * as NR from "#nr";
import { EAGAIN, EFD_CLOEXEC, EFD_NONBLOCK } from "./constants.ts";
import { Fd } from "./fd.ts";
import { attempt, call, SyscallError } from "./raw.ts";

/** A descriptor that can be read once its counter is above 0. */
export function eventFd(): Fd {
  return new Fd(call(undefined, "eventfd2", NR.eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/** How often the event has happened since the last reading. */
export function readEvents(fd: Fd): bigint {
  const count = new BigUint64Array(1);
  const result = attempt("read", NR.read, fd.number, count, 8);
  if (result === -EAGAIN) return 0n;
  if (result < 0) throw new SyscallError("read", -result, "eventfd");
  return count[0] as bigint;
}

/** What cgroup v1's `cgroup.event_control` takes: which event is to be counted for which of its files. */
export function registration(event: Fd, file: Fd): string {
  return `${event.number} ${file.number}`;
}
