/** hostname, domainname and annotations (config.md). */
import { isUnheard } from "../annotations.ts";
import { entry, type Findings } from "../findings.ts";
import { hasNamespace } from "../namespaces.ts";
import type { Spec } from "../types.ts";
import { utf8Length } from "./text.ts";

/** __NEW_UTS_LEN of the kernel. */
const longestName = 64;

/** A name can be set only in a UTS namespace of the container; elsewhere it would rename the host. */
export function utsNamesRule(spec: Spec, findings: Findings): void {
  for (const property of ["hostname", "domainname"] as const) {
    const name = spec[property];
    if (name === undefined || name === "") continue;
    if (!hasNamespace(spec, "uts")) findings.problem(property, 'needs a namespace of type "uts" in linux.namespaces');
    const bytes = utf8Length(name);
    if (bytes > longestName) findings.problem(property, `must be at most ${longestName} bytes long, not ${bytes}`);
  }
}

/** Keys of annotations must not be empty (config.md, "Annotations"); unknown ones are nobody's business but crun's. */
export function annotationsRule({ annotations }: Spec, findings: Findings): void {
  if (annotations === undefined) return;
  if (Object.hasOwn(annotations, "")) findings.problem("annotations", "must not have an empty key");
  for (const [key, value] of Object.entries(annotations))
    if (isUnheard(key, value))
      findings.warning(`annotations${entry(key)}`, "has no effect: box does not do what crun does for it");
}
