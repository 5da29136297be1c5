/** The program and what it starts with, as data: made by process/plan.ts, performed by process/apply.ts. */
import type { Rlimit } from "../spec/types.ts";

export interface LimitOp {
  readonly type: Rlimit["type"];
  /** Decimal text: the values are 64 bits wide. */
  readonly soft: string;
  readonly hard: string;
}

export interface ProcessOps {
  readonly args: readonly string[];
  /** The exact environment, without HOME if the configuration has none. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  readonly limits: readonly LimitOp[];
  /** Undefined leaves it as it is; written by the parent, through the host's /proc. */
  readonly oomScoreAdj: number | undefined;
  readonly terminal: TerminalOp | undefined;
}

export interface TerminalOp {
  /** The kernel's default where the configuration says nothing. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}
