/** What a kept configuration says of a container whose record is damaged. Pure. */
import type { CgroupOps } from "../cgroups/ops.ts";
import { type CgroupManager, planCgroup } from "../cgroups/plan.ts";
import type { HostFacts } from "../facts/host.ts";
import type { ValidSpec } from "../spec/types.ts";

/** Where its cgroup was made; what was to be written there does not matter any more. */
export function planRecovery(
  spec: ValidSpec,
  facts: HostFacts,
  id: string,
  manager: CgroupManager,
): CgroupOps | undefined {
  return planCgroup({ ...spec, linux: { ...spec.linux, resources: {} } }, id, facts, manager);
}
