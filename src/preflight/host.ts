/**
 * What `create` would meet on this host, looked up beforehand for `box validate`.
 *
 * Promises: nothing is made, changed, entered or executed, and no special file is opened. What is found here is what the
 * kernel would answer now; create asks it again. Refuses to know rules and plans: those are asked before.
 */
import type { HostFacts } from "../facts/host.ts";
import type { Findings } from "../spec/findings.ts";
import type { Spec } from "../spec/types.ts";
import { cgroupsPathCheck } from "./cgroups.ts";
import { bindSourcesCheck, devicesCheck, fileSystemTypesCheck, rootCheck } from "./files.ts";
import { idMappingsCheck, namespacesCheck, netDevicesCheck, sysctlCheck } from "./namespaces.ts";
import { hooksCheck, limitsCheck, oomScoreCheck, programCheck } from "./programs.ts";

/** A configuration of the right shape, and what its paths and wishes are held against. */
export interface Subject {
  readonly spec: Spec;
  /** Absolute. */
  readonly bundle: string;
  readonly facts: HostFacts;
}

/** Looks at one matter on this host. */
export type HostCheck = (subject: Subject, findings: Findings) => void;

const checks: readonly HostCheck[] = [
  rootCheck,
  bindSourcesCheck,
  fileSystemTypesCheck,
  devicesCheck,
  namespacesCheck,
  idMappingsCheck,
  netDevicesCheck,
  sysctlCheck,
  cgroupsPathCheck,
  programCheck,
  limitsCheck,
  oomScoreCheck,
  hooksCheck,
];

/** Applies every check to `subject`. */
export function checkHost(subject: Subject, findings: Findings): void {
  for (const check of checks) check(subject, findings);
}
