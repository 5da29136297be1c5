/** From what `update` asks for to what it writes, and what is in force then. Pure. */
import type { CgroupUpdate } from "../cgroups/ops.ts";
import { meaningOf, mergeResources, planUpdate } from "../cgroups/plan.ts";
import type { HostFacts } from "../facts/host.ts";
import { decodeResources, validateResources } from "../spec/decode.ts";
import type { Resources, ValidSpec } from "../spec/types.ts";

export interface UpdatePlan {
  readonly cgroup: CgroupUpdate;
  /** All that is in force then: what the next update adds to. */
  readonly resources: Resources;
  /** Lines for the container's group of resctrl. */
  readonly schemata: readonly string[];
}

/** What `update` is asked for. */
export interface UpdateRequest {
  readonly resources: Resources;
  readonly schemata: readonly string[];
}

/**
 * @param spec the configuration that the container was made from
 * @param kept what the last update has left, as JSON; undefined before the first one
 * @throws BoxError as validateResources and planSettings
 */
export function planContainerUpdate(
  spec: ValidSpec,
  kept: string | undefined,
  { resources: change, schemata }: UpdateRequest,
  facts: HostFacts,
): UpdatePlan {
  const meant = (resources: Resources): Resources => meaningOf(resources, spec.ociVersion);
  const base = kept === undefined ? meant(spec.linux?.resources ?? {}) : decodeResources(kept);
  const asked = meant(change);
  const resources = validateResources(mergeResources(base, asked));
  return { cgroup: planUpdate(base, asked, resources, facts.cgroups), resources, schemata };
}
