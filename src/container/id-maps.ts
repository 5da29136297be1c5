/** The id maps of a new user namespace, written by the host side: user_namespaces(7). */
import { within } from "../base/errors.ts";
import { Proc } from "../fs/proc.ts";
import type { IdMap, NamespaceOps } from "../namespaces/ops.ts";

export function writeIdMaps(pid: number, { uidMap, gidMap, denySetgroups }: NamespaceOps): void {
  using proc = Proc.host();
  within("linux.uidMappings", () => {
    if (uidMap.length > 0) proc.write(`${pid}/uid_map`, mapText(uidMap));
  });
  within("linux.gidMappings", () => {
    // Without privilege a gid map may only be written once setgroups is given up.
    if (denySetgroups) proc.write(`${pid}/setgroups`, "deny");
    if (gidMap.length > 0) proc.write(`${pid}/gid_map`, mapText(gidMap));
  });
}

function mapText(map: readonly IdMap[]): string {
  return map.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join("");
}
