/** Hooks (config.md, "POSIX-platform Hooks"). */
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { hookKinds } from "../vocabulary.ts";
import { requireAbsolute } from "./text.ts";

/** A hook is named by an absolute path: there is no directory that a relative one could start from. */
export function hooksRule(spec: Spec, findings: Findings): void {
  for (const kind of hookKinds) {
    spec.hooks?.[kind]?.forEach((hook, index) => {
      requireAbsolute(`hooks.${kind}[${index}].path`, hook.path, findings);
    });
  }
}
