/** `mounts add` and `mounts remove`: changes what a container that is there has mounted. No state is written. */
import { BoxError } from "../base/errors.ts";
import { step } from "../base/steps.ts";
import { Channel } from "../handshake/channel.ts";
import { asFromInit, asToInit, type FromInit, stepTimeout, type ToInit } from "../handshake/messages.ts";
import { spawnInto } from "../handshake/spawn.ts";
import { runMounts } from "../init/mounts.ts";
import { SIGKILL } from "../linux/constants.ts";
import { type Child, sendSignal, setDumpable, waitPidfd } from "../linux/process.ts";
import { socketPair } from "../linux/socket.ts";
import type { MountsPlan } from "../plan/mounts.ts";
import { closeSources, openByCaller } from "../rootfs/sources.ts";
import type { Target } from "./exec.ts";
import { hear, type InitChannel } from "./launch.ts";

/** @throws BoxError when a change cannot be made; then none was */
export function changeMounts({ pidfd }: Target, plan: MountsPlan): void {
  const { child, channel } = spawn(pidfd, plan);
  using host = channel;
  try {
    const { message } = hear(host, stepTimeout, "change the mounts");
    if (message.type !== "ready") throw new BoxError(`handshake: ${message.type} came where ready was due`);
  } finally {
    sendSignal(child.pidfd, SIGKILL);
    waitPidfd(child.pidfd, true);
  }
}

function spawn(target: Target["pidfd"], plan: MountsPlan): { readonly child: Child; readonly channel: InitChannel } {
  step("sources");
  const sources = "add" in plan.change ? openByCaller(plan.change.add) : [];
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
