/** The list of rules: what the schema cannot say of a configuration, one function for each matter. */
import type { Findings } from "../findings.ts";
import type { Spec } from "../types.ts";
import { devicesRule, netDevicesRule } from "./devices.ts";
import { hooksRule } from "./hooks.ts";
import { intelRdtRule } from "./intel-rdt.ts";
import { memoryPolicyRule } from "./memory-policy.ts";
import { mountRules } from "./mounts.ts";
import { annotationsRule, utsNamesRule } from "./names.ts";
import { mappingsRule, namespacesRule, timeOffsetsRule } from "./namespaces.ts";
import { cgroupsPathRule, hiddenPathsRule, rootRule } from "./paths.ts";
import { personalityRule } from "./personality.ts";
import { processRules } from "./process.ts";
import { resourceRules, swapNeedsLimitRule } from "./resources.ts";
import { seccompRule } from "./seccomp.ts";
import { sysctlRule } from "./sysctl.ts";
import { versionRule } from "./version.ts";

/** Looks at a configuration of the right shape and tells what contradicts the specification, the kernel or itself. */
export type Rule = (spec: Spec, findings: Findings) => void;

const rules: readonly Rule[] = [
  versionRule,
  rootRule,
  utsNamesRule,
  annotationsRule,
  mainProcessRule,
  rootMountsRule,
  hooksRule,
  namespacesRule,
  mappingsRule,
  timeOffsetsRule,
  devicesRule,
  netDevicesRule,
  cgroupsPathRule,
  containerResourcesRule,
  intelRdtRule,
  memoryPolicyRule,
  sysctlRule,
  seccompRule,
  hiddenPathsRule,
  personalityRule,
];

function mainProcessRule(spec: Spec, findings: Findings): void {
  if (spec.process !== undefined) processRules(spec.process, spec, "process", findings);
}

function rootMountsRule(spec: Spec, findings: Findings): void {
  mountRules(spec.mounts ?? [], spec, "mounts", findings);
}

function containerResourcesRule(spec: Spec, findings: Findings): void {
  const resources = spec.linux?.resources;
  if (resources === undefined) return;
  resourceRules(resources, "linux.resources", findings);
  swapNeedsLimitRule(resources, "linux.resources", findings);
}

/** Applies every rule to `spec`. */
export function specRules(spec: Spec, findings: Findings): void {
  for (const rule of rules) rule(spec, findings);
}
