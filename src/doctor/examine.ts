/**
 * What this host and this user can do, for `box doctor`.
 *
 * Promises: nothing is changed. System calls are asked with arguments that the kernel refuses, and the only thing that is
 * made is a process of a user namespace, which ends at once.
 */
import { hostFacts } from "../facts/host.ts";
import { userName } from "../facts/users.ts";
import { cgroupsCheck, delegationCheck, systemdCheck } from "./cgroups.ts";
import type { Check } from "./check.ts";
import { fileSystemsCheck, idmappedMountsCheck, kernelCheck, sealCheck } from "./kernel.ts";
import { namespacesCheck, userNamespaceCheck } from "./namespaces.ts";
import { seccompCheck, securityModulesCheck } from "./security.ts";
import { mappersCheck, runtimeDirectoryCheck, setgroupsCheck, subordinateIdsCheck } from "./user.ts";

export interface Report {
  readonly user: string;
  readonly checks: readonly Check[];
}

/** Makes every check that concerns this host and this user; nothing is left of it. */
export function examine(): Report {
  const { euid, cgroups } = hostFacts();
  const user = { uid: euid, name: userName(euid) };
  const ofHost = [
    kernelCheck(),
    namespacesCheck(),
    userNamespaceCheck(euid),
    sealCheck(euid),
    fileSystemsCheck(),
    idmappedMountsCheck(),
    cgroupsCheck(cgroups),
    systemdCheck(),
    seccompCheck(),
    securityModulesCheck(),
  ];
  const ofUser = [
    subordinateIdsCheck(user),
    mappersCheck(),
    setgroupsCheck(),
    runtimeDirectoryCheck(user),
    delegationCheck(cgroups),
  ];
  return { user: user.name, checks: euid === 0 ? ofHost : [...ofHost, ...ofUser] };
}
