/**
 * The host's mounts as a user namespace has them: what restricts them (ro, nosuid, nodev, noexec) is locked.
 *
 * The kernel locks that when it copies mounts for another user namespace, mount_namespaces(7), and a copy of such a copy
 * keeps it. One that is taken outside and handed in would not have it: root of the container could take it away.
 */
import { CLONE_NEWNS, CLONE_NEWUSER, O_DIRECTORY, O_PATH, O_RDONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fchdir, open } from "../linux/file.ts";
import { chroot } from "../linux/mount.ts";
import { setns } from "../linux/namespace.ts";
import { NamespaceHolder } from "./namespace-holder.ts";

/** Does something, with the rights that this process has, where all mounts are locked. */
export function amongLockedMounts<T>(action: () => T): T {
  using here = View.of("self");
  using holder = NamespaceHolder.make(CLONE_NEWUSER + CLONE_NEWNS);
  using there = View.of(`${holder.pid}`);
  using directory = open("cwd", ".", O_PATH | O_DIRECTORY);
  there.enter();
  try {
    return action();
  } finally {
    here.enter();
    fchdir(directory, ".");
  }
}

/** A mount namespace, and the root in it: to enter the one leads to its own root. */
class View implements Disposable {
  readonly #mounts: Fd;
  readonly #root: Fd;

  private constructor(mounts: Fd, root: Fd) {
    this.#mounts = mounts;
    this.#root = root;
  }

  static of(pid: string): View {
    const mounts = open("cwd", `/proc/${pid}/ns/mnt`, O_RDONLY);
    return new View(mounts, open("cwd", `/proc/${pid}/root`, O_PATH | O_DIRECTORY));
  }

  enter(): void {
    setns(this.#mounts, "mnt", "a copy of the host's mounts");
    fchdir(this.#root, "/");
    chroot(".");
  }

  [Symbol.dispose](): void {
    this.#mounts.close();
    this.#root.close();
  }
}
