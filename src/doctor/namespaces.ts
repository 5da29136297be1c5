/** Namespaces: which kinds there are, and whether this user may make a user namespace. */
import { exists, procText } from "../facts/look.ts";
import { errnoName } from "../linux/errno.ts";
import { type NamespaceFile, namespaceFlags } from "../linux/namespace.ts";
import { clone3, exit, waitPidfd } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { type Check, limited, missing, ok } from "./check.ts";

const kinds = Object.keys(namespaceFlags) as NamespaceFile[];

/** Without these nothing that the default configuration describes can be made. */
const needed: readonly NamespaceFile[] = ["mnt", "pid", "net", "ipc", "uts"];

/** The kernel's limit of each kind for one user: namespaces(7), /proc/sys/user. */
export function namespacesCheck(): Check {
  const absent = kinds.filter((kind) => !exists(`/proc/self/ns/${kind}`));
  const barred = kinds.filter((kind) => procText(`sys/user/max_${kind}_namespaces`)?.trim() === "0");
  const unusable = [...new Set([...absent, ...barred])];
  if (unusable.length === 0) return ok("namespaces", kinds.join(" "));
  const detail = `none of kind ${unusable.join(", ")}${barred.length > 0 ? ` (the limit is 0 for ${barred.join(", ")})` : ""}`;
  const mend =
    barred.length > 0 ? `sysctl -w ${barred.map((kind) => `user.max_${kind}_namespaces=15000`).join(" ")}` : undefined;
  return unusable.some((kind) => needed.includes(kind))
    ? missing("namespaces", detail, mend)
    : limited("namespaces", detail, mend);
}

/** Settings of distributions that take user namespaces from ordinary users. */
const restrictions: readonly (readonly [parameter: string, restricting: string, free: string])[] = [
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
  ["user/max_user_namespaces", "0", "15000"],
];

/** Made for real by a child that ends at once. An ordinary user needs one for every container. */
export function userNamespaceCheck(euid: number): Check {
  const name = "user namespace";
  const failure = tryUserNamespace();
  const restricting = restrictions.filter(([parameter, value]) => procText(`sys/${parameter}`)?.trim() === value);
  const found = restricting.map(([parameter, value]) => `${parameter.replace("/", ".")}=${value}`).join(", ");
  const mend =
    restricting.length === 0
      ? undefined
      : `sysctl -w ${restricting.map(([parameter, , free]) => `${parameter.replace("/", ".")}=${free}`).join(" ")}`;
  if (failure === undefined && (euid === 0 || restricting.length === 0)) return ok(name, "this user can make one");
  if (failure === undefined) return missing(name, `made, but without rights inside: ${found}`, mend);
  const detail = `cannot be made (${failure}${found === "" ? "" : `; ${found}`})`;
  return euid === 0 ? limited(name, detail, mend) : missing(name, detail, mend);
}

/** The errno's name; undefined when it can be made. */
function tryUserNamespace(): string | undefined {
  try {
    const child = clone3(namespaceFlags.user);
    if (child === "child") exit(0);
    using pidfd = child.pidfd;
    waitPidfd(pidfd, true);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return errnoName(thrown.errno);
    throw thrown;
  }
}
