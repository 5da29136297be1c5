/** The system-call filter, as data: made by seccomp/plan.ts, compiled on the host side, loaded by seccomp/apply.ts. */
import type { Seccomp, SeccompAction, SeccompArg, SeccompSyscall } from "../spec/types.ts";

/** What decides over the instructions of a filter, and nothing else: the cache is asked by it. */
export interface FilterProfile {
  readonly defaultAction: FilterAction;
  readonly defaultErrnoRet: number | undefined;
  readonly architectures: NonNullable<Seccomp["architectures"]>;
  readonly syscalls: readonly FilterRule[];
}

export type FilterAction = SeccompAction;
export type FilterRule = SeccompSyscall;
export type FilterOperator = SeccompArg["op"];

/** Actions that let a call pass. */
export const permissiveActions: readonly FilterAction[] = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"];

export type FilterFlag = NonNullable<Seccomp["flags"]>[number];

/** Who decides over the calls of SCMP_ACT_NOTIFY. */
export interface ListenerOps {
  /** Of the agent's socket, on the host. */
  readonly path: string;
  readonly metadata: string;
}

export interface SeccompOps {
  readonly profile: FilterProfile;
  readonly flags: readonly FilterFlag[];
  /** Absent when no rule asks an agent. */
  readonly listener: ListenerOps | undefined;
}
