/** Composes the plan of `mounts add` and `mounts remove` from the file, the container and this host. Pure. */
import { BoxError } from "../base/errors.ts";
import { clean } from "../base/path.ts";
import type { NamespaceFile } from "../linux/namespace.ts";
import type { MountsOps } from "../rootfs/ops.ts";
import { planMounts } from "../rootfs/plan.ts";
import { capSysAdmin, holds } from "../spec/capabilities.ts";
import { hasNewNamespace } from "../spec/namespaces.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { ValidMounts, ValidSpec } from "../spec/types.ts";

/** What is known of the running container and of this host. */
export interface MountsFacts {
  /** Absolute. */
  readonly bundle: string;
  /** Capabilities of this process, as a mask. */
  readonly capabilities: bigint;
  /** Namespaces in which the container's first process is and this one is not. */
  readonly joins: readonly NamespaceFile[];
  /** Whether SELinux is in force. */
  readonly hasSelinux: () => boolean;
  readonly warn: (path: string, message: string) => void;
}

export interface MountsPlan {
  readonly joins: readonly NamespaceFile[];
  /** Whether the user namespace must be entered before the others can be: without privilege outside of it. */
  readonly userFirst: boolean;
  /** Mounts to make, or destinations to free. */
  readonly change: { readonly add: MountsOps } | { readonly remove: readonly string[] };
}

/** @throws Refusal with everything that stands in the way */
export function planAddedMounts(mounts: ValidMounts, spec: ValidSpec, facts: MountsFacts): MountsPlan {
  const { bundle, capabilities, hasSelinux, warn } = facts;
  const mayMount = (): boolean => holds(capabilities, capSysAdmin);
  const add = planMounts(mounts, spec, { bundle, pivot: true, cgroupView: undefined, mayMount, hasSelinux, warn });
  return { ...entryOf(spec, facts), change: { add } };
}

/** @throws Refusal with everything that stands in the way; whether something is mounted there is not known yet */
export function planRemovedMounts(mounts: ValidMounts, spec: ValidSpec, facts: MountsFacts): MountsPlan {
  const remove = each(mounts, ({ destination }, index) => {
    if (clean(destination) === "/") refuse(`[${index}].destination`, "must not be the root");
    return destination;
  });
  return { ...entryOf(spec, facts), change: { remove } };
}

/** In a mount namespace that others have as well, theirs would be changed. */
function entryOf(spec: ValidSpec, { joins, capabilities }: MountsFacts): Pick<MountsPlan, "joins" | "userFirst"> {
  if (!hasNewNamespace(spec, "mount") || !joins.includes("mnt"))
    throw new BoxError("the container has no mount namespace of its own");
  return { joins, userFirst: joins.includes("user") && !holds(capabilities, capSysAdmin) };
}
