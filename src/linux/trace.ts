/**
 * `--trace`: a timeline of every step and system call, in the Trace Event Format that Perfetto and chrome://tracing open.
 *
 * The file is an array whose end is left out, as the format allows, so that several processes and commands can add to it:
 * each event is a line, and lines are appended. Times are microseconds of CLOCK_MONOTONIC, the same in every process. A
 * process is a thread of the command it belongs to, for its pid in a namespace of its own says nothing outside.
 */
import { type Argument, encodeUtf8, syscall } from "host";
import * as NR from "#nr";
import { follow, unfollow } from "../base/steps.ts";
import { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, SEEK_END } from "./constants.ts";
import { errnoName } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { timespec } from "./layouts.ts";
import { type Interposer, interpose } from "./raw.ts";

/** Events are held back up to this many, so that tracing adds few calls of its own. */
const heldBack = 256;

/** Children of one process that get a number of their own. */
const siblings = 64;

/** A step or a call; times are microseconds. */
interface Span {
  readonly name: string;
  readonly cat: "step" | "syscall";
  readonly begin: number;
  readonly end: number;
  readonly about: Argument | undefined;
  readonly result: number;
}

/** What is written when: a span is made into text only at the end of a step, so that little of that is in any step. */
class Trace {
  readonly fd: number;
  readonly #command: number;
  /** struct timespec, in halves: a number is read from it faster than a bigint. */
  readonly #clock = new Uint32Array(timespec.size / 4);
  readonly #clockBytes = new Uint8Array(this.#clock.buffer);
  #thread = 1;
  #children = 0;
  #lines = "";
  #spans: Span[] = [];
  #step: { readonly name: string; readonly begin: number } | undefined;

  constructor(file: Fd, command: string) {
    this.fd = file.number;
    this.#command = syscall("getpid", NR.getpid);
    this.#meta("process_name", command);
    this.process("host side");
    const end = this.#read(CLOCK_MONOTONIC);
    const begin = end - this.#read(CLOCK_PROCESS_CPUTIME_ID);
    this.#spans.push({ name: "seal and engine", cat: "step", begin, end, about: null, result: 0 });
  }

  process = (name: string): void => this.#meta("thread_name", name);

  step = (name: string): void => {
    this.#endStep();
    this.flush();
    this.#step = { name, begin: this.#read(CLOCK_MONOTONIC) };
  };

  perform: Interposer["perform"] = (name, number, a, b, c, d, e, f) => {
    if (name === "clone3") this.#beforeClone();
    if (name === "exit_group") this.end();
    const begin = this.#read(CLOCK_MONOTONIC);
    const result = syscall(name, number, a, b, c, d, e, f);
    if (name === "clone3" && result === 0) this.#becomeChild();
    else {
      const end = this.#read(CLOCK_MONOTONIC);
      const about = isText(a) ? a : isText(b) ? b : isText(c) ? c : isText(d) ? d : isText(e) ? e : f;
      this.#spans.push({ name, cat: "syscall", begin, end, about, result });
      if (this.#spans.length > heldBack) this.flush();
    }
    return result;
  };

  #stop(): void {
    interpose(undefined);
    unfollow(this);
  }

  /** Writes what was held back. A trace that cannot be written is given up: the command matters more. */
  flush(): void {
    const lines = encodeUtf8(this.#lines + this.#spans.map(this.#line).join(""));
    this.#lines = "";
    this.#spans = [];
    if (lines.length > 0 && syscall("write", NR.write, this.fd, lines, lines.length) !== lines.length) this.#stop();
  }

  end = (): void => {
    this.#endStep();
    this.flush();
    this.#stop();
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
    if (this.#step === undefined) return;
    const { name, begin } = this.#step;
    this.#spans.push({ name, cat: "step", begin, end: this.#read(CLOCK_MONOTONIC), about: null, result: 0 });
    this.#step = undefined;
  }

  #meta(name: string, value: string): void {
    this.#lines += `${this.#event(name, "M")},"args":{"name":${JSON.stringify(value)}}},\n`;
  }

  #line = ({ name, cat, begin, end, about, result }: Span): string => {
    const span = `${this.#event(name, "X")},"cat":"${cat}","ts":${rounded(begin)},"dur":${rounded(end - begin)}`;
    if (cat === "step") return `${span}},\n`;
    const subject = isText(about) ? `"about":${JSON.stringify(about)},` : "";
    return `${span},"args":{${subject}"result":${result < 0 ? `"${errnoName(-result)}"` : result}}},\n`;
  };

  /** The fields that all events have; a name is one of ours, without quotes. */
  #event(name: string, phase: "M" | "X"): string {
    return `{"pid":${this.#command},"tid":${this.#thread},"name":"${name}","ph":"${phase}"`;
  }

  #read(clock: number): number {
    syscall("clock_gettime", NR.clock_gettime, clock, this.#clockBytes);
    // Seconds that a machine is up for fit in one half, nanoseconds always do.
    return (this.#clock[0] as number) * 1e6 + (this.#clock[2] as number) / 1e3;
  }
}

function isText(argument: Argument | undefined): argument is string {
  return typeof argument === "string" && argument !== "";
}

/** Nanoseconds are as fine as it gets; a difference of fractions has more digits. */
function rounded(microseconds: number): number {
  return Math.round(microseconds * 1000) / 1000;
}

/**
 * Follows this process and those that it clones, until they execute something else.
 * @param file opened to append; it must stay open
 * @param command what the timeline is called
 * @returns what ends the trace of this process
 */
export function startTrace(file: Fd, command: string): () => void {
  if (syscall("lseek", NR.lseek, file.number, 0, SEEK_END) === 0) syscall("write", NR.write, file.number, "[\n", 2);
  const trace = new Trace(file, command);
  interpose(trace);
  follow(trace);
  return trace.end;
}
