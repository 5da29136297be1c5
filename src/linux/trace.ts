/**
 * `--trace`: a timeline of every step and system call, in the Trace Event Format that Perfetto and chrome://tracing open.
 *
 * The file is an array whose end is left out, as the format allows, so that several processes and commands can add to it:
 * each event is a line, and lines are appended. Times are microseconds of CLOCK_MONOTONIC, the same in every process. A
 * process is a thread of the command it belongs to, for its pid in a namespace of its own says nothing outside.
 */
import { encodeUtf8, syscall } from "host";
import * as NR from "#nr";
import { follow } from "../base/steps.ts";
import { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, SEEK_END } from "./constants.ts";
import { errnoName } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { timespec } from "./layouts.ts";
import { type Interposer, interpose } from "./raw.ts";

/** Lines are held back up to this many characters, so that tracing adds few calls of its own. */
const heldBack = 32_768;

/** Children of one process that get a number of their own. */
const siblings = 64;

class Trace {
  readonly fd: number;
  readonly #command: number;
  readonly #clock = new Uint8Array(timespec.size);
  #thread = 1;
  #children = 0;
  #lines = "";
  #step: { readonly name: string; readonly begin: number } | undefined;

  constructor(file: Fd, command: string) {
    this.fd = file.number;
    this.#command = syscall(NR.getpid);
    this.#meta("process_name", command);
    this.process("host side");
    const { now } = this;
    const used = this.#read(CLOCK_PROCESS_CPUTIME_ID);
    this.#span("seal and engine", "step", now - used, used, undefined);
  }

  /** Microseconds. */
  get now(): number {
    return this.#read(CLOCK_MONOTONIC);
  }

  process = (name: string): void => this.#meta("thread_name", name);

  step = (name: string): void => {
    this.#endStep();
    this.#step = { name, begin: this.now };
    this.flush();
  };

  perform: Interposer["perform"] = (name, number, a, b, c, d, e, f) => {
    const about = [a, b, c, d, e, f].find((argument) => typeof argument === "string" && argument !== "");
    if (name === "clone3") this.#beforeClone();
    if (name === "exit_group") this.end();
    const begin = this.now;
    const result = syscall(number, a, b, c, d, e, f);
    if (name === "clone3" && result === 0) this.#becomeChild();
    else
      this.#span(name, "syscall", begin, this.now - begin, { about, result: result < 0 ? errnoName(-result) : result });
    return result;
  };

  /** Writes what was held back. A trace that cannot be written is given up: the command matters more. */
  flush(): void {
    const lines = encodeUtf8(this.#lines);
    this.#lines = "";
    if (lines.length > 0 && syscall(NR.write, this.fd, lines, lines.length) !== lines.length) stop();
  }

  end = (): void => {
    this.#endStep();
    this.flush();
    stop();
  };

  #beforeClone(): void {
    this.#children++;
    this.flush();
  }

  #becomeChild(): void {
    this.#thread = this.#thread * siblings + (this.#children % siblings);
    this.#children = 0;
    this.#step = undefined;
    this.process("child");
  }

  #endStep(): void {
    if (this.#step !== undefined)
      this.#span(this.#step.name, "step", this.#step.begin, this.now - this.#step.begin, undefined);
    this.#step = undefined;
  }

  #meta(name: string, value: string): void {
    this.#event({ name, ph: "M", args: { name: value } });
  }

  #span(name: string, cat: "step" | "syscall", ts: number, dur: number, args: object | undefined): void {
    this.#event({ name, cat, ph: "X", ts: rounded(ts), dur: rounded(dur), args });
  }

  #event(event: object): void {
    this.#lines += `${JSON.stringify({ pid: this.#command, tid: this.#thread, ...event })},\n`;
    if (this.#lines.length > heldBack) this.flush();
  }

  #read(clock: number): number {
    syscall(NR.clock_gettime, clock, this.#clock);
    return Number(timespec.get(this.#clock, "tv_sec")) * 1e6 + Number(timespec.get(this.#clock, "tv_nsec")) / 1e3;
  }
}

/** Nanoseconds are as fine as it gets; a difference of fractions has more digits. */
function rounded(microseconds: number): number {
  return Math.round(microseconds * 1000) / 1000;
}

function stop(): void {
  interpose(undefined);
  follow(undefined);
}

/**
 * Follows this process and those that it clones, until they execute something else.
 * @param file opened to append; it must stay open
 * @param command what the timeline is called
 * @returns what ends the trace of this process
 */
export function startTrace(file: Fd, command: string): () => void {
  if (syscall(NR.lseek, file.number, 0, SEEK_END) === 0) syscall(NR.write, file.number, "[\n", 2);
  const trace = new Trace(file, command);
  interpose(trace);
  follow(trace);
  return trace.end;
}
