/**
 * procfs and sysfs of the host, where the host's mounts stay in the container's mount namespace: without pivot_root they
 * are only hidden below the new root. Loaded when it is needed.
 *
 * Whoever makes a user namespace may mount a procfs as bare as one that is in the mount namespace, whether a path leads to
 * that or not (mount_too_revealing() of the kernel). With the host's there, the masks of the container's would be void.
 */
import { within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { below, type MountLine, mountsIn } from "../fs/mountinfo.ts";
import { Proc } from "../fs/proc.ts";
import { EINVAL, MS_RDONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat } from "../linux/file.ts";
import { detach, mountAt } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";

/**
 * Takes all bare views out of this mount namespace but those in `tree`; one that the kernel holds fast is covered.
 * The namespace must be a slave of the host's at most, and paths lead through the host's tree still.
 * @throws BoxError for one that can be neither unmounted nor covered
 */
export function removeHostViews(tree: Fd): void {
  using proc = Proc.private();
  const covered = new Set<bigint>();
  const own = fstat(tree).mountId;
  // One by one: with a mount goes what is mounted in it.
  for (;;) {
    const mounts = mountsIn(proc.read("self/mountinfo"));
    const kept = new Set(below(mounts, own).map(({ id }) => id));
    const found = mounts.find((mount) => isBareView(mount) && !kept.has(mount.id) && !covered.has(mount.id));
    if (found === undefined) return;
    if (!isDetached(found)) covered.add(found.id);
  }
}

function isBareView({ type, root }: MountLine): boolean {
  return (type === "proc" || type === "sysfs") && root === "/";
}

/** @returns false where it has been covered */
function isDetached({ point, type }: MountLine): boolean {
  return within(
    () => `without pivot_root the host's ${type} on ${quote(point)} cannot be hidden`,
    () => {
      try {
        detach(point);
        return true;
      } catch (thrown) {
        // A user namespace may not take apart the mounts that it was given as a whole: mount_namespaces(7).
        if (!isErrno(thrown, EINVAL)) throw thrown;
      }
      mountAt("tmpfs", point, "tmpfs", MS_RDONLY, null);
      return false;
    },
  );
}
