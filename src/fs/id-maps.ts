/** User namespaces and their id maps, written from outside: user_namespaces(7). */
import { within } from "../base/errors.ts";
import { CLONE_NEWUSER, O_RDONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import type { IdRange } from "../linux/namespace.ts";
import { NamespaceHolder } from "./namespace-holder.ts";
import { Proc } from "./proc.ts";

/** Writes one map of the user namespace of a process; without ranges it stays unwritten. */
export function writeIdMap(proc: Proc, pid: number, file: "uid_map" | "gid_map", ranges: readonly IdRange[]): void {
  if (ranges.length === 0) return;
  const lines = ranges.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`);
  proc.write(`${pid}/${file}`, lines.join(""));
}

/** A user namespace in which nobody is, for its maps alone: what mount_setattr(2) takes. */
export function makeUserNamespace(uids: readonly IdRange[], gids: readonly IdRange[]): Fd {
  using holder = NamespaceHolder.make(CLONE_NEWUSER);
  const proc = Proc.host();
  within("uidMappings", () => writeIdMap(proc, holder.pid, "uid_map", uids));
  within("gidMappings", () => writeIdMap(proc, holder.pid, "gid_map", gids));
  return open("cwd", `/proc/${holder.pid}/ns/user`, O_RDONLY);
}
