/** The root file system, the sources and types of mounts, and devices. */
import { lazy } from "../base/once.ts";
import { resolve } from "../base/path.ts";
import { describe, quote } from "../base/quote.ts";
import { knownFileSystems } from "../facts/file-systems.ts";
import { look } from "../facts/look.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT } from "../linux/constants.ts";
import type { Findings } from "../spec/findings.ts";
import { hasJoinedNamespace, hasNamespace } from "../spec/namespaces.ts";
import { isBind } from "../spec/rules/mounts.ts";
import type { Mount } from "../spec/types.ts";
import type { Subject } from "./host.ts";

/** What lies in a mount namespace that is joined shows when the container is made: nothing is entered to look. */
export function rootCheck({ spec, bundle }: Subject, findings: Findings): void {
  if (spec.root === undefined || spec.root.path === "" || hasJoinedNamespace(spec, "mount")) return;
  const path = resolve(bundle, spec.root.path);
  const found = look(path);
  if (typeof found === "string") findings.problem("root.path", found);
  else if ((found.mode & S_IFMT) !== S_IFDIR) findings.problem("root.path", `${quote(path)} is not a directory`);
}

/** Sources must be there. One that may be bound as a link is not looked at: it need not lead anywhere. */
export function bindSourcesCheck({ spec, bundle }: Subject, findings: Findings): void {
  if (hasJoinedNamespace(spec, "mount")) return;
  spec.mounts?.forEach((mount, index) => {
    if (!isBind(mount) || mount.source === undefined || mount.source === "" || isLinkItself(mount)) return;
    const found = look(resolve(bundle, mount.source));
    if (typeof found === "string") findings.problem(`mounts[${index}].source`, found);
  });
}

/** Whether the source is a link that is not followed: it need not lead anywhere. */
function isLinkItself({ options = [] }: Mount): boolean {
  return options.some((option) => option === "src-nofollow" || option === "copy-symlink");
}

/** A file system that is not there may come with a module, so it is a warning. */
export function fileSystemTypesCheck({ spec }: Subject, findings: Findings): void {
  const known = lazy(knownFileSystems);
  spec.mounts?.forEach((mount, index) => {
    const { type } = mount;
    if (isBind(mount) || type === undefined || type === "cgroup" || known().has(type)) return;
    findings.warning(`mounts[${index}].type`, `${describe(type)} is no file system that the kernel knows now`);
  });
}

/** In a user namespace nodes cannot be made: the host's are bound, so they must be there. */
export function devicesCheck({ spec }: Subject, findings: Findings): void {
  if (!hasNamespace(spec, "user")) return;
  spec.linux?.devices?.forEach(({ path, type, major, minor }, index) => {
    if (type === "p") return;
    const at = `linux.devices[${index}].path`;
    const found = look(path);
    if (typeof found === "string") {
      findings.problem(at, `in a user namespace the host's node is bound: ${found}`);
      return;
    }
    const { rdev } = found;
    const sameType = (found.mode & S_IFMT) === (type === "b" ? S_IFBLK : S_IFCHR);
    if (sameType && rdev.major === Number(major ?? 0) && rdev.minor === Number(minor ?? 0)) return;
    findings.problem(at, `in a user namespace the host's node is bound, and ${quote(path)} is another device`);
  });
}
