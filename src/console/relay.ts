/** Carries bytes between the caller's terminal and the container's, without loss. */
import { EIO, POLLIN, POLLOUT } from "../linux/constants.ts";
import { Fd, stdio } from "../linux/fd.ts";
import { readSome, setNonblocking, writeSome } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { poll, type Wait } from "../linux/socket.ts";
import {
  getTerminal,
  getWindowSize,
  isTerminal,
  keepNewlines,
  makeRaw,
  openSlave,
  setTerminal,
  setWindowSize,
} from "../linux/tty.ts";

const chunk = 65536;

/** PIPE_BUF: what a write takes without waiting once poll(2) has said that there is room, pipe(7). */
const atOnce = 4096;

/** Starts the relay: the caller's terminal, if stdin is one, is raw from now on and restored at the end. */
export function relayTerminal(master: Fd): Relay {
  return new Relay(master);
}

/** Makes the container's terminal fit for where its output goes. Before the program writes to it. */
export function fitOutput(master: Fd): void {
  fitWindow(master);
  // A file, or a program that reads, has no use for the carriage returns of a screen.
  if (!isTerminal(stdio.out)) setTerminal(master, keepNewlines(getTerminal(master)));
}

/** Gives the container's terminal the size of the caller's, if that has one. */
export function fitWindow(master: Fd): void {
  if (isTerminal(stdio.in)) setWindowSize(master, getWindowSize(stdio.in));
}

/** In a list of waits: nothing to wait for. poll(2) passes over it. */
const nothing: Wait = { fd: new Fd(-1), events: 0 };

class Relay implements Disposable {
  readonly #master: Fd;
  /** Held open: when the last of these is closed, poll(2) tells POLLHUP of the master at once, each time it is asked. */
  readonly #slave: Fd;
  readonly #saved: Uint8Array | undefined;
  /** Input that the container has not taken yet, and output that the caller has not. */
  #input: Uint8Array | undefined;
  #output: Uint8Array | undefined;
  #hasInput = true;
  #hasOutput = true;

  constructor(master: Fd) {
    this.#master = master;
    setNonblocking(master);
    this.#slave = openSlave(master);
    if (isTerminal(stdio.in)) {
      this.#saved = getTerminal(stdio.in);
      setTerminal(stdio.in, makeRaw(this.#saved));
    }
  }

  /** What the caller's loop is to wait for besides its own descriptors. */
  waits(): readonly Wait[] {
    const events =
      (this.#hasOutput && this.#output === undefined ? POLLIN : 0) | (this.#input === undefined ? 0 : POLLOUT);
    return [
      events === 0 ? nothing : { fd: this.#master, events },
      this.#hasInput && this.#input === undefined ? { fd: stdio.in, events: POLLIN } : nothing,
      this.#output === undefined ? nothing : { fd: stdio.out, events: POLLOUT },
    ];
  }

  /** @param events what poll said of `waits()`, in order */
  serve([master = 0, input = 0, output = 0]: readonly number[]): void {
    if (this.#input !== undefined && (master & POLLOUT) !== 0) this.#input = writeSome(this.#master, this.#input);
    if (output !== 0) this.#writeOutput();
    if (master !== 0 && this.#hasOutput) this.#copyOutput();
    if (input !== 0) {
      const bytes = readSome(stdio.in, chunk);
      if (bytes === "again") return;
      this.#hasInput = bytes.length > 0;
      if (bytes.length > 0) this.#input = writeSome(this.#master, bytes);
    }
  }

  /**
   * Called when there is room: the caller's stdout may wait in write(2), and signals would with it. A caller that reads no
   * more does not end the program: what it prints is lost, as on a closed terminal.
   */
  #writeOutput(): void {
    const output = this.#output;
    if (output === undefined) return;
    const rest = writeSome(stdio.out, output.subarray(0, atOnce));
    const written = Math.min(atOnce, output.length) - (rest?.length ?? 0);
    this.#output = written < output.length ? output.subarray(written) : undefined;
  }

  #copyOutput(): "more" | "none" {
    if (this.#output !== undefined) return "none";
    const bytes = readSome(this.#master, chunk);
    if (bytes === "again") return "none";
    if (bytes.length === 0) {
      this.#hasOutput = false;
      return "none";
    }
    this.#output = bytes;
    return "more";
  }

  /**
   * Copies what the program wrote before it ended. The rest is given up where the caller does not read and something
   * asks for the end.
   */
  drain(requests: Fd): void {
    do {
      while (this.#output !== undefined) {
        const events = poll([
          { fd: stdio.out, events: POLLOUT },
          { fd: requests, events: POLLIN },
        ]);
        if (events?.[0] === 0) return;
        this.#writeOutput();
      }
    } while (this.#hasOutput && this.#copyOutput() === "more");
  }

  [Symbol.dispose](): void {
    this.#slave.close();
    if (this.#saved !== undefined) restore(this.#saved);
  }
}

function restore(mode: Uint8Array): void {
  try {
    setTerminal(stdio.in, mode);
  } catch (thrown) {
    // It has been hung up: nobody is there to see it.
    if (!isErrno(thrown, EIO)) throw thrown;
  }
}

export type { Relay };
