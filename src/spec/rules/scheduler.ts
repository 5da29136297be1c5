/** process.scheduler as sched_setattr(2) takes it. */
import type { Findings } from "../findings.ts";
import type { Scheduler } from "../types.ts";

const realTime: readonly string[] = ["SCHED_FIFO", "SCHED_RR"];
/** The kernel's shortest runtime, 2^DL_SCALE nanoseconds. */
const shortestRuntime = 1024;

/** Each policy has attributes of its own; those of another policy would be ignored in silence. */
export function schedulerRule(scheduler: Scheduler, path: string, findings: Findings): void {
  const { policy, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (nice < -20 || nice > 19) findings.problem(`${path}.nice`, `must be from -20 to 19, not ${nice}`);
  if (realTime.includes(policy)) {
    if (priority < 1 || priority > 99) {
      findings.problem(`${path}.priority`, `must be from 1 to 99 with ${policy}, not ${priority}`);
    }
  } else if (priority !== 0) {
    findings.problem(`${path}.priority`, `must be 0 or absent with ${policy}, not ${priority}`);
  }
  if (policy !== "SCHED_DEADLINE") {
    for (const [name, value] of Object.entries({ runtime, deadline, period })) {
      if (value > 0) findings.problem(`${path}.${name}`, `needs the policy SCHED_DEADLINE, not ${policy}`);
    }
    return;
  }
  if (runtime < shortestRuntime)
    findings.problem(`${path}.runtime`, `must be at least ${shortestRuntime} ns, not ${runtime}`);
  if (runtime > deadline)
    findings.problem(`${path}.deadline`, `must be at least the runtime ${runtime}, not ${deadline}`);
  if (period > 0 && deadline > period) {
    findings.problem(`${path}.period`, `must be at least the deadline ${deadline}, not ${period}`);
  }
}
