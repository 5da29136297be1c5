/** Masked and read-only paths: mounts on descriptors, so that no name can be led elsewhere between check and use. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { attach, setAttributes } from "../fs/mount-attributes.ts";
import { isDirectory, type Root } from "../fs/root.ts";
import { MOUNT_ATTR_RDONLY, O_NOFOLLOW, O_PATH, S_IFCHR, S_IFMT } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, open } from "../linux/file.ts";
import { cloneTreeOf, FileSystemContext, moveMount } from "../linux/mount.ts";

/** A detached mount of the host's /dev/null, verified to be the null device; taken while the host's tree is the root. */
export function nullDevice(): Fd {
  using fd = open("cwd", "/dev/null", O_PATH | O_NOFOLLOW);
  const { mode, rdev } = fstat(fd, "/dev/null");
  if ((mode & S_IFMT) !== S_IFCHR || rdev.major !== 1 || rdev.minor !== 3) {
    throw new BoxError("the host's /dev/null is not the null device", { path: "/dev/null" });
  }
  return cloneTreeOf(fd, false, "/dev/null");
}

/** Covers files with the null device and directories with one empty read-only tmpfs. What is not there is skipped. */
export function mask(root: Root, paths: readonly string[], nullMount: Fd): void {
  const covers: { file?: Fd; directory?: Fd } = {};
  for (const path of paths) {
    using target = root.find(path, O_PATH);
    if (target === undefined) continue;
    within(
      () => `mask ${quote(path)}`,
      () => {
        const kind = isDirectory(target, path) ? "directory" : "file";
        const first = covers[kind];
        // A clone of the first cover serves the others: one superblock for all of them.
        const cover =
          first === undefined ? (kind === "file" ? nullMount : emptyDirectory()) : cloneTreeOf(first, false, path);
        moveMount(cover, target, path);
        if (first === undefined) covers[kind] = cover;
        else cover.close();
      },
    );
  }
  covers.directory?.close();
}

function emptyDirectory(): Fd {
  using context = FileSystemContext.open("tmpfs");
  context.setString("source", "tmpfs");
  context.setString("size", "4k");
  context.setString("mode", "755");
  context.create();
  return context.mount(MOUNT_ATTR_RDONLY);
}

/** Binds each path onto itself, read-only with everything below. What is not there is skipped. */
export function makeReadonly(root: Root, paths: readonly string[]): void {
  for (const path of paths) {
    using target = root.find(path, O_PATH);
    if (target === undefined) continue;
    within(
      () => `make ${quote(path)} read-only`,
      () => {
        using mount = cloneTreeOf(target, true, path);
        attach(mount, target, path, () => setAttributes(mount, true, { set: MOUNT_ATTR_RDONLY }, path));
      },
    );
  }
}
