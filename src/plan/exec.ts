/** Composes the plan of one `exec` from the container's kept configuration and the command line. Pure. */
import { BoxError } from "../base/errors.ts";
import type { CgroupOps, CgroupPlace } from "../cgroups/ops.ts";
import { planPlaces } from "../cgroups/plan.ts";
import type { NamespaceFile } from "../linux/namespace.ts";
import type { NamespaceOps } from "../namespaces/ops.ts";
import { planNamespaces } from "../namespaces/plan.ts";
import { keepGroups, keepsGroups } from "../spec/annotations.ts";
import { capSysAdmin, holds, maskOf, namesOf } from "../spec/capabilities.ts";
import type { Finding } from "../spec/findings.ts";
import type { Capabilities, Process, ValidProcess, ValidSpec } from "../spec/types.ts";
import type { ProgramPlan } from "./plan.ts";
import { grantable, type ProgramContext, planProgram } from "./program.ts";

/** What the command line says of the process; what it leaves out is as in the configuration. */
export interface ProcessOptions {
  readonly args: readonly string[];
  readonly terminal: boolean;
  readonly cwd: string | undefined;
  /** Added to the configuration's, `NAME=value`. */
  readonly env: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number | undefined } | undefined;
  readonly additionalGids: readonly number[];
  /** Added to the bounding, effective and permitted set, and to the ambient one where the configuration's inheritable has it. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile: string | undefined;
  readonly selinuxLabel: string | undefined;
}

/** Whether the command line says no more of the process than what it executes, in a terminal or not. */
export function isCommandOnly(options: ProcessOptions): boolean {
  const { cwd, user, apparmorProfile, selinuxLabel, env, additionalGids, capabilities, noNewPrivileges } = options;
  const single = cwd ?? user ?? apparmorProfile ?? selinuxLabel;
  return single === undefined && !noNewPrivileges && env.length + additionalGids.length + capabilities.length === 0;
}

/**
 * The process that the command line describes, on top of the container's own.
 * @throws BoxError for groups that could not be given beside those that the container keeps
 */
export function processOf(spec: ValidSpec, options: ProcessOptions): Process {
  const { process } = spec;
  if (options.additionalGids.length > 0 && keepsGroups(spec))
    throw new BoxError(`--additional-gids: programs of this container have their caller's groups (${keepGroups})`);
  const user = process?.user ?? { uid: 0, gid: 0 };
  const { cwd, apparmorProfile, selinuxLabel } = options;
  return {
    ...inherited(process),
    args: options.args,
    terminal: options.terminal,
    cwd: cwd ?? process?.cwd ?? "/",
    env: [...(process?.env ?? []), ...options.env],
    user: {
      ...user,
      uid: options.user?.uid ?? user.uid,
      gid: options.user?.gid ?? user.gid,
      additionalGids: [...(user.additionalGids ?? []), ...options.additionalGids],
    },
    ...(options.capabilities.length > 0
      ? { capabilities: addCapabilities(process?.capabilities, options.capabilities) }
      : {}),
    ...(options.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
  };
}

/** A process of a file of its own: what confines the container's program confines it too where the file says nothing. */
export function completeProcess({ process: own }: ValidSpec, process: ValidProcess): ValidProcess {
  const umask = process.user.umask ?? own?.user.umask;
  return { ...inherited(own), ...process, user: { ...process.user, ...(umask === undefined ? {} : { umask }) } };
}

/** What an exec'd process has from the container's own: all but what it does and who it is. */
function inherited(process: Process | undefined): Partial<Process> {
  if (process === undefined) return {};
  const { args, cwd, env, user, terminal, consoleSize, ...rest } = process;
  return rest;
}

function addCapabilities(own: Capabilities = {}, added: readonly string[]): Capabilities {
  const { bounding = [], effective = [], permitted = [], inheritable = [], ambient = [] } = own;
  const kept = added.filter((name) => inheritable.includes(name));
  return {
    ...own,
    bounding: [...bounding, ...added],
    effective: [...effective, ...added],
    permitted: [...permitted, ...added],
    ...(kept.length > 0 ? { ambient: [...ambient, ...kept] } : {}),
  };
}

/** What is known of the running container and of this host. */
export interface ExecFacts {
  /** Capabilities of this process, as a mask. */
  readonly capabilities: bigint;
  /** Security modules that are in force on this host. */
  readonly modules: ProgramContext["modules"];
  /** Namespaces in which the container's first process is and this one is not. */
  readonly joins: readonly NamespaceFile[];
  readonly cgroup: Pick<CgroupOps, "path" | "directories"> | null;
  /** User id of whoever created the container. */
  readonly creator: number;
  /** Whether the container left its creator's session keyring. */
  readonly newKeyring: boolean;
}

export interface ExecOptions {
  readonly preserveFds: number;
  /** Variables that the caller's socket activation adds. */
  readonly activation: readonly string[];
  /** `[CTRL,…:]PATH` below the container's cgroup. */
  readonly cgroups: readonly string[];
  /** Capabilities that the command line asks for by name: to leave one out would be no answer. */
  readonly addedCapabilities: readonly string[];
}

export interface ExecPlan {
  readonly program: ProgramPlan;
  readonly joins: readonly NamespaceFile[];
  /** Whether the user namespace must be entered before the others can be: without privilege outside of it. */
  readonly userFirst: boolean;
  readonly namespaces: Pick<NamespaceOps, "denySetgroups" | "foreignMounts">;
  readonly cgroups: readonly CgroupPlace[];
  readonly warnings: readonly Finding[];
}

/** @throws BoxError for what cannot be done in this container */
export function planExec(process: ValidProcess, spec: ValidSpec, facts: ExecFacts, options: ExecOptions): ExecPlan {
  const { joins, capabilities, newKeyring } = facts;
  const inUserNamespace = joins.includes("user");
  const { preserveFds, activation } = options;
  const context = {
    capabilities,
    inUserNamespace,
    newKeyring,
    modules: facts.modules,
    preserveFds,
    activation,
    keepsGroups: keepsGroups(spec),
  };
  const missing = maskOf(options.addedCapabilities) & ~grantable(context);
  if (missing !== 0n) throw new BoxError(`--cap: cannot be granted here: ${namesOf(missing).join(", ")}`);
  const { program, warnings } = planProgram(process, spec.linux ?? {}, context);
  return {
    program,
    joins,
    userFirst: inUserNamespace && !holds(capabilities, capSysAdmin),
    namespaces: planNamespaces(spec, () => facts.creator === 0),
    cgroups: planPlaces(facts.cgroup, options.cgroups),
    warnings,
  };
}
