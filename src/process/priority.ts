/**
 * The priorities of a process: process.scheduler and process.ioPriority. Set by the host side, which has the privilege
 * that a process in a user namespace of its own lacks.
 */
import { within } from "../base/errors.ts";
import {
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_RT,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_FLAG_DL_OVERRUN,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RECLAIM,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_UTIL_CLAMP_MAX,
  SCHED_FLAG_UTIL_CLAMP_MIN,
  SCHED_IDLE,
  SCHED_OTHER,
  SCHED_RR,
} from "../linux/constants.ts";
import { setIoPriority, setScheduling } from "../linux/scheduling.ts";
import type { IoPriorityOp, ProcessOps, SchedulerFlag, SchedulerOp } from "./ops.ts";

const policies: Readonly<Record<SchedulerOp["policy"], number>> = {
  SCHED_OTHER,
  SCHED_FIFO,
  SCHED_RR,
  SCHED_BATCH,
  SCHED_IDLE,
  SCHED_DEADLINE,
};

const flagValues: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_RECLAIM,
  SCHED_FLAG_DL_OVERRUN,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_UTIL_CLAMP_MIN,
  SCHED_FLAG_UTIL_CLAMP_MAX,
};

const ioClasses: Readonly<Record<IoPriorityOp["class"], number>> = {
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
};

/** Whether `setPriorities` has anything to do. */
export function hasPriorities({ scheduler, ioPriority }: ProcessOps): boolean {
  return scheduler !== undefined || ioPriority !== undefined;
}

/** @param pid of the one process, as this one sees it; what it forks later is like it */
export function setPriorities(pid: number, { scheduler, ioPriority }: ProcessOps): void {
  if (scheduler !== undefined) {
    const { policy, nice, priority, flags, runtime, deadline, period } = scheduler;
    const scheduling = {
      policy: policies[policy],
      flags: flags.reduce((sum, flag) => sum | flagValues[flag], 0),
      ...{ nice, priority },
      ...{ runtime: BigInt(runtime), deadline: BigInt(deadline), period: BigInt(period) },
    };
    within("process.scheduler", () => setScheduling(pid, scheduling, policy));
  }
  if (ioPriority !== undefined) {
    const { class: name, priority } = ioPriority;
    within("process.ioPriority", () => setIoPriority(pid, ioClasses[name], priority, name));
  }
}
