/**
 * linux.sysctl: only parameters that belong to a namespace of the container.
 *
 * Anything else is the host's. Whether a namespace that is joined by path is the host's own, the planner finds out.
 */
import { describe } from "../../base/quote.ts";
import { entry, type Findings } from "../findings.ts";
import { hasNamespace } from "../namespaces.ts";
import { sysctlOwner } from "../owners.ts";
import { sysctlComponents } from "../sysctl-key.ts";
import type { Spec } from "../types.ts";
import { requireOneLine } from "./text.ts";

/** Each key names a parameter of a namespace that the container has, and says nothing that another property says. */
export function sysctlRule(spec: Spec, findings: Findings): void {
  for (const [key, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    const path = `linux.sysctl${entry(key)}`;
    requireOneLine(path, value, findings);
    const components = sysctlComponents(key);
    if (components === undefined) {
      findings.problem(path, 'must be a name such as net.core.somaxconn without empty parts or ".."');
      continue;
    }
    const owner = sysctlOwner(components);
    if (owner === undefined) findings.problem(path, "belongs to the whole machine, not to a namespace");
    else if (!hasNamespace(spec, owner)) {
      findings.problem(path, `needs a namespace of type "${owner}" in linux.namespaces`);
    }
    const [, name] = components;
    const rival = owner === "uts" && (name === "hostname" || name === "domainname") ? spec[name] : undefined;
    if (rival !== undefined && rival !== value)
      findings.problem(path, `must not be given beside ${name} ${describe(rival)}`);
  }
}
