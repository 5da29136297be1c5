/**
 * box with each of its system calls failing in turn, and on a host that is short of everything, on real containers.
 *
 * Every scenario runs once to learn which calls each process makes. Then each call fails with each of its answers
 * (errnos.ts), and the process that makes it is killed before it; and each step is taken with too few descriptors, too
 * little memory or room (scarcities.ts). Needs a mount namespace of its own. What must come of it is success or one clear line;
 * after a failure of `create` and `run` nothing is left, and after `delete --force` never.
 *
 *   ONLY=pattern  faults whose name matches          JOBS=n  at once (2)
 *
 * What went wrong is in build/faults/report.json, each with the fault that shows it again.
 * Exit status: 0 nothing was found, 1 something was.
 */
import { copyFileSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { prepareArtefacts } from "../acceptance/harness/artefacts.ts";
import { makeRootfs } from "../acceptance/harness/rootfs.ts";
import { answersOf } from "./errnos.ts";
import type { Fault } from "./format.ts";
import { type Scarcity, scarcities } from "./scarcities.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { type Ended, hierarchies, place, probe, Trial, token } from "./trial.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const output = join(project, "build/faults");
const jobs = Number(process.env["JOBS"] || 2);
const only = new RegExp(process.env["ONLY"] || "");

/** Who is told that a thing is not there may leave it: the answer is not true here. */
const denials = ["ENOENT", "ESRCH", "ECHILD", "EEXIST"];

const none: Fault = { process: 0, call: "", nth: 0, errno: 0 };

interface Finding {
  readonly fault: string;
  readonly what: string;
}

/** One injection: which step of a scenario, and what goes wrong in it. */
interface Injection {
  readonly name: string;
  readonly scenario: Scenario;
  readonly step: number;
  readonly trouble: Fault | Scarcity;
}

/** What an ended command says that it must not; undefined when it is success or one clear line. */
function complaint({ status, stderr, hung }: Ended, killed: boolean): string | undefined {
  if (hung) return "hangs";
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("box: warning: "));
  if (stderr.includes("internal error")) return `a defect: ${stderr.trim()}`;
  if (status === 0) return lines.length === 0 ? undefined : `succeeds and says: ${stderr.trim()}`;
  if (killed && (status === null || status === 137)) return undefined;
  if (status !== 1 && status !== 255) return `ends with status ${status}: ${stderr.trim()}`;
  if (lines.length !== 1 || !lines[0]?.startsWith("box: "))
    return `fails without one clear line: ${JSON.stringify(stderr)}`;
  return undefined;
}

async function waitUntilNothingIsLeft(trial: Trial): Promise<string[]> {
  // A killed process is gone soon, but not at once, and its end is no event for us.
  for (let tries = 0; tries < 100; tries++) {
    if (trial.left().length === 0) return [];
    await delay(20);
  }
  return trial.left();
}

async function inject(
  { scenario, step, trouble, name }: Injection,
  number: string,
): Promise<{ hit: boolean; findings: Finding[] }> {
  const scarcity = "limit" in trouble ? trouble : undefined;
  const trial = await Trial.make(number, scenario, scarcity);
  const findings: Finding[] = [];
  const find = (what: string): void => void findings.push({ fault: name, what });
  const killed = "errno" in trouble && trouble.errno === "kill";
  let failed = false;
  const untrue = denials.some((denial) => name.endsWith(denial));
  for (const [index, args] of scenario.steps.entries()) {
    const ended = await trial.box(args, index !== step ? "none" : "limit" in trouble ? "scarcity" : trouble);
    if (index < step) continue;
    failed ||= ended.status !== 0;
    const wrong = complaint(ended, killed);
    if (wrong !== undefined) find(`${args[0]} ${wrong}`);
    if (ended.status === 0) continue;
    // A `run` whose deletion fails keeps the record, so that it can be made up for.
    const makes = ended.stderr.startsWith("box: create ") || ended.stderr.startsWith("box: run ");
    const left = makes && !killed && !untrue ? trial.left() : [];
    if (left.length > 0) find(`${args[0]} fails (${ended.stderr.trim()}) and leaves ${left.join(", ")}`);
    break;
  }
  const hit = scarcity === undefined ? trial.hit : failed;
  const state = await trial.box(["state", "ID"], "none");
  const wrong = complaint(state, false);
  if (wrong !== undefined) find(`state afterwards ${wrong}`);
  const removal = await trial.box(["delete", "--force", "ID"], "none");
  if (removal.status !== 0 || removal.hung) find(`delete --force afterwards: ${removal.stderr.trim()}`);
  const left = untrue ? [] : await waitUntilNothingIsLeft(trial);
  if (left.length > 0) find(`delete --force leaves ${left.join(", ")}`);
  trial.sweep();
  return { hit, findings };
}

/** Runs a scenario without a fault, and lists every fault that it can have. */
async function faultsOf(scenario: Scenario, number: string): Promise<Injection[]> {
  const injections: Injection[] = [];
  for (let step = scenario.from ?? 0; step < scenario.steps.length; step++) {
    const trial = await Trial.make(`${number}-${step}`, scenario);
    for (const [index, args] of scenario.steps.entries()) {
      const { status, stderr } = await trial.box(args, index === step ? none : "none");
      if (status !== 0) throw new Error(`${scenario.name}: ${args.join(" ")}: ${stderr}`);
    }
    for (const [process, calls] of trial.recorded()) {
      const counts = new Map<string, number>();
      for (const call of calls) {
        const nth = (counts.get(call) ?? 0) + 1;
        counts.set(call, nth);
        const kinds = [
          ...answersOf(call),
          ...(call === "exit_group" ? [] : [{ name: "KILL", errno: "kill" as const }]),
        ];
        for (const { name: answer, errno } of kinds)
          injections.push({
            name: `${scenario.name}: ${scenario.steps[step]?.[0]}, process ${process}, ${call} ${nth}: ${answer}`,
            scenario,
            step,
            trouble: { process, call, nth, errno },
          });
      }
    }
    await trial.box(["delete", "--force", "ID"], "none");
    trial.sweep();
  }
  return injections;
}

/** Every shortage at every step of a scenario; a disk is full from the beginning. */
function shortagesOf(scenario: Scenario): Injection[] {
  return [...scenario.steps.keys()].slice(scenario.from ?? 0).flatMap((step) =>
    scarcities
      .filter(({ disk }) => disk === undefined || step === 0)
      .map((trouble) => ({
        name: `${scenario.name}: ${scenario.steps[step]?.[0]}, ${trouble.name}`,
        scenario,
        step,
        trouble,
      })),
  );
}

async function main(): Promise<number> {
  const started = Date.now();
  // Of our own, so that a build at the same time cannot disturb the run.
  copyFileSync(join(project, "build/box-faults"), join(place, "box"));
  await prepareArtefacts(join(project, "build/tools"));
  copyFileSync(join(project, "build/tools/probe"), probe);
  makeRootfs(join(place, "rootfs"), "/bin/busybox", probe);
  const all: Injection[] = [];
  for (const [index, scenario] of scenarios.entries())
    all.push(...(await faultsOf(scenario, `r${index}`)), ...shortagesOf(scenario));
  const chosen = all.filter(({ name }) => only.test(name));
  const findings: Finding[] = [];
  let next = 0;
  let hits = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < chosen.length; index = next++) {
      const result = await inject(chosen[index] as Injection, `${index}`);
      hits += result.hit ? 1 : 0;
      for (const { fault, what } of result.findings) console.log(`✗ ${fault}\n    ${what}`);
      findings.push(...result.findings);
      if ((index + 1) % 1000 === 0) console.log(`${index + 1} of ${chosen.length}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  mkdirSync(output, { recursive: true });
  const seconds = Math.round((Date.now() - started) / 1000);
  writeFileSync(join(output, "report.json"), `${JSON.stringify({ injections: hits, seconds, findings }, null, 2)}\n`);
  console.log(
    `${hits} troubles met (${chosen.length - hits} not reached or not felt), ${seconds} s, ${findings.length} findings`,
  );
  return findings.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(place, { recursive: true, force: true });
  for (const top of hierarchies) {
    const path = join(top, token);
    if (existsSync(path)) rmdirSync(path);
  }
}
