/** linux.memoryPolicy as set_mempolicy(2) takes it, and linux.intelRdt (config-linux.md). */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { requireNumberList, requireOneLine } from "./text.ts";

const withoutNodes: readonly string[] = ["MPOL_DEFAULT", "MPOL_LOCAL"];
/** set_mempolicy(2) lets only MPOL_PREFERRED choose: without nodes it means the local one. */
const optionalNodes = "MPOL_PREFERRED";

/** Some modes take no nodes, others need them; two flags give the node numbers opposite meanings. */
export function memoryPolicyRule(spec: Spec, findings: Findings): void {
  const policy = spec.linux?.memoryPolicy;
  if (policy === undefined) return;
  const { mode, nodes = "", flags = [] } = policy;
  requireNumberList("linux.memoryPolicy.nodes", nodes, findings);
  const empty = nodes.trim() === "";
  if (withoutNodes.includes(mode)) {
    if (!empty) findings.problem("linux.memoryPolicy.nodes", `must be absent with ${mode}`);
  } else if (empty && mode !== optionalNodes) findings.problem("linux.memoryPolicy.nodes", `is required with ${mode}`);
  if (flags.includes("MPOL_F_RELATIVE_NODES") && flags.includes("MPOL_F_STATIC_NODES")) {
    findings.problem("linux.memoryPolicy.flags", "must not have both MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES");
  }
}

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
