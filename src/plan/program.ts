/** Composes the subjects' plans of one program, the container's own or one of `exec`. Pure. */
import { planProcess } from "../process/plan.ts";
import { planSeccomp } from "../seccomp/plan.ts";
import { planSecurity, type SecurityContext } from "../security/plan.ts";
import { everyCapability } from "../spec/capabilities.ts";
import type { Finding } from "../spec/findings.ts";
import type { Linux, Process } from "../spec/types.ts";
import type { ProgramPlan } from "./plan.ts";

/** What surrounds the program. */
export interface ProgramContext {
  /** Capabilities of this process, as a mask: what it can hand on. */
  readonly capabilities: bigint;
  /** Whether the program is in a user namespace that box makes or joins. */
  readonly inUserNamespace: boolean;
  readonly newKeyring: boolean;
  /** Security modules that are in force on this host. */
  readonly modules: SecurityContext["modules"];
  readonly preserveFds: number;
  /** Whether the program keeps the supplementary groups of whoever called box. */
  readonly keepsGroups: boolean;
  /** Variables that the caller's socket activation adds; LISTEN_PID the program's process adds to them. */
  readonly activation: readonly string[];
}

/** The capabilities that a program can be given, as a mask. Whoever makes or joins a user namespace has all: user_namespaces(7). */
export function grantable({ inUserNamespace, capabilities }: ProgramContext): bigint {
  return inUserNamespace ? everyCapability : capabilities;
}

/** @param linux the container's: its filter is every program's */
export function planProgram(
  process: Process,
  linux: Linux,
  context: ProgramContext,
): { readonly program: ProgramPlan; readonly warnings: readonly Finding[] } {
  const seccomp = planSeccomp(linux.seccomp);
  const security = planSecurity(process, {
    grantable: grantable(context),
    newKeyring: context.newKeyring,
    filtered: seccomp !== undefined,
    modules: context.modules,
  });
  const { activation } = context;
  const env = [...(process.env ?? []), ...activation];
  return {
    program: {
      process: planProcess({ ...process, env }, linux, {
        activated: activation.length > 0,
        groups: context.keepsGroups,
      }),
      security: security.ops,
      seccomp,
      preserveFds: context.preserveFds,
    },
    warnings: security.warnings,
  };
}
