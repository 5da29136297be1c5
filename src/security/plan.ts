/** From `process.capabilities` and its neighbours to the ops of security/ops.ts. Pure. */
import { capSysAdmin, maskOf, namesOf } from "../spec/capabilities.ts";
import type { Finding } from "../spec/findings.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { Capabilities, Process } from "../spec/types.ts";
import type { CapabilityOps, LabelOp, SecurityOps } from "./ops.ts";

export interface SecurityContext {
  /** Capabilities that can be granted: init's own, as a mask. */
  readonly grantable: bigint;
  readonly newKeyring: boolean;
  /** Whether the program gets a system-call filter. */
  readonly filtered: boolean;
  /** Which of them are in force on this host. */
  readonly modules: { readonly apparmor: boolean; readonly selinux: boolean };
}

export interface SecurityPlan {
  readonly ops: SecurityOps;
  /** Capabilities that are unknown or cannot be granted are warned of and left out, as the specification says. */
  readonly warnings: readonly Finding[];
}

/** @throws Refusal for a filter that could not be loaded and for labels that nobody would look at */
export function planSecurity(process: Process, context: SecurityContext): SecurityPlan {
  const { capabilities = {}, noNewPrivileges = false } = process;
  const warnings: Finding[] = [];
  const set = (name: keyof Capabilities): string => {
    const wanted = maskOf(capabilities[name] ?? []);
    const missing = wanted & ~context.grantable;
    if (missing !== 0n) {
      const message = `cannot be granted here: ${namesOf(missing).join(", ")}`;
      warnings.push({ path: `process.capabilities.${name}`, message });
    }
    return (wanted & context.grantable).toString();
  };
  const ops: CapabilityOps = {
    bounding: set("bounding"),
    effective: set("effective"),
    permitted: set("permitted"),
    inheritable: set("inheritable"),
    ambient: set("ambient"),
    untilExecution: filterPrivilege(noNewPrivileges, context).toString(),
  };
  return {
    ops: { capabilities: ops, noNewPrivileges, newKeyring: context.newKeyring, labels: planLabels(process, context) },
    warnings,
  };
}

/** What it takes to load a filter: seccomp(2). @throws Refusal when it cannot be had */
function filterPrivilege(noNewPrivileges: boolean, { filtered, grantable }: SecurityContext): bigint {
  if (!filtered || noNewPrivileges) return 0n;
  const privilege = capSysAdmin & grantable;
  if (privilege === 0n) refuse("linux.seccomp", "needs process.noNewPrivileges, or CAP_SYS_ADMIN of the caller");
  return privilege;
}

/** @throws Refusal for a label that nobody would look at */
function planLabels(process: Process, { modules }: SecurityContext): LabelOp[] {
  if (!process.apparmorProfile && !process.selinuxLabel) return [];
  const asked = [
    { module: "apparmor", name: "AppArmor", property: "process.apparmorProfile", label: process.apparmorProfile ?? "" },
    { module: "selinux", name: "SELinux", property: "process.selinuxLabel", label: process.selinuxLabel ?? "" },
  ] as const;
  const given = asked.filter(({ label }) => label !== "");
  return each(given, ({ module, name, property, label }) => {
    if (!modules[module]) refuse(property, `${name} is not in force on this host`);
    return { module, label, property };
  });
}
