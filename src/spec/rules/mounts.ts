/** Mounts (config.md, "Mounts"); how options are read is the business of rootfs. */
import type { Findings } from "../findings.ts";
import { hasNamespace } from "../namespaces.ts";
import type { Mount, Spec } from "../types.ts";
import { idMapRule } from "./id-maps.ts";
import { requirePath } from "./text.ts";

/** Every rule of mounts in the container of `spec`; `at` is the path of the array in its document. */
export function mountRules(mounts: readonly Mount[], spec: Spec, at: string, findings: Findings): void {
  for (const [index, mount] of mounts.entries()) mountRule(mount, spec, `${at}[${index}]`, findings);
}

/** A relative destination is deprecated, not wrong: it starts at the container's root. */
function mountRule(mount: Mount, spec: Spec, at: string, findings: Findings): void {
  requirePath(`${at}.destination`, mount.destination, findings);
  if (isBind(mount)) {
    if (mount.source === undefined) findings.problem(`${at}.source`, "is required for a bind mount");
    else requirePath(`${at}.source`, mount.source, findings);
  }
  mountMappingsRule(mount, spec, at, findings);
}

/** Both mappings or none; without them the one of the user namespace is taken, if there is one. */
function mountMappingsRule(mount: Mount, spec: Spec, at: string, findings: Findings): void {
  const { uidMappings = [], gidMappings = [] } = mount;
  if (uidMappings.length > 0 !== gidMappings.length > 0) {
    const missing = uidMappings.length > 0 ? "gidMappings" : "uidMappings";
    findings.problem(`${at}.${missing}`, "is required when the other id mapping is given");
  }
  idMapRule(uidMappings, `${at}.uidMappings`, findings);
  idMapRule(gidMappings, `${at}.gidMappings`, findings);
  const wants = mount.options?.findIndex((option) => option === "idmap" || option === "ridmap") ?? -1;
  if (wants >= 0 && uidMappings.length === 0 && !hasNamespace(spec, "user")) {
    findings.problem(`${at}.options[${wants}]`, "needs uidMappings and gidMappings, or a user namespace");
  }
}

/** Whether the source is a file or directory of the host. */
export function isBind(mount: Mount): boolean {
  if (mount.type === "bind") return true;
  return mount.options?.some((option) => option === "bind" || option === "rbind") ?? false;
}
