/** From a kept configuration to the cgroup of a container whose record is damaged. Loaded when that is needed. */
import { BoxError } from "../base/errors.ts";
import { hostFacts } from "../facts/host.ts";
import type { CgroupManager } from "../plan/create.ts";
import { planRecovery } from "../plan/recovery.ts";
import { decodeKept } from "../spec/decode.ts";

/** @returns undefined when the configuration is damaged as well */
export function recoverCgroup(config: string, id: string, manager: CgroupManager): ReturnType<typeof planRecovery> {
  try {
    return planRecovery(decodeKept(config), hostFacts(), id, manager);
  } catch (thrown) {
    if (thrown instanceof BoxError) return undefined;
    throw thrown;
  }
}
