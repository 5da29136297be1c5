/**
 * The process that makes mounts in a container that is there, or removes some: a copy of the process that was called, for
 * a moment. Processes of the container see it, so it is not dumpable, and holds nothing of the host's but what it mounts.
 */
import { nameProcess, step } from "../base/steps.ts";
import { Fd } from "../linux/fd.ts";
import { closeAllBut } from "../linux/file.ts";
import { exit } from "../linux/process.ts";
import { everySignal, setSignalMask } from "../linux/signal.ts";
import { becomeContainerRoot } from "../namespaces/apply.ts";
import type { MountsPlan } from "../plan/mounts.ts";
import { addMounts, removeMounts, type Sources } from "../rootfs/live.ts";
import { type HostChannel, report } from "./host-channel.ts";

export interface MountsSetup {
  readonly plan: MountsPlan;
  /** To the process that made it. */
  readonly host: HostChannel;
  /** Joins the container's namespaces. */
  readonly enter: () => void;
  /** What the host side has opened of the mounts. */
  readonly sources: Sources;
}

/** From the clone to its end: 0 when all is mounted or removed, 1 when nothing is and the host side was told why. */
export function runMounts({ plan, host, enter, sources }: MountsSetup): never {
  try {
    nameProcess("the one that mounts");
    step("namespaces");
    setSignalMask(everySignal);
    enter();
    closeAllBut(3, [host.socket, ...sources.filter((source) => source instanceof Fd)]);
    if (plan.joins.includes("user")) becomeContainerRoot();
    step("mounts");
    if ("add" in plan.change) addMounts(plan.change.add, sources);
    else removeMounts(plan.change.remove);
    host.send({ type: "ready" });
    exit(0);
  } catch (thrown) {
    report(host, thrown);
  }
  exit(1);
}

/** The process that opens sources for a caller who may not copy mounts: it hands over one after the other. */
export function handOverSources(caller: HostChannel, open: () => Sources): never {
  try {
    nameProcess("the one that opens sources");
    for (const source of open()) {
      if (source instanceof Fd) caller.send({ type: "source", linkTo: undefined }, [source]);
      else if (source !== undefined && "linkTo" in source) caller.send({ type: "source", linkTo: source.linkTo });
    }
    exit(0);
  } catch (thrown) {
    report(caller, thrown);
  }
  exit(1);
}
