/** Where the time of a `run` goes: the steps of many traced ones. */
import { readFileSync, rmSync } from "node:fs";
import { readTimeline, type Thread } from "../src/cli/timeline.ts";
import { bundle } from "./bundles.ts";
import { out, type Place } from "./places.ts";
import { run } from "./shell.ts";
import { median } from "./statistics.ts";

/** Medians, in milliseconds from the start of the command. */
export interface StepFigures {
  readonly side: string;
  readonly name: string;
  readonly begin: number;
  readonly length: number;
  readonly calls: number;
  /** Of its length, what was spent in system calls. */
  readonly inCalls: number;
}

export function breakDown(place: Place, rounds: number): readonly StepFigures[] {
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
  const steps = new Map<string, StepFigures[]>();
  for (const { threads } of readTimeline(readFileSync(trace, "utf8"), trace).values()) {
    const all = [...threads.values()];
    const zero = Math.min(...all.flatMap((thread) => thread.steps.map(({ begin }) => begin)));
    for (const one of all.flatMap((thread) => stepsOf(thread, zero)))
      steps.set(`${one.side}\0${one.name}`, [...(steps.get(`${one.side}\0${one.name}`) ?? []), one]);
  }
  return Array.from(steps.values(), (samples) => {
    const middle = (of: "begin" | "length" | "calls" | "inCalls") => median(samples.map((one) => one[of]));
    const [{ side, name }] = samples as [StepFigures];
    return {
      side,
      name,
      begin: middle("begin"),
      length: middle("length"),
      calls: middle("calls"),
      inCalls: middle("inCalls"),
    };
  }).sort((a, b) => a.side.localeCompare(b.side) || a.begin - b.begin);
}

/** A step that comes more than once in one thread has a number. */
function stepsOf({ name: side, steps, calls }: Thread, zero: number): readonly StepFigures[] {
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
