/** Which namespaces this process is in. */

import { stat } from "../linux/file.ts";
import { SyscallError } from "../linux/raw.ts";

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
