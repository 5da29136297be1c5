/** box validate: everything that is wrong with a bundle, told before anything is made of it. */
import { resolve } from "../../base/path.ts";
import { printable } from "../../base/quote.ts";
import { readConfig } from "../../facts/bundle.ts";
import { hostFacts } from "../../facts/host.ts";
import { load } from "../../linux/engine.ts";
import { type CgroupManager, planCreate } from "../../plan/create.ts";
import { checkHost } from "../../preflight/host.ts";
import { type Finding, Findings, format } from "../../spec/findings.ts";
import { gather } from "../../spec/refusal.ts";
import { sectionOf } from "../../spec/sections.ts";
import type { Spec, ValidSpec } from "../../spec/types.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { creationOptions, enterBundle, requireOwnNames } from "../creation.ts";

export const table: CommandTable = {
  name: "validate",
  summary: "Checks a bundle against the specification and this host, and lists every problem. Nothing is made.",
  operands: [],
  options: [
    ...creationOptions.filter(({ name }) => name === "bundle" || name === "config"),
    { name: "json", help: "print the findings as JSON" },
  ],
};

/** @returns 1 when create would fail, 0 when there is nothing but warnings */
export function run(args: Arguments, { print, cgroupManager }: Context): number {
  const bundle = enterBundle(args.text("bundle"));
  const config = resolve(bundle, args.text("config") ?? "config.json");
  const findings = inspectBundle(bundle, config, cgroupManager);
  print(args.has("json") ? json(config, findings) : text(config, findings));
  return findings.problems.length > 0 ? 1 : 0;
}

function inspectBundle(bundle: string, config: string, cgroupManager: CgroupManager): Findings {
  const { inspectSpec } = load("spec/decode") as typeof import("../../spec/decode.ts");
  const unread = new Findings();
  const file = gather(unread, () => readConfig(config));
  if (file === undefined) return unread;
  const { findings, spec } = inspectSpec(file.text);
  if (spec === undefined) return findings;
  gather(findings, () => requireOwnNames(spec));
  inspectPlan(spec, bundle, cgroupManager, findings);
  checkHost({ spec, bundle, facts: hostFacts() }, findings);
  return findings;
}

/** A plan is made even of what breaks a rule, to learn what else is wrong; it is thrown away. */
function inspectPlan(spec: Spec, bundle: string, cgroupManager: CgroupManager, findings: Findings): void {
  const options = {
    id: "validate",
    bundle,
    pivot: true,
    newKeyring: true,
    cgroupManager,
    preserveFds: 0,
    activation: [],
  };
  const plan = gather(findings, () => planCreate(spec as ValidSpec, hostFacts(), options));
  for (const { path, message } of plan?.warnings ?? []) findings.warning(path, message);
}

function text(config: string, { problems, warnings, dropped }: Findings): string {
  const line = (severity: string) => (finding: Finding) => {
    const section = sectionOf(finding.path);
    return `${severity}: ${format(finding)}${section === undefined ? "" : ` (${section})`}`;
  };
  const more = dropped > 0 ? `, and ${dropped} more` : "";
  const verdict = `${config}: ${count(problems.length, "error")}, ${count(warnings.length, "warning")}${more}`;
  const lines = [...problems.map(line("error")), ...warnings.map(line("warning"))];
  return [...lines, verdict].map((one) => `${printable(one)}\n`).join("");
}

function count(number: number, what: string): string {
  return `${number === 0 ? "no" : number} ${what}${number === 1 ? "" : "s"}`;
}

function json(config: string, { problems, warnings, dropped }: Findings): string {
  const entry = (severity: "error" | "warning") => (finding: Finding) => ({
    severity,
    ...finding,
    section: sectionOf(finding.path),
  });
  const findings = [...problems.map(entry("error")), ...warnings.map(entry("warning"))];
  return `${printable(JSON.stringify({ valid: problems.length === 0, config, findings, dropped }))}\n`;
}
