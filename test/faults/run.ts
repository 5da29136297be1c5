/**
 * box with each of its system calls failing in turn, on real containers.
 *
 * Every scenario runs once to learn which calls each process makes. Then each call fails with each of its answers
 * (errnos.ts), and the process that makes it is killed before it. What must come of it is success or one clear line;
 * after a failure of `create` and `run` nothing is left, and after `delete --force` never.
 *
 *   ONLY=pattern  faults whose name matches          JOBS=n  at once (2)
 *
 * What went wrong is in build/faults/report.json, each with the fault that shows it again.
 * Exit status: 0 nothing was found, 1 something was.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cgroupHost, isAlive } from "../acceptance/harness/host.ts";
import { makeRootfs } from "../acceptance/harness/rootfs.ts";
import { answersOf } from "./errnos.ts";
import { callsSize, type Fault, hitMark, regionOf, regionSize } from "./format.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const output = join(project, "build/faults");
const jobs = Number(process.env["JOBS"] || 2);
const only = new RegExp(process.env["ONLY"] || "");

/** A step of box's own has 60 s; none of these faults may make one last as long. */
const hanging = 20_000;

/** Who is told that a thing is not there may leave it: the answer is not true here. */
const denials = ["ENOENT", "ESRCH", "ECHILD", "EEXIST"];

const none: Fault = { process: 0, call: "", nth: 0, errno: 0 };

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly hung: boolean;
}

interface Finding {
  readonly fault: string;
  readonly what: string;
}

/** One injection: which step of a scenario, and the fault in it. */
interface Injection {
  readonly name: string;
  readonly scenario: Scenario;
  readonly step: number;
  readonly fault: Fault;
}

const place = mkdtempSync(join(tmpdir(), "box-faults-"));
const token = place.slice(place.lastIndexOf("/") + 1);
const hierarchies = [...new Set(Object.values(cgroupHost().hierarchies))];

/** A container of one scenario with files of its own. */
class Trial {
  readonly id: string;
  readonly #dir: string;

  constructor(number: string, scenario: Scenario) {
    this.id = `${token}.${number}`;
    this.#dir = join(place, number);
    mkdirSync(join(this.#dir, "bundle"), { recursive: true });
    const spec = scenario.spec(`/${token}/${number}`, join(place, "rootfs"), this.#dir);
    writeFileSync(join(this.#dir, "bundle/config.json"), JSON.stringify(spec));
  }

  get root(): string {
    return join(this.#dir, "state");
  }

  box(args: readonly string[], fault: Fault | undefined): Promise<Ended> {
    const env = fault === undefined ? {} : { TMPDIR: this.#tmp(fault) };
    const filled = args.map((arg) => (arg === "ID" ? this.id : arg.replace("DIR", this.#dir)));
    const said = join(this.#dir, "stderr");
    const errors = openSync(said, "w");
    return new Promise((resolve, reject) => {
      const child = spawn(join(place, "box"), ["--root", this.root, ...filled], {
        cwd: join(this.#dir, "bundle"),
        env,
        stdio: ["ignore", "ignore", errors],
      });
      let hung = false;
      const timer = setTimeout(() => {
        hung = true;
        child.kill("SIGKILL");
      }, hanging);
      child.on("error", reject);
      child.on("exit", (status) => {
        clearTimeout(timer);
        closeSync(errors);
        resolve({ status, stderr: readFileSync(said, "utf8"), hung });
      });
    });
  }

  /** What the command's processes find in TMPDIR. */
  #tmp(fault: Fault): string {
    const tmp = join(this.#dir, "tmp");
    mkdirSync(tmp, { recursive: true });
    writeFileSync(join(tmp, "fault.json"), JSON.stringify(fault));
    rmSync(join(tmp, "calls"), { force: true });
    writeFileSync(join(tmp, "calls"), "");
    truncateSync(join(tmp, "calls"), callsSize);
    return tmp;
  }

  #calls(): Buffer {
    return readFileSync(join(this.#dir, "tmp/calls"));
  }

  get hit(): boolean {
    return this.#calls().toString("latin1", 0, hitMark.length) === hitMark;
  }

  /** The calls of each process of the last command with a fault, in order. */
  recorded(): ReadonlyMap<number, readonly string[]> {
    const bytes = this.#calls();
    const processes = new Map<number, readonly string[]>();
    for (let process = 0; regionOf(process) + regionSize < callsSize; process++) {
      const region = bytes.subarray(regionOf(process), regionOf(process) + regionSize);
      const text = region.toString("latin1", 0, region.indexOf(0));
      if (text !== "") processes.set(process, text.trimEnd().split("\n"));
    }
    return processes;
  }

  /** What is left on the host. */
  left(): string[] {
    const states = existsSync(this.root) ? readdirSync(this.root) : [];
    const processes = readdirSync("/proc").filter(
      (name) => /^\d+$/.test(name) && isAlive(Number(name)) && this.#owns(name),
    );
    return [
      ...states.filter((name) => name.includes(this.id)).map((name) => `state ${name}`),
      ...this.#cgroups()
        .filter((path) => existsSync(path))
        .map((path) => `cgroup ${path}`),
      ...processes.map((pid) => `process ${pid}`),
      ...readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .filter((line) => line.includes(this.#dir))
        .map((line) => `mount ${line}`),
    ];
  }

  #owns(pid: string): boolean {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, "utf8") + readFileSync(`/proc/${pid}/cgroup`, "utf8");
      return text.includes(this.id) || text.includes(`/${token}/${this.id.slice(token.length + 1)}\n`);
    } catch {
      return false;
    }
  }

  /** Removes what the trial has made, and what box has left of it. */
  sweep(): void {
    for (const path of this.#cgroups())
      for (let tries = 0; tries < 100 && existsSync(path); tries++)
        try {
          rmdirSync(path);
        } catch {
          for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n").filter(Boolean))
            process.kill(Number(pid), "SIGKILL");
        }
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Where its cgroups would be. */
  #cgroups(): string[] {
    return hierarchies.map((top) => join(top, token, this.id.slice(token.length + 1)));
  }
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
  { scenario, step, fault, name }: Injection,
  number: string,
): Promise<{ hit: boolean; findings: Finding[] }> {
  const trial = new Trial(number, scenario);
  const findings: Finding[] = [];
  const find = (what: string): void => void findings.push({ fault: name, what });
  const killed = fault.errno === "kill";
  const untrue = denials.some((denial) => name.endsWith(denial));
  for (const [index, args] of scenario.steps.entries()) {
    const ended = await trial.box(args, index === step ? fault : undefined);
    if (index < step) continue;
    const wrong = complaint(ended, killed);
    if (wrong !== undefined) find(`${args[0]} ${wrong}`);
    if (ended.status === 0) continue;
    // A `run` whose deletion fails keeps the record, so that it can be made up for.
    const makes = ended.stderr.startsWith("box: create ") || ended.stderr.startsWith("box: run ");
    const left = makes && !killed && !untrue ? trial.left() : [];
    if (left.length > 0) find(`${args[0]} fails (${ended.stderr.trim()}) and leaves ${left.join(", ")}`);
    break;
  }
  const { hit } = trial;
  const state = await trial.box(["state", "ID"], undefined);
  const wrong = complaint(state, false);
  if (wrong !== undefined) find(`state afterwards ${wrong}`);
  const removal = await trial.box(["delete", "--force", "ID"], undefined);
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
    const trial = new Trial(`${number}-${step}`, scenario);
    for (const [index, args] of scenario.steps.entries()) {
      const { status, stderr } = await trial.box(args, index === step ? none : undefined);
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
            fault: { process, call, nth, errno },
          });
      }
    }
    await trial.box(["delete", "--force", "ID"], undefined);
    trial.sweep();
  }
  return injections;
}

async function main(): Promise<number> {
  const started = Date.now();
  // Of our own, so that a build at the same time cannot disturb the run.
  copyFileSync(join(project, "build/box-faults"), join(place, "box"));
  makeRootfs(join(place, "rootfs"), "/bin/busybox", "/bin/busybox");
  const all: Injection[] = [];
  for (const [index, scenario] of scenarios.entries()) all.push(...(await faultsOf(scenario, `r${index}`)));
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
    `${hits} faults injected (${chosen.length - hits} not reached), ${seconds} s, ${findings.length} findings`,
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
