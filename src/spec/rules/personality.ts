/** linux.personality (config-linux.md). */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";

/** The specification defines no flag yet; what a future one means cannot be known. */
export function personalityRule(spec: Spec, findings: Findings): void {
  spec.linux?.personality?.flags?.forEach((flag, index) => {
    findings.warning(`linux.personality.flags[${index}]`, `unknown flag ${describe(flag)}`);
  });
}
