/** The id maps of a new user namespace, written by the host side: user_namespaces(7). */
import { within } from "../base/errors.ts";
import { writeIdMap } from "../fs/id-maps.ts";
import { Proc } from "../fs/proc.ts";
import type { NamespaceOps } from "../namespaces/ops.ts";

export function writeIdMaps(pid: number, { uidMap, gidMap, denySetgroups }: NamespaceOps): void {
  using proc = Proc.host();
  within("linux.uidMappings", () => writeIdMap(proc, pid, "uid_map", uidMap));
  within("linux.gidMappings", () => {
    // Without privilege a gid map may only be written once setgroups is given up.
    if (denySetgroups) proc.write(`${pid}/setgroups`, "deny");
    writeIdMap(proc, pid, "gid_map", gidMap);
  });
}
