/** The id maps of a new user namespace, written from the host side: user_namespaces(7). */
import { within } from "../base/errors.ts";
import { writeIdMap } from "../fs/id-maps.ts";
import { Proc } from "../fs/proc.ts";
import type { IdRange } from "../linux/namespace.ts";
import type { NamespaceOps } from "../namespaces/ops.ts";
import { runHelper } from "./host-program.ts";

/**
 * Writes the maps of a new user namespace, once: user_namespaces(7).
 * @param pid of its first process, which waits meanwhile
 */
export function writeIdMaps(pid: number, ops: NamespaceOps): void {
  if (ops.mapper === "helpers") haveIdMapsWritten(pid, ops);
  else writeOwnIdMaps(pid, ops);
}

function writeOwnIdMaps(pid: number, { uidMap, gidMap, denySetgroups }: NamespaceOps): void {
  const proc = Proc.host();
  within("linux.uidMappings", () => writeIdMap(proc, pid, "uid_map", uidMap));
  within("linux.gidMappings", () => {
    // Without privilege a gid map may only be written once setgroups is given up.
    if (denySetgroups) proc.write(`${pid}/setgroups`, "deny");
    writeIdMap(proc, pid, "gid_map", gidMap);
  });
}

/** They know from subuid(5) and subgid(5) what this user may map. */
function haveIdMapsWritten(pid: number, { uidMap, gidMap }: NamespaceOps): void {
  within("linux.uidMappings", () => runHelper("newuidmap", argumentsOf(pid, uidMap)));
  within("linux.gidMappings", () => runHelper("newgidmap", argumentsOf(pid, gidMap)));
}

function argumentsOf(pid: number, ranges: readonly IdRange[]): string[] {
  return [pid, ...ranges.flatMap(({ containerId, hostId, size }) => [containerId, hostId, size])].map(String);
}
