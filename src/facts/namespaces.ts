/** Which namespaces this process is in, and which another one. */

import { Proc } from "../fs/proc.ts";
import { ENOENT } from "../linux/constants.ts";
import { readlink, stat } from "../linux/file.ts";
import { type NamespaceFile, namespaceFlags } from "../linux/namespace.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";

/**
 * The kinds of namespaces in which a container's process is in another one than this process.
 * @param made types of those that were made for the container: they are not looked at, for who is in one already may enter
 *   it again (but not a user namespace)
 * @throws SyscallError when the process is gone
 */
export function otherNamespaces(pid: number, made: readonly string[]): NamespaceFile[] {
  const entered = made.map(namespaceFile).filter((kind) => kind !== "user") as NamespaceFile[];
  for (const kind of Object.keys(namespaceFlags) as NamespaceFile[]) {
    if (entered.includes(kind)) continue;
    const here = ownNamespace(kind);
    if (here !== undefined && here !== readlink("cwd", `/proc/${pid}/ns/${kind}`)) entered.push(kind);
  }
  return entered;
}

/** The name of a namespace, as in `mnt:[4026531841]`; undefined for a kind that this kernel lacks. */
function ownNamespace(kind: NamespaceFile): string | undefined {
  try {
    return readlink("cwd", `/proc/self/ns/${kind}`);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return undefined;
    throw thrown;
  }
}

const files = { network: "net", mount: "mnt" } as const;

/** The name of a type's file in /proc/PID/ns. */
export function namespaceFile(type: string): string {
  return (files as Readonly<Record<string, string>>)[type] ?? type;
}

/** Whether a path names the namespace of this process; what cannot be looked at is refused when it is joined. */
export function isOwnNamespace(type: string, path: string): boolean {
  try {
    const [own, other] = [stat("cwd", `/proc/self/ns/${namespaceFile(type)}`), stat("cwd", path)];
    return own.ino === other.ino && own.dev.major === other.dev.major && own.dev.minor === other.dev.minor;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return false;
    throw thrown;
  }
}

/** The inode of the host's own user namespace: USER_NS_INIT_INO of linux/nsfs.h. */
const initialUserNamespace = 0xeffffffdn;

/** Whether this process's user namespace is the host's own, or as good: user_namespaces(7). */
export function hasAllIds(): boolean {
  if (stat("cwd", "/proc/self/ns/user").ino === initialUserNamespace) return true;
  const proc = Proc.host();
  return /^\s*0\s+0\s+4294967295\s*$/.test(proc.read("self/uid_map"));
}
