/**
 * From JSON text to a configuration that can be planned: parse, schema, rules. Nothing else makes a ValidSpec, but for
 * one that went through here before.
 *
 * What is promised of a valid document: every value has the type of types.ts, integers are within their bounds and safe
 * or bigint, strings can go to the kernel as they are, and no rule of rules/ objects. Unknown properties were ignored
 * and may still be there, unchecked; so was the size of a console without a terminal.
 */
import { checkMounts, checkProcess, checkResources, checkSpec } from "#validators";
import { BoxError } from "../base/errors.ts";
import { configLimits, parseKept, parseRounded, smallLimits } from "../base/json.ts";
import { parseExactly } from "../base/json-exact.ts";
import { type Check, isPlainText, type Sink } from "./check.ts";
import { Findings, format } from "./findings.ts";
import { specRules } from "./rules/all.ts";
import { mountRules } from "./rules/mounts.ts";
import { processRules } from "./rules/process.ts";
import { resourceRules, swapNeedsLimitRule } from "./rules/resources.ts";
import type { Mount, Process, Resources, Spec, ValidMounts, ValidProcess, ValidResources, ValidSpec } from "./types.ts";

/** Takes one warning; the text is one line without a full stop. */
export type Warn = (message: string) => void;

/**
 * The configuration in the text of a config.json (runtime-spec, config.md).
 *
 * @throws BoxError with up to three problems and the number of the others, on one line.
 */
export function decodeSpec(text: string, warn: Warn = ignore): ValidSpec {
  return decode(text, parseConfig, checkSpec, (spec: Spec, findings) => specRules(spec, findings), warn) as ValidSpec;
}

/**
 * The configuration that box keeps of a container. It was decoded before the container was made, so no rule is asked again;
 * its shape is, for damage, and for what is set where nothing is said. Throws as decodeSpec.
 */
export function decodeKept(text: string): ValidSpec {
  const { value, findings } = read(text, (kept) => parseKept(kept, configLimits), checkSpec, ignore, true);
  return settle(value as ValidSpec, findings, ignore);
}

/** The process in the file of `exec --process`, to be run in the container of `spec`. Throws as decodeSpec. */
export function decodeProcess(text: string, spec: Spec, warn: Warn = ignore): ValidProcess {
  const rules = (process: Process, findings: Findings) => processRules(process, spec, "", findings);
  return decode(text, parseSmall, checkProcess, rules, warn) as ValidProcess;
}

/** The resources in the file of `update --resources`. Throws as decodeSpec. */
export function decodeResources(text: string, warn: Warn = ignore): ValidResources {
  const rules = (resources: Resources, findings: Findings) => resourceRules(resources, "", findings);
  return decode(text, parseSmall, checkResources, rules, warn) as ValidResources;
}

/** An array of mounts, to be made in the container of `spec`. Throws as decodeSpec. */
export function decodeMounts(text: string, spec: Spec, warn: Warn = ignore): ValidMounts {
  const rules = (mounts: readonly Mount[], findings: Findings) => mountRules(mounts, spec, "", findings);
  return decode(text, parseSmall, checkMounts, rules, warn) as ValidMounts;
}

/**
 * A process that box itself put together, as `exec` does from its options: the schema and the rules see it too.
 *
 * @throws BoxError as decodeProcess.
 */
export function validateProcess(process: Process, spec: Spec, warn: Warn = ignore): ValidProcess {
  const rules = (value: Process, findings: Findings) => processRules(value, spec, "process", findings);
  return validate(process, "process", checkProcess, rules, warn) as ValidProcess;
}

/** All resources of a container, as `update` puts them together. Throws as decodeResources. */
export function validateResources(resources: Resources, warn: Warn = ignore): ValidResources {
  const rules = (value: Resources, findings: Findings) => {
    resourceRules(value, "resources", findings);
    swapNeedsLimitRule(value, "resources", findings);
  };
  return validate(resources, "resources", checkResources, rules, warn) as ValidResources;
}

/** What can be said of the text of a config.json. */
export interface Inspection {
  /** Up to a hundred problems and as many warnings. */
  readonly findings: Findings;
  /** When its shape is right: it may break rules all the same. */
  readonly spec: Spec | undefined;
}

/** Everything that is wrong with the text of a config.json. */
export function inspectSpec(text: string): Inspection {
  let shaped: Spec | undefined;
  const rules = (spec: Spec, findings: Findings) => {
    shaped = spec;
    specRules(spec, findings);
  };
  try {
    const { findings } = read(text, parseConfig, checkSpec, rules);
    return { findings, spec: shaped };
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    const findings = new Findings();
    findings.problem("", thrown.message);
    return { findings, spec: undefined };
  }
}

type Rules<T> = (value: T, findings: Findings) => void;
type Parse = (text: string) => unknown;

const parseConfig: Parse = (text) => parseRounded(text, configLimits);
const parseSmall: Parse = (text) => parseRounded(text, smallLimits);

function decode<T>(text: string, parse: Parse, check: Check, rules: Rules<T>, warn: Warn): T {
  const { value, findings } = read(text, parse, check, rules);
  return settle(value, findings, warn);
}

function validate<T>(value: T, at: string, check: Check, rules: Rules<T>, warn: Warn): T {
  const sink = inspect(value, at, false, check, rules);
  return settle(value, sink.findings, warn);
}

/**
 * Parses quickly first, and exactly if the check meets an integer that has been rounded.
 * @param plainText whether all strings can go to the kernel as they are
 */
function read<T>(
  text: string,
  parse: Parse,
  check: Check,
  rules: Rules<T>,
  plainText = isPlainText(text),
): { value: T; findings: Findings } {
  const quick = parse(text);
  const sink = inspect(quick, "", plainText, check, rules);
  if (!sink.rounded) return { value: quick as T, findings: sink.findings };
  const exact = parseExactly(text);
  return { value: exact as T, findings: inspect(exact, "", plainText, check, rules).findings };
}

/** Rules rely on the types, so they run only where the schema found nothing. */
function inspect<T>(value: unknown, at: string, plainText: boolean, check: Check, rules: Rules<T>): Sink {
  const findings = new Findings();
  const sink: Sink = { findings, plainText, rounded: false };
  check(value, at, "", sink);
  if (findings.problems.length === 0) rules(value as T, findings);
  return sink;
}

function settle<T>(value: T, findings: Findings, warn: Warn): T {
  findings.refuseProblems();
  for (const warning of findings.warnings) warn(format(warning));
  return value;
}

function ignore(): void {}
