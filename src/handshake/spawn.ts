/** Makes init and exec'd processes: copies of this one in the container's namespaces. How they come to be is known only here. */
import { BoxError, messageOf } from "../base/errors.ts";
import { nameProcess } from "../base/steps.ts";
import { CLONE_PARENT } from "../linux/constants.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { fchdir } from "../linux/file.ts";
import { chroot } from "../linux/mount.ts";
import { flagsOf, type NamespaceFile, type PendingNamespace, setnsPidfd } from "../linux/namespace.ts";
import { type Child, clone3, exit, pidOf, waitPidfd } from "../linux/process.ts";
import { receive, send, socketPair, waitReadable } from "../linux/socket.ts";
import { joinAll, joinedBeforeInit, openForeignMounts, openJoins } from "../namespaces/apply.ts";
import type { NamespaceOps } from "../namespaces/ops.ts";

/** Namespaces that are open, for init to enter. */
export interface Outside {
  /** The mount namespace in which the program is to be, where that is not one of its own. */
  readonly foreignMounts: Fd | undefined;
  /** The network namespace that was made ahead. */
  readonly network: Fd | undefined;
}

/**
 * Clones init into its new namespaces, and into `cgroup` where that is given.
 *
 * New cgroup and time namespaces are left to init: a cgroup namespace made here would be rooted in the caller's cgroup,
 * and clone3 makes no time namespace. Joined network, ipc, uts and cgroup namespaces are left to it as well, unless there
 * is a user namespace. For a joined pid, user or time namespace, and for whatever is joined beside a user namespace, a
 * short-lived process goes in first and clones from there, as a sibling of its own, so that init is this process's child
 * all the same. A mount namespace that is not a new one is opened here, and left to init, as is a network namespace that
 * was made ahead.
 */
export function spawnInit(
  namespaces: NamespaceOps,
  cgroup: Fd | undefined,
  networkAhead: PendingNamespace | undefined,
  runInit: (outside: Outside) => never,
): Child {
  using foreignMounts = openForeignMounts(namespaces);
  using network = networkAhead?.();
  const outside = { foreignMounts, network };
  const isLater = (kind: NamespaceFile) =>
    kind === "cgroup" || kind === "time" || (kind === "net" && network !== undefined);
  const flags = flagsOf(namespaces.create.filter((kind) => !isLater(kind)));
  const before = joinedBeforeInit(namespaces);
  if (before.length > 0) {
    const joins = openJoins(before);
    const child = spawnThrough(
      () => joinAll(joins),
      flags,
      cgroup,
      () => runInit(outside),
    );
    for (const { fd } of joins) fd.close();
    return child;
  }
  const child = clone3(flags, cgroup);
  return child === "child" ? runInit(outside) : child;
}

/** How a process comes to be in the namespaces of another one. */
export interface Joining {
  /** That other one. */
  readonly target: Fd;
  /** Kinds of its namespaces in which this process is not. */
  readonly joins: readonly NamespaceFile[];
  /** Its root, where that is not the one that its mount namespace leads to. */
  readonly root: Fd | undefined;
  /** Whether only its user namespace gives the right to enter the pid namespace. */
  readonly userFirst: boolean;
  /** What the entering process does while it is outside. */
  readonly prepare: () => void;
}

/**
 * Clones a process that enters the namespaces of another one, and `cgroup` where that is given.
 *
 * All are joined by its pidfd in one step, but for the pid namespace, which only takes children: this process joins it
 * for those it will make. Where that is not allowed to it, a short-lived process joins all and clones from there.
 *
 * @param run what the new process does; it enters when it calls `enter`
 */
export function spawnInto(
  { target, joins, root, userFirst, prepare }: Joining,
  cgroup: Fd | undefined,
  run: (enter: () => void) => never,
): Child {
  const enter = (kinds: readonly NamespaceFile[]): void => {
    prepare();
    if (kinds.length > 0) setnsPidfd(target, kinds);
    if (root !== undefined) enterRoot(root);
  };
  if (userFirst) {
    // Into a cgroup, which may not be seen any more from a cgroup namespace: cgroups(7), nsdelegate.
    const first = joins.filter((kind) => kind !== "cgroup");
    return spawnThrough(
      () => enter(first),
      0,
      cgroup,
      () =>
        run(() => {
          if (first.length < joins.length) setnsPidfd(target, ["cgroup"]);
        }),
    );
  }
  if (joins.includes("pid")) setnsPidfd(target, ["pid"]);
  const child = clone3(0, cgroup);
  return child === "child" ? run(() => enter(joins.filter((kind) => kind !== "pid"))) : child;
}

function enterRoot(root: Fd): void {
  fchdir(root, "the container's root");
  chroot(".");
}

/** Clones by way of a short-lived process that enters namespaces first. */
function spawnThrough(enter: () => void, flags: number, cgroup: Fd | undefined, run: () => never): Child {
  const [ours, theirs] = socketPair();
  using reports = ours;
  const helper = clone3(0);
  if (helper === "child") {
    nameProcess("the one that joins namespaces");
    let inside = false;
    try {
      enter();
      const child = clone3(flags + CLONE_PARENT, cgroup, 0);
      inside = child === "child";
      if (child === "child") {
        // As long as it were open here, the end of the one that is to report could not be seen.
        theirs.close();
        run();
      }
      send(theirs, encodeUtf8("+"), [child.pidfd]);
    } catch (thrown) {
      if (!inside) send(theirs, encodeUtf8(messageOf(thrown)));
    }
    exit(0);
  }
  theirs.close();
  using helperFd = helper.pidfd;
  waitReadable(reports);
  const answer = receive(reports, 4096);
  waitPidfd(helperFd, true);
  if (answer === "again") throw new Error("a socket that could be read had nothing to give");
  const pidfd = answer.fds[0];
  if (pidfd === undefined)
    throw new BoxError(
      answer.bytes.length > 0 ? decodeUtf8(answer.bytes) : "the process that joins namespaces was killed",
    );
  return { pid: pidOf(pidfd), pidfd };
}
