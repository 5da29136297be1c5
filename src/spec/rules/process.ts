/**
 * The process (config.md, "Process"), the container's first one or one of `exec`.
 *
 * `at` is the path of the process in its document: "process" in a config.json, "" in a file of `exec --process`.
 */
import { describe } from "../../base/quote.ts";
import { keepsGroups } from "../annotations.ts";
import type { Findings } from "../findings.ts";
import { hasNewNamespace } from "../namespaces.ts";
import type { Capabilities, Process, Spec } from "../types.ts";
import { capabilityNames } from "../vocabulary.ts";
import { isMapped } from "./id-maps.ts";
import { schedulerRule } from "./scheduler.ts";
import { requireAbsolute, requireNumberList, requireOneLine } from "./text.ts";

/** Every rule of a process in the container of `spec`. */
export function processRules(process: Process, spec: Spec, at: string, findings: Findings): void {
  requireAbsolute(`${at}.cwd`, process.cwd, findings);
  environmentRule(process, at, findings);
  userRule(process, spec, at, findings);
  rlimitsRule(process, at, findings);
  if (process.capabilities !== undefined) capabilitiesRule(process.capabilities, `${at}.capabilities`, findings);
  if (process.scheduler !== undefined) schedulerRule(process.scheduler, `${at}.scheduler`, findings);
  for (const moment of ["initial", "final"] as const) {
    const cpus = process.execCPUAffinity?.[moment];
    if (cpus !== undefined) requireNumberList(`${at}.execCPUAffinity.${moment}`, cpus, findings);
  }
  for (const label of ["apparmorProfile", "selinuxLabel"] as const) {
    requireOneLine(`${at}.${label}`, process[label] ?? "", findings);
  }
}

/** environ(7): name=value, and the name is not empty. */
function environmentRule(process: Process, at: string, findings: Findings): void {
  process.env?.forEach((entry, index) => {
    if (entry.indexOf("=") > 0) return;
    findings.problem(`${at}.env[${index}]`, `must be of the form NAME=value, not ${describe(entry)}`);
  });
}

/** Ids must be mapped where the mappings are known; those of a namespace that is joined are the kernel's to judge. */
function userRule(process: Process, spec: Spec, at: string, findings: Findings): void {
  if (!hasNewNamespace(spec, "user")) return;
  const { uid, gid, additionalGids = [] } = process.user;
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  const groups = keepsGroups(spec) ? [] : additionalGids;
  const ids = [[`${at}.user.gid`, gid], ...groups.map((id, index) => [`${at}.user.additionalGids[${index}]`, id])];
  if (uidMappings.length > 0 && !isMapped(uid, uidMappings)) {
    findings.problem(`${at}.user.uid`, `must be mapped by linux.uidMappings, but ${uid} is not`);
  }
  for (const [path, id] of gidMappings.length > 0 ? (ids as [string, number][]) : []) {
    if (!isMapped(id, gidMappings)) findings.problem(path, `must be mapped by linux.gidMappings, but ${id} is not`);
  }
}

/** Each limit at most once (the specification demands an error); soft up to hard, as setrlimit(2) has it. */
function rlimitsRule(process: Process, at: string, findings: Findings): void {
  const seen = new Set<string>();
  process.rlimits?.forEach(({ type, soft, hard }, index) => {
    const path = `${at}.rlimits[${index}]`;
    if (seen.has(type)) findings.problem(`${path}.type`, `must be given once, but ${type} is there twice`);
    seen.add(type);
    if (soft > hard) findings.problem(`${path}.soft`, `must be at most the hard limit ${hard}, not ${soft}`);
  });
}

/** What is unknown or cannot be granted is a warning (config.md, "Linux Process"), never a refusal. */
function capabilitiesRule(capabilities: Capabilities, path: string, findings: Findings): void {
  const known: readonly string[] = capabilityNames;
  for (const set of ["bounding", "effective", "permitted", "inheritable", "ambient"] as const) {
    capabilities[set]?.forEach((name, index) => {
      if (!known.includes(name)) findings.warning(`${path}.${set}[${index}]`, `unknown capability ${describe(name)}`);
    });
  }
  const { permitted = [], inheritable = [], effective = [], ambient = [] } = capabilities;
  effective.forEach((name, index) => {
    if (!permitted.includes(name))
      findings.warning(`${path}.effective[${index}]`, `${describe(name)} is not permitted`);
  });
  ambient.forEach((name, index) => {
    if (permitted.includes(name) && inheritable.includes(name)) return;
    findings.warning(`${path}.ambient[${index}]`, `${describe(name)} is not both permitted and inheritable`);
  });
}
