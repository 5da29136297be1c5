/** One job of the fuzzing, in the place that tools/fuzz makes: tries cases in portions, and writes a JSON line for each. */
import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { anyCase, type Case } from "./case.ts";
import { attempt, begin, outcomes } from "./oracle.ts";
import { prepare } from "./place.ts";

/** What run.ts reads, a line each. */
export interface Portion {
  readonly seed: number;
  readonly tried: number;
  /** Of the configurations of this job so far. */
  readonly outcomes: Readonly<typeof outcomes>;
  readonly finding?: { readonly path: string; readonly message: string; readonly case: Case };
}

function tryPortion(seed: number, runs: number, path: string): Omit<Portion, "outcomes"> {
  const details = fc.check(fc.property(anyCase, attempt), {
    seed,
    numRuns: runs,
    path,
    // Smaller is nicer, but a finding is one already.
    interruptAfterTimeLimit: 300_000,
    markInterruptAsFailure: false,
  });
  const { counterexample, counterexamplePath, errorInstance, numRuns } = details;
  if (counterexample === null) return { seed, tried: numRuns };
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { seed, tried: numRuns, finding: { path: counterexamplePath ?? "", message, case: counterexample[0] } };
}

/** What was found once is tried first. */
function tryCorpus(): Omit<Portion, "outcomes"> {
  const names = readdirSync(corpus);
  for (const name of names) {
    const { why, case: found } = JSON.parse(readFileSync(`${corpus}/${name}`, "utf8")) as { why: string; case: Case };
    try {
      attempt(found);
    } catch (thrown) {
      const message = `${corpus}/${name}, once more: ${why}: ${thrown instanceof Error ? thrown.message : thrown}`;
      return { seed: 0, tried: names.length, finding: { path: name, message, case: found } };
    }
  }
  return { seed: 0, tried: names.length };
}

function report(result: Omit<Portion, "outcomes">): void {
  process.stdout.write(`${JSON.stringify({ ...result, outcomes })}\n`);
}

const corpus = "test/fuzz/corpus";
const [first = 0, runs = 0] = [process.env["SEED"], process.env["RUNS"]].map(Number);
const path = process.env["AT"] ?? "";
const portion = 250;
/** So many findings are most likely one, again and again. */
const enough = 10;
prepare("/box");
begin();
report(tryCorpus());
let found = 0;
for (let done = 0, seed = first; done < runs && found < enough; done += portion, seed++) {
  const result = tryPortion(seed, Math.min(portion, runs - done), path);
  if (result.finding !== undefined) found++;
  report(result);
}
