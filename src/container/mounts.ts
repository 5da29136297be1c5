/** `mounts add` and `mounts remove`: changes what a container that is there has mounted. No state is written. */
import { BoxError } from "../base/errors.ts";
import { step } from "../base/steps.ts";
import { Channel } from "../handshake/channel.ts";
import { asFromInit, asToInit, type FromInit, stepTimeout, type ToInit } from "../handshake/messages.ts";
import { spawnInto } from "../handshake/spawn.ts";
import { handOverSources, runMounts } from "../init/mounts.ts";
import { CLONE_NEWNS, CLONE_NEWUSER } from "../linux/constants.ts";
import { type Child, clone3, killAndReap, setDumpable } from "../linux/process.ts";
import { socketPair } from "../linux/socket.ts";
import type { MountsPlan } from "../plan/mounts.ts";
import type { MountsOps } from "../rootfs/ops.ts";
import { closeSources, isByCaller, openByCaller, openHere, type Source, type Sources } from "../rootfs/sources.ts";
import { hear, type InitChannel } from "./launch.ts";
import type { Target } from "./target.ts";

/** @throws BoxError when a change cannot be made; then none was */
export function changeMounts({ pidfd }: Target, plan: MountsPlan): void {
  const { child, channel } = spawn(pidfd, plan);
  using host = channel;
  try {
    const { message } = hear(host, stepTimeout, "change the mounts");
    if (message.type !== "ready") throw new BoxError(`handshake: ${message.type} came where ready was due`);
  } finally {
    killAndReap(child.pidfd);
  }
}

function spawn(target: Target["pidfd"], plan: MountsPlan): { readonly child: Child; readonly channel: InitChannel } {
  step("sources");
  const sources = "add" in plan.change ? openSources(plan.change.add, plan.userFirst) : [];
  step("clone");
  const [ours, theirs] = socketPair();
  const channel = new Channel<ToInit, FromInit>(ours, asFromInit);
  const { joins, userFirst } = plan;
  try {
    const child = spawnInto(
      { target, joins, root: undefined, userFirst, prepare: () => setDumpable(false) },
      undefined,
      (enter) => {
        ours.close();
        return runMounts({ plan, host: new Channel<FromInit, ToInit>(theirs, asToInit), enter, sources });
      },
    );
    return { child, channel };
  } catch (thrown) {
    channel[Symbol.dispose]();
    throw thrown;
  } finally {
    theirs.close();
    closeSources(sources);
  }
}

function openSources(ops: MountsOps, withoutRights: boolean): Sources {
  const isNeeded = ops.mounts.some(isByCaller);
  return withoutRights && isNeeded ? openByHelper(ops) : openByCaller(ops);
}

/**
 * For a caller who may not mount: a process in a user namespace of its own may, in the copy of the mounts that comes with it.
 * What restricts them is locked there (fs/locked-mounts.ts). It hands over what it has taken.
 */
function openByHelper(ops: MountsOps): Sources {
  const [ours, theirs] = socketPair();
  using answers = new Channel<ToInit, FromInit>(ours, asFromInit);
  const helper = clone3(CLONE_NEWUSER + CLONE_NEWNS);
  if (helper === "child") {
    handOverSources(new Channel<FromInit, ToInit>(theirs, asToInit), () => {
      answers[Symbol.dispose]();
      return openHere(ops);
    });
  }
  theirs.close();
  const sources: (Source | undefined)[] = [];
  try {
    for (const op of ops.mounts) sources.push(isByCaller(op) ? hearSource(answers) : undefined);
    return sources;
  } catch (thrown) {
    closeSources(sources);
    throw thrown;
  } finally {
    killAndReap(helper.pidfd);
    helper.pidfd.close();
  }
}

function hearSource(answers: InitChannel): Source {
  const { message, fds } = hear(answers, stepTimeout, "open what is to be mounted");
  const [tree] = fds;
  if (message.type !== "source") throw new BoxError(`handshake: ${message.type} came where source was due`);
  if (message.linkTo !== undefined) return { linkTo: message.linkTo };
  if (tree === undefined) throw new BoxError("handshake: a source came without its descriptor");
  return tree;
}
