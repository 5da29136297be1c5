import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { type CgroupManager, context } from "./context.ts";
import { type Need, toRunAContainer } from "./facts.ts";
import { Lab } from "./lab.ts";
import { patient } from "./patience.ts";
import type { TakesRoot } from "./takes-root.ts";

export interface Conditions {
  /** Beyond what running any container takes. */
  needs?: Need[];
  /** What only root can do of it: an ordinary user skips it. */
  root?: TakesRoot | undefined;
  /** No container is run: nothing is needed but the binary. */
  bare?: boolean;
  /** Who makes the cgroups, where it is not whom the run is for. */
  cgroupManager?: CgroupManager;
  /** A promise of box's own, and which; other runtimes skip it. */
  boxOnly?: string;
  /** The part of the OCI runtime specification that the test rests on. */
  clause?: string;
  /** Milliseconds after which it counts as hanging, on a machine of common speed. */
  limit?: number;
}

export type Body = (lab: Lab, t: TestContext) => Promise<void> | void;

/** A runtime that is known to fail a test of the contract, and why. */
interface KnownFailure {
  runtime: string;
  version: string;
  test: string;
  why: string;
  /** It is a race, which the runtime sometimes wins. */
  sometimes?: boolean;
}

/** What is known was seen as root. */
const knownFailures = (
  JSON.parse(readFileSync(new URL("../known-failures.json", import.meta.url), "utf8")) as KnownFailure[]
).filter(
  ({ runtime, version }) =>
    context.user === undefined && runtime === context.runtime.name && context.runtime.version.startsWith(version),
);

export type Scenario = (name: string, ...rest: [Body] | [Conditions, Body]) => void;

/** Declares the tests of one feature. A test's id is `feature: name`. */
export function feature(title: string, common: Conditions = {}): Scenario {
  let number = 0;
  return (name, ...rest) => {
    const [conditions, body] = rest.length === 1 ? [{}, rest[0]] : rest;
    const id = `${title}: ${name}`;
    const stem = `${context.token}-${title.replaceAll(/[^a-z0-9]+/gi, "-")}-${++number}`;
    if (!new RegExp(context.only || "^", "i").test(id)) return;
    const all = { ...common, ...conditions, needs: [...(common.needs ?? []), ...(conditions.needs ?? [])] };
    const skip = reasonToSkip(all);
    const { clause, limit = 60_000 } = all;
    test(id, { timeout: patient(limit), ...(skip ? { skip } : {}) }, async (t) => {
      const known = knownFailures.find((each) => each.test === id);
      try {
        await inLab(new Lab(stem, all.cgroupManager ?? context.cgroupManager), t, body);
      } catch (error) {
        if (known) {
          t.skip(`${known.runtime} is known to fail: ${known.why} (${clause ?? "no clause"})`);
          return;
        }
        if (clause && error instanceof Error) error.message += `\nthe test rests on: ${clause}`;
        throw error;
      }
      if (known && !known.sometimes)
        throw new Error("passes, but known-failures.json says that it fails: remove the entry");
    });
  };
}

function reasonToSkip({ needs = [], root, bare, boxOnly }: Conditions): string | undefined {
  if (boxOnly !== undefined && context.runtime.name !== "box") return `a promise of box's own: ${boxOnly}`;
  if (root !== undefined && context.user !== undefined) return `takes root: ${root}`;
  const unmet = [...(bare ? [] : toRunAContainer), ...needs].find((need) => context.facts[need] !== "");
  return unmet && `needs ${unmet}: ${context.facts[unmet]}`;
}

async function inLab(lab: Lab, t: TestContext, body: Body): Promise<void> {
  let failure: unknown;
  try {
    await body(lab, t);
  } catch (error) {
    failure = error;
  }
  const left = await lab.close().catch((error: Error) => [error.message]);
  if (failure === undefined && left.length > 0) failure = new Error(`left behind:\n  ${left.join("\n  ")}`);
  else if (failure instanceof Error && left.length > 0) failure.message += `\nand left behind:\n  ${left.join("\n  ")}`;
  if (failure === undefined) {
    lab.removeFiles();
    return;
  }
  const keep = context.keep;
  const stuck = await lab.sweep(keep);
  if (failure instanceof Error) {
    if (keep) failure.message += `\nkept: ${lab.dir}`;
    if (stuck.length > 0) failure.message += `\ncould not be removed: ${stuck.join("; ")}`;
  }
  throw failure;
}
