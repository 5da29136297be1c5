/** Carries bytes between the caller's terminal and the container's, without loss. */
import { POLLIN, POLLOUT } from "../linux/constants.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import { readSome, setNonblocking, writeAll, writeSome } from "../linux/file.ts";
import type { Wait } from "../linux/socket.ts";
import { getTerminal, getWindowSize, isTerminal, makeRaw, setTerminal, setWindowSize } from "../linux/tty.ts";

const chunk = 65536;

/** Starts the relay: the caller's terminal, if stdin is one, is raw from now on and restored at the end. */
export function relayTerminal(master: Fd): Relay {
  return new Relay(master);
}

class Relay implements Disposable {
  readonly #master: Fd;
  readonly #saved: Uint8Array | undefined;
  /** Input that the container has not taken yet. */
  #pending: Uint8Array | undefined;
  #hasInput = true;
  #hasOutput = true;

  constructor(master: Fd) {
    this.#master = master;
    setNonblocking(master);
    if (isTerminal(stdio.in)) {
      this.#saved = getTerminal(stdio.in);
      setTerminal(stdio.in, makeRaw(this.#saved));
      this.resize();
    }
  }

  /** What the caller's loop is to wait for besides its own descriptors. */
  waits(): readonly Wait[] {
    return [
      { fd: this.#master, events: (this.#hasOutput ? POLLIN : 0) | (this.#pending === undefined ? 0 : POLLOUT) },
      ...(this.#hasInput && this.#pending === undefined ? [{ fd: stdio.in, events: POLLIN }] : []),
    ];
  }

  /** @param events what poll said of `waits()`, in order */
  serve([master = 0, input = 0]: readonly number[]): void {
    if (this.#pending !== undefined && (master & POLLOUT) !== 0) this.#pending = writeSome(this.#master, this.#pending);
    if (master !== 0 && this.#hasOutput) this.#copyOutput();
    if (input !== 0) {
      const bytes = readSome(stdio.in, chunk);
      if (bytes === "again") return;
      this.#hasInput = bytes.length > 0;
      if (bytes.length > 0) this.#pending = writeSome(this.#master, bytes);
    }
  }

  #copyOutput(): "more" | "none" {
    const bytes = readSome(this.#master, chunk);
    if (bytes === "again") return "none";
    if (bytes.length === 0) {
      this.#hasOutput = false;
      return "none";
    }
    writeAll(stdio.out, bytes, "stdout");
    return "more";
  }

  /** Copies what the program wrote before it ended. */
  drain(): void {
    while (this.#hasOutput && this.#copyOutput() === "more") {
      // the terminal holds at most a few pages
    }
  }

  /** Gives the container's terminal the size of the caller's. */
  resize(): void {
    if (isTerminal(stdio.in)) setWindowSize(this.#master, getWindowSize(stdio.in));
  }

  [Symbol.dispose](): void {
    if (this.#saved !== undefined) setTerminal(stdio.in, this.#saved);
  }
}

export type { Relay };
