/** Namespaces, id mappings of the user namespace, time offsets (config-linux.md). */
import { entry, type Findings } from "../findings.ts";
import { hasNamespace, hasNewNamespace } from "../namespaces.ts";
import type { Spec } from "../types.ts";
import { idMapRule } from "./id-maps.ts";
import { requireAbsolute } from "./text.ts";

/** Each type at most once; paths absolute. */
export function namespacesRule(spec: Spec, findings: Findings): void {
  const seen = new Set<string>();
  spec.linux?.namespaces?.forEach(({ type, path }, index) => {
    const at = `linux.namespaces[${index}]`;
    if (seen.has(type)) findings.problem(`${at}.type`, `must be given once, but "${type}" is there twice`);
    seen.add(type);
    if (path !== undefined) requireAbsolute(`${at}.path`, path, findings);
  });
}

/** Mappings belong to a user namespace, and a new one needs both kinds or, for the runtime to choose, none. */
export function mappingsRule(spec: Spec, findings: Findings): void {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  for (const [property, mappings] of Object.entries({ uidMappings, gidMappings })) {
    if (mappings.length > 0 && !hasNamespace(spec, "user")) {
      findings.problem(`linux.${property}`, 'needs a namespace of type "user" in linux.namespaces');
    }
    idMapRule(mappings, `linux.${property}`, findings);
  }
  if (uidMappings.length > 0 !== gidMappings.length > 0) {
    const missing = uidMappings.length > 0 ? "gidMappings" : "uidMappings";
    findings.problem(`linux.${missing}`, "is required when the other id mapping is given");
  }
}

/**
 * Offsets can be written only to a time namespace that nobody is in yet, so to a new one. Their keys are names of clocks
 * and no properties that a later version may have: an unknown one is asked for in vain.
 */
export function timeOffsetsRule(spec: Spec, findings: Findings): void {
  const offsets = spec.linux?.timeOffsets;
  if (offsets === undefined) return;
  for (const clock of Object.keys(offsets)) {
    if (clock === "monotonic" || clock === "boottime") continue;
    findings.problem(
      `linux.timeOffsets${entry(clock)}`,
      "must be for monotonic or boottime: no other clock has an offset",
    );
  }
  if (hasNewNamespace(spec, "time")) return;
  if (offsets.monotonic === undefined && offsets.boottime === undefined) return;
  findings.problem("linux.timeOffsets", 'needs a new namespace of type "time" in linux.namespaces');
}
