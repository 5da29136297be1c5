/** From `process` to the ops of process/ops.ts. Pure. */
import { each, refuse } from "../spec/refusal.ts";
import type { Process } from "../spec/types.ts";
import type { ProcessOps } from "./ops.ts";

const unsupported = ["apparmorProfile", "selinuxLabel", "scheduler", "ioPriority"] as const;

/** An unset umask is 0022, as callers of the other runtimes expect (docs/conformance.md). */
const defaultUmask = 0o022;

export function planProcess(process: Process): ProcessOps {
  each(unsupported, (name) => {
    if (process[name] !== undefined && process[name] !== "") refuse(`process.${name}`, "not supported");
  });
  const { args, env = [], cwd, user, rlimits = [], oomScoreAdj } = process;
  return {
    args,
    env: lastWins(env),
    cwd,
    uid: user.uid,
    gid: user.gid,
    groups: user.additionalGids ?? [],
    umask: user.umask ?? defaultUmask,
    limits: rlimits.map(({ type, soft, hard }) => ({ type, soft: soft.toString(), hard: hard.toString() })),
    oomScoreAdj,
    terminal: process.terminal === true ? { size: consoleSize(process) } : undefined,
  };
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
