/** Which namespaces this process is in. */

import { stat } from "../linux/file.ts";
import { SyscallError } from "../linux/raw.ts";

const files = { network: "net", mount: "mnt" } as const;

/** Whether a path names the namespace of this process; what cannot be looked at is refused when it is joined. */
export function isOwnNamespace(type: string, path: string): boolean {
  const file = (files as Readonly<Record<string, string>>)[type] ?? type;
  try {
    const [own, other] = [stat("cwd", `/proc/self/ns/${file}`), stat("cwd", path)];
    return own.ino === other.ino && own.dev.major === other.dev.major && own.dev.minor === other.dev.minor;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return false;
    throw thrown;
  }
}
