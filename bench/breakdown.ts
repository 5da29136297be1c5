/** Where the time of a `run` goes: the steps of many traced ones. */
import { readFileSync, rmSync } from "node:fs";
import { readTimeline, type Thread } from "../src/cli/timeline.ts";
import { bundle } from "./bundles.ts";
import { out, type Place } from "./places.ts";
import { run } from "./shell.ts";
import { median } from "./statistics.ts";

/** Milliseconds, from the start of the command. */
export interface StepFigures {
  readonly side: string;
  readonly name: string;
  readonly begin: number;
  readonly length: number;
  readonly calls: number;
  /** Of its length, what was spent in system calls. */
  readonly inCalls: number;
}

export interface Breakdown {
  /** The steps of the shortest of all runs: what others did to the machine is least in it. */
  readonly shortest: readonly StepFigures[];
  /** The same steps with the medians of all runs. */
  readonly medians: readonly StepFigures[];
}

export function breakDown(place: Place, rounds: number): Breakdown {
  const trace = `${out}/trace.json`;
  rmSync(trace, { force: true });
  const box = place.runtimes.find(({ name }) => name === "box")?.path as string;
  const command = [
    box,
    "--root",
    `${place.state}/trace`,
    "--trace",
    trace,
    "run",
    "--bundle",
    bundle("true"),
    "traced",
  ];
  run([...place.prefix, `${out}/stopwatch`], `do\t${command.join("\t")}\n`.repeat(rounds));
  const runs = Array.from(readTimeline(readFileSync(trace, "utf8"), trace).values(), ({ threads }) =>
    stepsOf([...threads.values()]),
  );
  const end = (steps: readonly StepFigures[]) => Math.max(...steps.map(({ begin, length }) => begin + length));
  const [shortest = []] = runs.toSorted((a, b) => end(a) - end(b));
  const medians = shortest.map((step) => {
    const samples = runs.flatMap((steps) => steps.filter(({ side, name }) => side === step.side && name === step.name));
    const middle = (of: "begin" | "length" | "calls" | "inCalls") => median(samples.map((one) => one[of]));
    return {
      ...step,
      begin: middle("begin"),
      length: middle("length"),
      calls: middle("calls"),
      inCalls: middle("inCalls"),
    };
  });
  return { shortest, medians };
}

function stepsOf(threads: readonly Thread[]): readonly StepFigures[] {
  const zero = Math.min(...threads.flatMap(({ steps }) => steps.map(({ begin }) => begin)));
  return threads.flatMap((thread) => stepsOfThread(thread, zero)).sort((a, b) => a.begin - b.begin);
}

/** A step that comes more than once in one thread has a number. */
function stepsOfThread({ name: side, steps, calls }: Thread, zero: number): readonly StepFigures[] {
  return steps.map((step, index) => {
    const earlier = steps.slice(0, index).filter(({ name }) => name === step.name).length;
    const inside = calls.filter(({ begin }) => begin >= step.begin && begin < step.begin + step.length);
    return {
      side,
      name: earlier === 0 ? step.name : `${step.name} (${earlier + 1})`,
      begin: (step.begin - zero) / 1000,
      length: step.length / 1000,
      calls: inside.length,
      inCalls: inside.reduce((sum, { length }) => sum + length, 0) / 1000,
    };
  });
}
