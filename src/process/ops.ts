/** The program and what it starts with, as data: made by process/plan.ts, performed by process/apply.ts. */
import type { IoPriority, MemoryPolicy, Personality, Rlimit, Scheduler } from "../spec/types.ts";

export interface LimitOp {
  readonly type: Rlimit["type"];
  /** Decimal text: the values are 64 bits wide. */
  readonly soft: string;
  readonly hard: string;
}

export interface ProcessOps {
  readonly args: readonly string[];
  /** The exact environment, without HOME if the configuration has none, and without the next one's variable. */
  readonly env: readonly string[];
  /** Whether LISTEN_PID is to name the program: only its own process knows its pid in its namespace. */
  readonly activated: true | undefined;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** Undefined leaves those of whoever called box. */
  readonly groups: readonly number[] | undefined;
  readonly umask: number;
  readonly limits: readonly LimitOp[];
  /** Undefined leaves it as it is; written by the parent, through the host's /proc. */
  readonly oomScoreAdj: number | undefined;
  readonly terminal: TerminalOp | undefined;
  readonly scheduler: SchedulerOp | undefined;
  readonly ioPriority: IoPriorityOp | undefined;
  /** Only for an exec'd process. */
  readonly affinity: AffinityOp | undefined;
  readonly memoryPolicy: MemoryPolicyOp | undefined;
  readonly personality: Personality["domain"] | undefined;
}

export type SchedulerFlag = NonNullable<Scheduler["flags"]>[number];

export interface SchedulerOp {
  /** No kernel has SCHED_ISO. */
  readonly policy: Exclude<Scheduler["policy"], "SCHED_ISO">;
  readonly nice: number;
  readonly priority: number;
  readonly flags: readonly SchedulerFlag[];
  /** Nanoseconds as decimal text (64 bits), as the next two. */
  readonly runtime: string;
  readonly deadline: string;
  readonly period: string;
}

export type IoPriorityOp = Required<IoPriority>;

export interface AffinityOp {
  /** Until the process is in its cgroup; undefined leaves the caller's. */
  readonly initial: readonly number[] | undefined;
  /** From then on; undefined are all that the cgroup has. */
  readonly final: readonly number[] | undefined;
}

export interface MemoryPolicyOp {
  readonly mode: MemoryPolicy["mode"];
  readonly flags: NonNullable<MemoryPolicy["flags"]>;
  readonly nodes: readonly number[];
}

export interface TerminalOp {
  /** The kernel's default where the configuration says nothing. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}
