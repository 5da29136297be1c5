/**
 * `run` and `exec` in the foreground: the caller's signals go to the program, its terminal is the program's, its end is ours.
 *
 * Made before the container, so that no signal is lost between: all of them are blocked and read from a descriptor.
 */
import { BoxError } from "../base/errors.ts";
import { step } from "../base/steps.ts";
import type { Relay } from "../console/relay.ts";
import { POLLIN, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGURG, SIGWINCH } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { type Child, reapOthers, sendSignal, setChildSubreaper, statusOf, waitPidfd } from "../linux/process.ts";
import { everySignal, maskOf, readSignal, setSignalMask, signalFd } from "../linux/signal.ts";
import { poll, type Wait } from "../linux/socket.ts";

/** Something else that is served while the program runs. */
export interface Companion {
  waits(): readonly Wait[];
  /** @param events what poll said of `waits()`, in order */
  serve(events: readonly number[]): void;
}

/**
 * Blocks all signals of this process and reads them; nothing unblocks them again. Owns the terminal's master that it
 * takes.
 */
export class Foreground implements Disposable {
  readonly #signals: Fd;
  #master: Fd | undefined;

  /** @param subreaper whether the container's orphans become children of this process */
  constructor(subreaper: boolean) {
    if (subreaper) setChildSubreaper(true);
    setSignalMask(everySignal);
    this.#signals = signalFd(everySignal);
  }

  /** Before the program runs: its terminal fits the caller's from the first. */
  takeTerminal = (master: Fd): void => {
    relays().fitOutput(master);
    this.#master = master;
  };

  /** Waits until there is something to read. @throws BoxError when a signal that asks for the end comes first */
  awaitReadable = (fd: Fd): void => {
    using requests = requestsToEnd();
    const events = poll([
      { fd, events: POLLIN },
      { fd: requests, events: POLLIN },
    ]);
    if (events?.[0] === 0) throw new BoxError("interrupted by a signal");
  };

  /** Waits for the program's end. @returns its exit status, 128 + N for signal N */
  wait(child: Child, companion?: Companion): number {
    step("program");
    using relay = this.#master === undefined ? undefined : relays().relayTerminal(this.#master);
    for (;;) {
      const own = [
        { fd: child.pidfd, events: POLLIN },
        { fd: this.#signals, events: POLLIN },
        ...(relay?.waits() ?? []),
      ];
      const events = poll([...own, ...(companion?.waits() ?? [])]) ?? [];
      relay?.serve(events.slice(2, own.length));
      companion?.serve(events.slice(own.length));
      if (events[0] === 0) {
        if (events[1] !== 0) this.#forward(child);
        continue;
      }
      const end = waitPidfd(child.pidfd, true);
      if (relay !== undefined) drain(relay);
      return end === undefined ? 0 : statusOf(end);
    }
  }

  #forward(child: Child): void {
    for (let signal = readSignal(this.#signals); signal !== undefined; signal = readSignal(this.#signals)) {
      if (signal === SIGCHLD) reapOthers(child.pid);
      else if (signal === SIGWINCH) this.#fitWindow();
      else if (signal !== SIGURG) sendSignal(child.pidfd, signal);
    }
  }

  #fitWindow(): void {
    if (this.#master !== undefined) relays().fitWindow(this.#master);
  }

  [Symbol.dispose](): void {
    this.#signals.close();
    this.#master?.close();
  }
}

/** For programs that have a terminal. */
function relays(): typeof import("../console/relay.ts") {
  return load("console/relay") as typeof import("../console/relay.ts");
}

/** Tells of the signals that ask a process to end: signal(7). */
function requestsToEnd(): Fd {
  return signalFd(maskOf([SIGHUP, SIGINT, SIGQUIT, SIGTERM]));
}

function drain(relay: Relay): void {
  using requests = requestsToEnd();
  relay.drain(requests);
}
