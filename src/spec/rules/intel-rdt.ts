/** linux.intelRdt (config-linux.md). */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { requireOneLine } from "./text.ts";

/** Each schema is one line of a file of resctrl, and closID the name of a directory in it. */
export function intelRdtRule(spec: Spec, findings: Findings): void {
  const rdt = spec.linux?.intelRdt;
  if (rdt === undefined) return;
  const { closID, l3CacheSchema = "", memBwSchema } = rdt;
  if (closID !== undefined && closID !== "/" && (/[/\n]/.test(closID) || ["", ".", ".."].includes(closID))) {
    findings.problem("linux.intelRdt.closID", `must be "/" or the name of a directory, not ${describe(closID)}`);
  }
  requireOneLine("linux.intelRdt.l3CacheSchema", l3CacheSchema, findings);
  if (memBwSchema !== undefined && !memBwSchema.startsWith("MB:")) {
    findings.problem("linux.intelRdt.memBwSchema", `must start with "MB:", not ${describe(memBwSchema)}`);
  }
  requireOneLine("linux.intelRdt.memBwSchema", memBwSchema ?? "", findings);
  for (const [index, line] of (rdt.schemata ?? []).entries()) {
    requireOneLine(`linux.intelRdt.schemata[${index}]`, line, findings);
  }
}
