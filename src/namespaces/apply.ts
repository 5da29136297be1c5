/** What namespaces still need once they are there. Runs in init. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { Proc } from "../fs/proc.ts";
import { EINVAL, NSFS_MAGIC, O_NONBLOCK, O_RDONLY } from "../linux/constants.ts";
import { setGid, setUid } from "../linux/cred.ts";
import type { Fd } from "../linux/fd.ts";
import { fileSystemType, open } from "../linux/file.ts";
import { type NamespaceFile, setDomainname, setHostname, setns, unshare } from "../linux/namespace.ts";
import { getpid } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import { setLinkUp } from "../linux/socket.ts";
import type { Join, NamespaceOps } from "./ops.ts";

/** Kinds into which only a child can be moved, or that must be entered before new ones are made: not init's own work. */
export const enteredBeforeInit: ReadonlySet<NamespaceFile> = new Set<NamespaceFile>(["user", "pid", "time"]);

/** Makes a time namespace for the children of this process: time_namespaces(7). */
export function makeTimeNamespace(offsets: NamespaceOps["timeOffsets"]): void {
  unshare(["time"]);
  if (offsets.length === 0) return;
  using proc = Proc.host();
  const lines = offsets.map(([clock, seconds, nanoseconds]) => `${clock} ${seconds} ${nanoseconds}\n`);
  within("linux.timeOffsets", () => proc.write(`${getpid()}/timens_offsets`, lines.join("")));
}

/** Opens the namespaces that are to be joined, while the host's paths can be seen. */
export function openJoins(joins: readonly Join[]): { readonly join: Join; readonly fd: Fd }[] {
  return joins.map((join) => ({
    join,
    fd: within(
      () => `${join.kind} namespace ${quote(join.path)}`,
      () => {
        const fd = open("cwd", join.path, O_RDONLY | O_NONBLOCK);
        if (fileSystemType(fd, join.path) !== NSFS_MAGIC) throw new BoxError("not a namespace", { path: join.path });
        return fd;
      },
    ),
  }));
}

/** Enters one; the kernel refuses a namespace of another kind (EINVAL). */
export function join({ join: { kind, path }, fd }: { readonly join: Join; readonly fd: Fd }): void {
  within(
    () => `join ${kind} namespace`,
    () => setns(fd, kind, path),
  );
  fd.close();
}

/** Ids in a user namespace are the overflow ones until they are set to mapped ones; root's need not be mapped there. */
export function becomeContainerRoot(): void {
  for (const setId of [setGid, setUid]) {
    try {
      setId(0);
    } catch (thrown) {
      if (!isErrno(thrown, EINVAL)) throw thrown;
    }
  }
}

/** Names and loopback of new namespaces. */
export function prepareNamespaces(ops: NamespaceOps): void {
  if (ops.hostname !== undefined) setHostname(ops.hostname);
  if (ops.domainname !== undefined) setDomainname(ops.domainname);
  if (ops.create.includes("net")) setLinkUp("lo");
}

/** Writes kernel parameters through a procfs of its own, which shows the namespaces of this process. */
export function writeSysctls(sysctls: readonly (readonly [path: string, value: string])[]): void {
  if (sysctls.length === 0) return;
  using proc = Proc.private();
  for (const [path, value] of sysctls)
    within(
      () => `linux.sysctl ${quote(path)}`,
      () => proc.write(`sys/${path}`, value),
    );
}
