/**
 * What a mount is like, set by descriptor: mount_setattr(2). Linux before 5.12 has not got it; there fs/remount.ts does
 * the same by mount(2), which sets the flags of no mount but an attached one.
 */
import { ENOSYS } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { type MountAttributes, moveMount, setMountAttributes } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";

/** What is done in place of mount_setattr(2), once it is known to be missing. */
let substitute: typeof import("./remount.ts") | undefined;

/** Changes one mount, or the whole tree below it. */
export function setAttributes(mount: Fd, recursive: boolean, attributes: MountAttributes, about: string): void {
  if (substitute === undefined) {
    try {
      setMountAttributes(mount, recursive, attributes, about);
      return;
    } catch (thrown) {
      if (!isErrno(thrown, ENOSYS)) throw thrown;
      substitute = load("fs/remount") as typeof import("./remount.ts");
    }
  }
  substitute.remount(mount, recursive, attributes, about);
}

/**
 * Attaches a detached mount onto what `target` stands for, changed by `change` before anybody can see it; where the
 * kernel cannot do that, at once afterwards.
 */
export function attach(mount: Fd, target: Fd, about: string, change: () => void): void {
  if (substitute === undefined) {
    try {
      change();
    } catch (thrown) {
      // The first to find out.
      if (substitute === undefined) throw thrown;
    }
  }
  moveMount(mount, target, about);
  if (substitute !== undefined) change();
}
