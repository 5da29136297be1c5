/** What namespaces still need once they are there. Runs in init. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { Proc } from "../fs/proc.ts";
import { EINVAL, EPERM, NSFS_MAGIC, O_NONBLOCK, O_RDONLY } from "../linux/constants.ts";
import { setGid, setUid } from "../linux/cred.ts";
import type { Fd } from "../linux/fd.ts";
import { fileSystemType, open } from "../linux/file.ts";
import { kindOf, type NamespaceFile, setDomainname, setHostname, setns, unshare } from "../linux/namespace.ts";
import { isErrno } from "../linux/raw.ts";
import { setLinkUp } from "../linux/socket.ts";
import type { Join, NamespaceOps } from "./ops.ts";

/** Kinds into which only a child can be moved, or that must be entered before new ones are made. */
const notByInit: readonly NamespaceFile[] = ["user", "pid", "time"];

/**
 * The namespaces that are joined before init is made. With a user namespace that is all of them: what belongs to the
 * caller's can only be joined from there.
 */
export function joinedBeforeInit({ create, join }: NamespaceOps): readonly Join[] {
  const inUserNamespace = create.includes("user") || join.some(({ kind }) => kind === "user");
  return inUserNamespace ? join : join.filter(({ kind }) => notByInit.includes(kind));
}

/** The others: init's own work. */
export function joinedByInit(ops: NamespaceOps): readonly Join[] {
  const before = joinedBeforeInit(ops);
  return ops.join.filter((join) => !before.includes(join));
}

/**
 * Moves this process into a time namespace of its own: time_namespaces(7). unshare(2) makes one for its children, whose
 * offsets can be written until somebody is in it; then it can be joined.
 */
export function enterTimeNamespace({ create, timeOffsets }: NamespaceOps): void {
  if (!create.includes("time")) return;
  unshare(["time"]);
  using proc = Proc.private();
  const lines = timeOffsets.map(([clock, seconds, nanoseconds]) => `${clock} ${seconds} ${nanoseconds}\n`);
  if (lines.length > 0) within("linux.timeOffsets", () => proc.write("self/timens_offsets", lines.join("")));
  using own = proc.openNamespace("self/ns/time_for_children");
  setns(own, "time", "time_for_children");
}

/** A namespace that is open, to be joined. */
export interface OpenJoin {
  readonly join: Join;
  readonly fd: Fd;
}

/** Opens the namespaces that are to be joined, while the host's paths can be seen, and looks what they are. */
export function openJoins(joins: readonly Join[]): OpenJoin[] {
  return joins.map((join) => ({
    join,
    fd: within(
      () => `${join.kind} namespace ${quote(join.path)}`,
      () => {
        const fd = open("cwd", join.path, O_RDONLY | O_NONBLOCK);
        if (fileSystemType(fd, join.path) !== NSFS_MAGIC) throw new BoxError("not a namespace", { path: join.path });
        const kind = kindOf(fd, join.path);
        if (kind !== join.kind) throw new BoxError(`it is a namespace of kind ${kind}`, { path: join.path });
        return fd;
      },
    ),
  }));
}

/** Opens the mount namespace in which the program is to be, where that is not one of its own. */
export function openForeignMounts({ foreignMounts }: NamespaceOps): Fd | undefined {
  if (foreignMounts === undefined) return undefined;
  const [open] = openJoins([{ kind: "mnt", path: foreignMounts.path }]);
  return open?.fd;
}

/**
 * Goes into a copy of the mount namespace in which the program is to be. The container's tree is built in the copy, so
 * that nothing is mounted in the other one; rootfs/apply.ts takes the tree there in the end.
 */
export function copyForeignMounts({ foreignMounts }: NamespaceOps, mounts: Fd): void {
  if (foreignMounts?.joined === true) within("join mnt namespace", () => setns(mounts, "mnt", foreignMounts.path));
  unshare(["mnt"]);
}

/**
 * Enters namespaces. What the caller may enter is entered with its rights; what is left, with those of the user
 * namespace that is among them.
 */
export function joinAll(joins: readonly OpenJoin[]): void {
  const user = joins.find(({ join }) => join.kind === "user");
  const left = joins.filter((one) => one !== user && !isJoined(one));
  for (const one of user === undefined ? left : [user, ...left]) join(one);
}

/** Whether this process has the right to enter a namespace, and now is in it. */
function isJoined(one: OpenJoin): boolean {
  try {
    enter(one);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, EPERM)) return false;
    throw thrown;
  }
}

function join(one: OpenJoin): void {
  within(
    () => `join ${one.join.kind} namespace`,
    () => enter(one),
  );
}

/** @throws SyscallError */
function enter({ join: { kind, path }, fd }: OpenJoin): void {
  setns(fd, kind, path);
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

/** Enters the network namespace that was made ahead. */
export function enterNetwork(network: Fd): void {
  setns(network, "net", "the new network namespace");
  network.close();
}

/** Names of new namespaces, and the loopback of a network that was not made ahead. */
export function prepareNamespaces(ops: NamespaceOps, hasLoopback: boolean): void {
  if (ops.hostname !== undefined) setHostname(ops.hostname);
  if (ops.domainname !== undefined) setDomainname(ops.domainname);
  if (ops.create.includes("net") && !hasLoopback) setLinkUp("lo");
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
