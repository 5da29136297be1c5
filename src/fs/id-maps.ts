/** User namespaces and their id maps, written from outside: user_namespaces(7). */
import { within } from "../base/errors.ts";
import { CLONE_NEWUSER, O_RDONLY } from "../linux/constants.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { open, pipe, read } from "../linux/file.ts";
import type { IdRange } from "../linux/namespace.ts";
import { clone3, exit, waitPidfd } from "../linux/process.ts";
import { Proc } from "./proc.ts";

/** Writes one map of the user namespace of a process; without ranges it stays unwritten. */
export function writeIdMap(proc: Proc, pid: number, file: "uid_map" | "gid_map", ranges: readonly IdRange[]): void {
  if (ranges.length === 0) return;
  const lines = ranges.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`);
  proc.write(`${pid}/${file}`, lines.join(""));
}

/**
 * A user namespace in which nobody is, for its maps alone: what mount_setattr(2) takes.
 *
 * It is made by a process that waits until the maps are written and the namespace is held, or this one is gone.
 */
export function makeUserNamespace(uids: readonly IdRange[], gids: readonly IdRange[]): Fd {
  const [reader, writer] = pipe();
  const child = clone3(CLONE_NEWUSER);
  if (child === "child") {
    writer.close();
    read(reader, 1);
    exit(0);
  }
  try {
    using proc = Proc.host();
    within("uidMappings", () => writeIdMap(proc, child.pid, "uid_map", uids));
    within("gidMappings", () => writeIdMap(proc, child.pid, "gid_map", gids));
    return open("cwd", `/proc/${child.pid}/ns/user`, O_RDONLY);
  } finally {
    closeAll([reader, writer]);
    waitPidfd(child.pidfd, true);
    child.pidfd.close();
  }
}
