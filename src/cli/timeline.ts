/** A `--trace` file (the Trace Event Format, as linux/trace.ts writes it) as a readable table. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

/** A step or a system call; times are microseconds. */
interface Span {
  readonly name: string;
  readonly begin: number;
  readonly length: number;
  /** What the call was about and what came of it. */
  readonly about: string;
  readonly result: string;
}

/** One process of a command. */
export interface Thread {
  name: string;
  readonly steps: Span[];
  readonly calls: Span[];
}

interface Command {
  name: string;
  readonly threads: Map<number, Thread>;
}

export type Timeline = ReadonlyMap<number, Command>;

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly name?: string; readonly about?: string; readonly result?: string | number };
}

/** @throws BoxError naming the line that is no event; the last one may be cut, as a killed process leaves it */
export function readTimeline(text: string, path: string): Timeline {
  const timeline = new Map<number, Command>();
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line === "" || line === "[") continue;
    const event = readEvent(line);
    if (event !== undefined) add(timeline, event);
    else if (index < lines.length - 1) throw new BoxError(`${quote(path)}: line ${index + 1} is not of a --trace file`);
  }
  return timeline;
}

function readEvent(line: string): Event | undefined {
  try {
    const event = JSON.parse(line.replace(/,$/, "")) as Partial<Event> | null;
    const whole = typeof event?.pid === "number" && typeof event.tid === "number" && typeof event.name === "string";
    return whole ? (event as Event) : undefined;
  } catch {
    return undefined;
  }
}

function add(timeline: Map<number, Command>, { ph, name, pid, tid, cat, ts = 0, dur = 0, args = {} }: Event): void {
  const command = timeline.get(pid) ?? { name: `process ${pid}`, threads: new Map<number, Thread>() };
  timeline.set(pid, command);
  const thread = command.threads.get(tid) ?? { name: `process ${tid}`, steps: [], calls: [] };
  command.threads.set(tid, thread);
  if (ph === "M" && name === "process_name") command.name = args.name ?? command.name;
  else if (ph === "M") thread.name = args.name ?? thread.name;
  else if (ph === "X") {
    const about = args.about === undefined ? "" : quote(args.about);
    const span = { name, begin: ts, length: dur, about, result: `${args.result ?? ""}` };
    (cat === "step" ? thread.steps : thread.calls).push(span);
  }
}

/** How many of the longest calls are listed. */
const longest = 10;

/** The table as text, a part for each command in the file. Times in milliseconds from its first step. Pure. */
export function report(timeline: Timeline): string {
  return [...timeline.values()].map((command) => `${reportCommand(command)}\n`).join("\n");
}

function reportCommand({ name, threads }: Command): string {
  const all = [...threads.values()];
  const zero = Math.min(...all.flatMap(({ steps, calls }) => [...steps, ...calls].map(({ begin }) => begin)));
  const rows = [["at", "took", "calls", "in calls", ""]];
  for (const thread of all) {
    rows.push(["", "", "", "", thread.name]);
    for (const span of thread.steps.toSorted((a, b) => a.begin - b.begin)) {
      const inside = thread.calls.filter(({ begin }) => begin >= span.begin && begin < span.begin + span.length);
      const spent = inside.reduce((sum, { length }) => sum + length, 0);
      rows.push([
        milliseconds(span.begin - zero),
        milliseconds(span.length),
        `${inside.length}`,
        milliseconds(spent),
        `  ${span.name}`,
      ]);
    }
  }
  const calls = all
    .flatMap((thread) => thread.calls.map((call) => ({ ...call, thread: thread.name })))
    .sort((a, b) => b.length - a.length)
    .slice(0, longest)
    .map(({ thread, name: call, begin, length, about, result }) => [
      milliseconds(begin - zero),
      milliseconds(length),
      "",
      result,
      `${thread}: ${call}(${about})`,
    ]);
  return `${name}\n${columns(rows)}\n${columns([["at", "took", "", "result", "longest calls"], ...calls])}`;
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(3);
}

/** Four columns of figures, then text. */
function columns(rows: readonly (readonly string[])[]): string {
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === 4 ? cell : cell.padStart(9)))
        .join(" ")
        .trimEnd(),
    )
    .join("\n")
    .concat("\n");
}
