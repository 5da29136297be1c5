/** Paths of the container as a whole: its root, its cgroup, what is masked or read-only (config.md, config-linux.md). */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { requireAbsolute, requireOneLine, requirePath } from "./text.ts";

/** Absolute, or relative to the bundle. */
export function rootRule(spec: Spec, findings: Findings): void {
  requirePath("root.path", spec.root.path, findings);
}

/** Masked and read-only paths are absolute in the container. */
export function hiddenPathsRule(spec: Spec, findings: Findings): void {
  for (const property of ["maskedPaths", "readonlyPaths"] as const) {
    spec.linux?.[property]?.forEach((path, index) => {
      requireAbsolute(`linux.${property}[${index}]`, path, findings);
    });
  }
}

/** A cgroup path must stay below the cgroup mount. */
export function cgroupsPathRule(spec: Spec, findings: Findings): void {
  const path = spec.linux?.cgroupsPath;
  if (path === undefined || path === "") return;
  requirePath("linux.cgroupsPath", path, findings);
  requireOneLine("linux.cgroupsPath", path, findings);
  if (path.split(/[/:]/).includes("..")) {
    findings.problem("linux.cgroupsPath", `must not contain "..", as in ${describe(path)}`);
  }
}
