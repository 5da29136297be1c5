/**
 * What planning refuses of a valid configuration: what box or this host cannot do, with the path of the property.
 *
 * A plan that cannot be made is a Refusal. `each` and `together` go on after the first one and throw all of them at
 * once, so that `create` names several and `validate` lists every one, out of the same code.
 */
import { BoxError } from "../base/errors.ts";
import { type Finding, type Findings, format, summary } from "./findings.ts";

/** What stands in the way of a plan; at least one finding. */
export class Refusal extends BoxError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(summary(findings));
    this.findings = findings;
  }
}

/** Refuses one property. */
export function refuse(path: string, message: string): never {
  throw new Refusal([{ path, message }]);
}

/** As Array.prototype.map. @throws Refusal with everything that was refused of all items */
export function each<Item, Result>(items: readonly Item[], plan: (item: Item, index: number) => Result): Result[] {
  const refused: Finding[] = [];
  const results: Result[] = [];
  items.forEach((item, index) => {
    collect(refused, () => results.push(plan(item, index)));
  });
  if (refused.length > 0) throw new Refusal(refused);
  return results;
}

/** Plans parts that do not need each other. @throws Refusal with everything that was refused of all parts */
export function together<Parts extends object>(plans: { readonly [Name in keyof Parts]: () => Parts[Name] }): Parts {
  const refused: Finding[] = [];
  const parts: Partial<Parts> = {};
  for (const name of Object.keys(plans) as (keyof Parts)[]) {
    collect(refused, () => {
      parts[name] = plans[name]();
    });
  }
  if (refused.length > 0) throw new Refusal(refused);
  return parts as Parts;
}

/**
 * The result of `action`; undefined when it failed, and then the findings have why. Of a path that has a problem already
 * no second one is told: a plan meets again what breaks a rule.
 */
export function gather<T>(findings: Findings, action: () => T): T | undefined {
  try {
    return action();
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    const found = thrown instanceof Refusal ? thrown.findings : [{ path: "", message: thrown.message }];
    const known = new Set(findings.problems.map(({ path }) => path));
    for (const { path, message } of found) if (!known.has(path)) findings.problem(path, message);
    return undefined;
  }
}

function collect(refused: Finding[], plan: () => void): void {
  try {
    plan();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    refused.push(...thrown.findings.filter((one) => !refused.some((other) => format(other) === format(one))));
  }
}
