/** From `process` to the ops of process/ops.ts. Pure. */
import { numbersIn } from "../spec/number-list.ts";
import { refuse } from "../spec/refusal.ts";
import type { CpuAffinity, Linux, MemoryPolicy, Process, Scheduler } from "../spec/types.ts";
import type { AffinityOp, MemoryPolicyOp, ProcessOps, SchedulerOp } from "./ops.ts";

/** An unset umask is 0022, as callers of the other runtimes expect (docs/conformance.md). */
const defaultUmask = 0o022;

/** What of the caller's the program has. */
export interface Handed {
  /** Whether the environment is that of socket activation. */
  readonly activated: boolean;
  /** Whether it keeps the caller's supplementary groups, whatever the configuration says of some. */
  readonly groups: boolean;
}

/** @param linux the container's: some of it holds for every program in it */
export function planProcess(process: Process, linux: Linux = {}, handed?: Handed): ProcessOps {
  const { memoryPolicy, personality } = linux;
  const { args, env = [], cwd, user, rlimits = [], oomScoreAdj } = process;
  return {
    args,
    env: lastWins(env),
    activated: handed?.activated || undefined,
    cwd,
    uid: user.uid,
    gid: user.gid,
    groups: handed?.groups ? undefined : (user.additionalGids ?? []),
    umask: user.umask ?? defaultUmask,
    limits: rlimits.map(({ type, soft, hard }) => ({ type, soft: soft.toString(), hard: hard.toString() })),
    oomScoreAdj,
    terminal: process.terminal === true ? { size: consoleSize(process) } : undefined,
    scheduler: planScheduler(process.scheduler),
    ioPriority: process.ioPriority && { ...process.ioPriority, priority: process.ioPriority.priority ?? 0 },
    affinity: planAffinity(process.execCPUAffinity),
    memoryPolicy: planMemoryPolicy(memoryPolicy),
    personality: personality?.domain,
  };
}

function planScheduler(scheduler: Scheduler | undefined): SchedulerOp | undefined {
  if (scheduler === undefined) return undefined;
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (policy === "SCHED_ISO") refuse("process.scheduler.policy", "SCHED_ISO is a name that Linux keeps free");
  const times = { runtime: `${runtime}`, deadline: `${deadline}`, period: `${period}` };
  return { policy, nice, priority, flags, ...times };
}

/** The largest numbers of processors and of memory nodes that Linux can be built for. */
const [cpuLimit, nodeLimit] = [8192, 1024];

function planNumbers(path: string, list: string | undefined, limit: number): readonly number[] | undefined {
  const numbers = numbersIn(list ?? "", limit);
  if (numbers === undefined) refuse(path, `must not go beyond ${limit - 1}`);
  return numbers.length === 0 ? undefined : numbers;
}

function planAffinity(affinity: CpuAffinity | undefined): AffinityOp | undefined {
  if (affinity === undefined) return undefined;
  const initial = planNumbers("process.execCPUAffinity.initial", affinity.initial, cpuLimit);
  const final = planNumbers("process.execCPUAffinity.final", affinity.final, cpuLimit);
  return initial === undefined && final === undefined ? undefined : { initial, final };
}

function planMemoryPolicy(policy: MemoryPolicy | undefined): MemoryPolicyOp | undefined {
  if (policy === undefined) return undefined;
  const nodes = planNumbers("linux.memoryPolicy.nodes", policy.nodes, nodeLimit) ?? [];
  return { mode: policy.mode, flags: policy.flags ?? [], nodes };
}

function consoleSize({ consoleSize: size }: Process): { rows: number; columns: number } | undefined {
  return size === undefined || (size.height === 0 && size.width === 0)
    ? undefined
    : { rows: size.height, columns: size.width };
}

/** Of several values of one variable the last counts; it keeps the first one's place. */
function lastWins(env: readonly string[]): string[] {
  const values = new Map<string, string>();
  for (const entry of env) values.set(entry.slice(0, entry.indexOf("=")), entry);
  return [...values.values()];
}
