/**
 * Runs cases interleaved: a round runs each case with each runtime once, in a random order, so that a busy moment of the
 * machine and what one container leaves to the kernel (a network namespace is taken down after its container) strike all
 * alike. Node only writes the schedule and reads the times: stopwatch.c runs it.
 */
import { type Case, driverOf, type Step } from "./cases.ts";
import { out } from "./places.ts";
import { run } from "./shell.ts";

/** The samples of one figure, by round; of a `memory` step there are no times. */
export interface Samples {
  readonly milliseconds: number[];
  /** Processor time, in milliseconds. */
  readonly processor: number[];
  /** The largest resident set of any process, in MiB. */
  readonly mebibytes: number[];
}

/** One case with one runtime, or with its reference. */
interface Strand {
  readonly of: Case;
  readonly subject: string;
  readonly prepare: readonly Step[];
  readonly round: readonly Step[];
  readonly finish: readonly Step[];
}

/** Samples by case, figure and runtime. */
export type Results = Map<Case, Map<string, Map<string, Samples>>>;

type Line = readonly [strand: Strand, step: Step, kept: boolean];

/** @param cases of one session */
export function measure(cases: readonly Case[], rounds: number): Results {
  const strands = cases.flatMap(strandsOf);
  const warmUp = 1 + Math.floor(rounds / 20);
  const schedule: Line[] = braid(strands, ({ prepare }) => prepare);
  for (let index = -warmUp; index < rounds; index++) {
    const takePart = strands.filter(({ of: { every } }) => index % every === 0);
    schedule.push(...shuffled(takePart).flatMap((strand) => lines(strand, strand.round, index >= 0)));
  }
  schedule.push(...braid(strands, ({ finish }) => finish));

  const input = schedule.map(([, { verb, words }]) => `${[verb, ...words].join("\t")}\n`).join("");
  const answers = run([...(cases[0] as Case).place.prefix, `${out}/stopwatch`], input)
    .trimEnd()
    .split("\n");
  const timed = schedule.filter(([, { figure }]) => figure !== undefined);
  if (answers.length !== timed.length)
    throw new Error(`stopwatch: ${answers.length} answers to ${timed.length} questions`);
  return collect(timed, answers);
}

function strandsOf(one: Case): readonly Strand[] {
  const strands: Strand[] = one.place.runtimes.map((runtime) => {
    const driver = driverOf(one, runtime);
    return {
      of: one,
      subject: runtime.name,
      prepare: one.prepare(driver),
      round: one.round(driver),
      finish: one.finish(driver),
    };
  });
  if (one.reference !== undefined) {
    const { name, argv } = one.reference;
    const round: Step[] = [{ verb: "time", words: argv, figure: "" }];
    strands.push({ of: one, subject: name, prepare: [], round, finish: [] });
  }
  return strands;
}

function lines(strand: Strand, steps: readonly Step[], kept = true): readonly Line[] {
  return steps.map((step) => [strand, step, kept]);
}

/** A step of each in turn. */
function braid(strands: readonly Strand[], steps: (strand: Strand) => readonly Step[]): Line[] {
  const all = strands.map((strand) => lines(strand, steps(strand)));
  const length = Math.max(...all.map((own) => own.length));
  return Array.from({ length }, (_, index) => all.flatMap((own) => own.slice(index, index + 1))).flat();
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

function collect(timed: readonly Line[], answers: readonly string[]): Results {
  const results: Results = new Map();
  for (const [index, [{ of, subject }, { verb, figure = "" }, kept]] of timed.entries()) {
    if (!kept) continue;
    const numbers = (answers[index] as string).split(" ").map(Number);
    const samples = samplesOf(results, of, figure, subject);
    if (verb === "memory") samples.mebibytes.push((numbers[0] as number) / 1024);
    else {
      const [elapsed = NaN, processor = NaN, peak = NaN] = numbers;
      samples.milliseconds.push(elapsed / 1e6);
      samples.processor.push(processor / 1e6);
      samples.mebibytes.push(peak / 1024);
    }
  }
  for (const [{ sums }, figures] of results)
    for (const [name, parts] of Object.entries(sums)) figures.set(name, sum(parts.map((part) => figures.get(part))));
  return results;
}

function samplesOf(results: Results, of: Case, figure: string, subject: string): Samples {
  const figures = results.get(of) ?? new Map<string, Map<string, Samples>>();
  results.set(of, figures);
  const subjects = figures.get(figure) ?? new Map<string, Samples>();
  figures.set(figure, subjects);
  const samples = subjects.get(subject) ?? { milliseconds: [], processor: [], mebibytes: [] };
  subjects.set(subject, samples);
  return samples;
}

/** Round by round. */
function sum(parts: readonly (Map<string, Samples> | undefined)[]): Map<string, Samples> {
  const [first = new Map<string, Samples>()] = parts;
  return new Map(
    Array.from(first.keys(), (subject) => {
      const samples = parts.flatMap((part) => part?.get(subject) ?? []);
      const add = (kind: "milliseconds" | "processor") =>
        (samples[0] as Samples)[kind].map((_, round) =>
          samples.reduce((total, one) => total + (one[kind][round] as number), 0),
        );
      return [subject, { milliseconds: add("milliseconds"), processor: add("processor"), mebibytes: [] }];
    }),
  );
}

/** Samples by the names of the case, the figure and the runtime; the reference of any case is `floor`. */
export type Lookup = (name: string, figure: string, subject: string) => Samples | undefined;

export function lookup(results: Results): Lookup {
  return (name, figure, subject) => {
    for (const [one, figures] of results)
      if (one.name === name)
        return figures.get(figure)?.get(subject === "floor" ? (one.reference?.name ?? subject) : subject);
    return undefined;
  };
}
