/** Namespaces: unshare(2), setns(2), and the names that a UTS namespace holds. */
import { beginNetwork, takeNetwork } from "host";
import * as NR from "#nr";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  NS_GET_NSTYPE,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { call } from "./raw.ts";

/** The kernel's kinds of namespaces by the name of their file in /proc/PID/ns. */
export const namespaceFlags = {
  mnt: CLONE_NEWNS,
  cgroup: CLONE_NEWCGROUP,
  uts: CLONE_NEWUTS,
  ipc: CLONE_NEWIPC,
  user: CLONE_NEWUSER,
  pid: CLONE_NEWPID,
  net: CLONE_NEWNET,
  time: CLONE_NEWTIME,
} as const;

export type NamespaceFile = keyof typeof namespaceFlags;

/** One line of a uid_map or gid_map: `size` ids from `containerId` on stand for those outside from `hostId` on. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** The flags of several kinds together, as clone3, unshare and setns take them. */
export function flagsOf(kinds: readonly NamespaceFile[]): number {
  return kinds.reduce((sum, kind) => sum + namespaceFlags[kind], 0);
}

/** Moves this process (for pid and time: its children) into new namespaces: unshare(2). */
export function unshare(kinds: readonly NamespaceFile[]): void {
  call(kinds.join(" "), "unshare", NR.unshare, flagsOf(kinds));
}

/** Moves this process (for pid and time: its children) into the namespace behind a descriptor: setns(2). */
export function setns(fd: Fd, kind: NamespaceFile, about: string): void {
  call(about, "setns", NR.setns, fd.number, namespaceFlags[kind]);
}

/** Moves this process into several namespaces of another one at once: setns(2) on a pidfd, Linux 5.8. */
export function setnsPidfd(pidfd: Fd, kinds: readonly NamespaceFile[]): void {
  call(kinds.join(" "), "setns", NR.setns, pidfd.number, flagsOf(kinds));
}

/** What kind of namespace a descriptor of nsfs stands for: ioctl_nsfs(2). Undefined for one that is not known here. */
export function kindOf(fd: Fd, about: string): NamespaceFile | undefined {
  const flag = call(about, "ioctl NS_GET_NSTYPE", NR.ioctl, fd.number, NS_GET_NSTYPE, 0);
  return (Object.keys(namespaceFlags) as NamespaceFile[]).find((kind) => namespaceFlags[kind] === flag);
}

/** Waits for a namespace that was begun; undefined where the kernel refused: it says why when it is asked directly. */
export type PendingNamespace = () => Fd | undefined;

/** Begins to make a network namespace with its loopback up, while this process goes on with something else. */
export function beginNetworkNamespace(): PendingNamespace {
  beginNetwork();
  return () => {
    const result = takeNetwork();
    return result < 0 ? undefined : new Fd(result);
  };
}

/** Sets the name of this UTS namespace, at most 64 bytes: sethostname(2). */
export function setHostname(name: string): void {
  call(name, "sethostname", NR.sethostname, name, byteLength(name));
}

/** Sets the NIS domain of this UTS namespace, at most 64 bytes: setdomainname(2). */
export function setDomainname(name: string): void {
  call(name, "setdomainname", NR.setdomainname, name, byteLength(name));
}

function byteLength(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return length;
}
