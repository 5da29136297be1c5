/** For the tests of the rules: a configuration in which everything is right, and what is said after one change. */
import { Findings, format } from "../findings.ts";
import type { Spec } from "../types.ts";
import { specRules } from "./all.ts";

/** A configuration as a test changes it. */
// biome-ignore lint/suspicious/noExplicitAny: a test writes what the types forbid.
export type Draft = any;

/** A small configuration that no rule objects to. */
export function rightSpec(): Draft {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/" },
    linux: {
      namespaces: ["pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time"].map((type) => ({ type })),
    },
  };
}

/** What the rules say of `rightSpec()` after `change`: problems, then warnings. */
export function verdictAfter(change: (spec: Draft) => void): string[] {
  const spec: Draft = rightSpec();
  change(spec);
  const findings = new Findings();
  specRules(spec as Spec, findings);
  return [...findings.problems.map(format), ...findings.warnings.map((warning) => `warning: ${format(warning)}`)];
}

/** Takes the namespaces of these types away. */
export function without(spec: Draft, ...types: string[]): void {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }: Draft) => !types.includes(type));
}

/** A change that sets one property, named as in `linux.seccomp`. */
export function put(path: string, value: unknown): (spec: Draft) => void {
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  return (spec) => {
    let at = spec;
    for (const step of steps) at = at[step];
    at[last] = value;
  };
}
