/** linux.memoryPolicy as set_mempolicy(2) takes it (config-linux.md). */
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { requireNumberList } from "./text.ts";

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
