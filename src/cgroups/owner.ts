/** To whom a container's cgroup is given: config-linux.md, "Cgroup ownership". Pure. */
import type { Mount, Spec } from "../spec/types.ts";

/**
 * The host's id of the container's user, where the container has a cgroup namespace of its own and may write to the
 * cgroups in it; undefined where that is root anyway, or a joined user namespace hides who it is.
 */
export function planOwner({ linux = {}, mounts = [], process }: Spec): number | undefined {
  const { namespaces = [], uidMappings = [] } = linux;
  const ownView = namespaces.some(({ type, path }) => type === "cgroup" && path === undefined);
  if (process === undefined || !ownView || !mounts.some(isWritableView)) return undefined;
  const user = namespaces.find(({ type }) => type === "user");
  if (user?.path !== undefined) return undefined;
  const owner = user === undefined ? process.user.uid : onHost(process.user.uid, uidMappings);
  return owner === 0 ? undefined : owner;
}

/** Options without `ro` make the view writable, none at all do not: rootfs/plan.ts. */
function isWritableView({ type, destination, options = [] }: Mount): boolean {
  const last = options.findLast((option) => option === "ro" || option === "rw");
  return type === "cgroup" && destination === "/sys/fs/cgroup" && options.length > 0 && last !== "ro";
}

type Mappings = NonNullable<NonNullable<Spec["linux"]>["uidMappings"]>;

function onHost(id: number, mappings: Mappings): number | undefined {
  const range = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range === undefined ? undefined : range.hostID + id - range.containerID;
}
