/** Makes the init process: a copy of this one in the container's namespaces. How it comes to be is known only here. */
import { BoxError, messageOf } from "../base/errors.ts";
import { nameProcess } from "../base/steps.ts";
import { CLONE_PARENT } from "../linux/constants.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { flagsOf } from "../linux/namespace.ts";
import { type Child, clone3, exit, pidOf, waitPidfd } from "../linux/process.ts";
import { receive, send, socketPair } from "../linux/socket.ts";
import { enteredBeforeInit, join, makeTimeNamespace, openJoins } from "../namespaces/apply.ts";
import type { NamespaceOps } from "../namespaces/ops.ts";

/**
 * Clones init into its new namespaces, and into `cgroup` where that is given.
 *
 * The new cgroup namespace is left to init: made here, it would be rooted in the caller's cgroup. Joined network, ipc,
 * uts and cgroup namespaces are left to it as well. For a joined pid or user namespace, and for any time namespace, a
 * short-lived process goes in first and clones from there, as a sibling of its own, so that init is this process's
 * child all the same.
 */
export function spawnInit(namespaces: NamespaceOps, cgroup: Fd | undefined, runInit: () => never): Child {
  const flags = flagsOf(namespaces.create.filter((kind) => kind !== "cgroup" && kind !== "time"));
  const before = namespaces.join.filter(({ kind }) => enteredBeforeInit.has(kind));
  const prepare = namespaces.create.includes("time") ? () => makeTimeNamespace(namespaces.timeOffsets) : undefined;
  if (before.length > 0 || prepare !== undefined) return spawnThrough(before, prepare, flags, cgroup, runInit);
  const child = clone3(flags, cgroup);
  return child === "child" ? runInit() : child;
}

function spawnThrough(
  before: NamespaceOps["join"],
  prepare: (() => void) | undefined,
  flags: number,
  cgroup: Fd | undefined,
  runInit: () => never,
): Child {
  const joins = openJoins(before);
  const [ours, theirs] = socketPair();
  using reports = ours;
  const helper = clone3(0);
  if (helper === "child") {
    nameProcess("the one that joins namespaces");
    let inInit = false;
    try {
      for (const one of joins) join(one);
      prepare?.();
      const child = clone3(flags + CLONE_PARENT, cgroup, 0);
      inInit = child === "child";
      if (child === "child") runInit();
      send(theirs, encodeUtf8("+"), [child.pidfd]);
    } catch (thrown) {
      if (!inInit) send(theirs, encodeUtf8(messageOf(thrown)));
    }
    exit(0);
  }
  theirs.close();
  for (const { fd } of joins) fd.close();
  using helperFd = helper.pidfd;
  const answer = receive(reports, 4096);
  waitPidfd(helperFd, true);
  if (answer === "again") throw new Error("a blocking socket had nothing to give");
  const pidfd = answer.fds[0];
  if (pidfd === undefined)
    throw new BoxError(
      answer.bytes.length > 0 ? decodeUtf8(answer.bytes) : "the process that joins namespaces was killed",
    );
  return { pid: pidOf(pidfd), pidfd };
}
