/**
 * Runs the suite in a virtual machine (tools/vm): Debian with systemd, and either pure cgroup v2 with all its controllers,
 * or cgroup v1 as the last systemd that Debian serves still knows it.
 *
 *   ONLY=pattern  tests whose id matches          RUNS=words  names of runs (all but those that are named only)
 *
 * Operands: names of test files, all when there are none. What comes out is in build/acceptance/vm/<run>.
 * Exit status: 0 when every run has passed, 1 otherwise.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareArtefacts } from "./harness/artefacts.ts";
import { count, type Line } from "./harness/report.ts";

interface Run {
  name: string;
  /** Options of tools/vm. */
  machine: string[];
  env?: Record<string, string>;
  /** Test files, where it is not the whole suite. */
  files?: string[];
}

/** With the scheduler that has v1's weights of block devices. */
function bookworm(...words: string[]): string[] {
  return [
    "--system",
    "bookworm",
    "--append",
    ["systemd.unified_cgroup_hierarchy=0", "modules_load=bfq", ...words].join(" "),
  ];
}

const ofCgroups = [
  "cgroups",
  "delete",
  "devices",
  "events",
  "exec",
  "kill",
  "pause",
  "resources",
  "systemd",
  "update",
].map((name) => `${name}.test.ts`);

const runs: Run[] = [
  { name: "root", machine: [] },
  { name: "systemd", machine: [], env: { CGROUP_MANAGER: "systemd" } },
  { name: "user", machine: ["--user"] },
  // What docs/kernel.md promises. It does not find the emulator's timer by itself.
  { name: "oldest", machine: ["--kernel", "bullseye", "--append", "no_timer_check modules_load=bfq"] },
  {
    name: "v1",
    machine: bookworm("systemd.legacy_systemd_cgroup_controller=1"),
    env: { CGROUP_MANAGER: "systemd" },
    files: ofCgroups,
  },
  { name: "hybrid", machine: bookworm(), env: { CGROUP_MANAGER: "systemd" }, files: ofCgroups },
];

/** How much slower than the host the emulator is at most, for time limits. */
const patience = "20";

const here = fileURLToPath(new URL(".", import.meta.url));
const project = join(here, "../..");
const output = join(project, "build/acceptance/vm");

/** Returns the lines of the report; none when there is no report. */
function perform({ name, machine, env = {}, files = [] }: Run): Line[] {
  const place = join(output, name);
  rmSync(place, { recursive: true, force: true });
  console.log(`\n${name}`);
  const named = process.argv.slice(2);
  const variables = {
    ...env,
    PATIENCE: patience,
    TOOLS: "build/tools",
    OUTPUT: "/vm/output",
    ONLY: process.env["ONLY"] ?? "",
    ...(named.length === 0 && { HOST_KIND: `virtual machine, ${name}` }),
  };
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
  const suite = ["node", "--import", "./tools/ts-loader.mjs", "test/acceptance/run.ts"];
  const argv = ["run", ...machine, "--output", place, "--log", join(output, `${name}.log`), "--"];
  const command = [...argv, "env", ...assignments, ...suite, ...(named.length > 0 ? named : files)];
  spawnSync(join(project, "tools/vm"), command, { cwd: project, stdio: "inherit" });
  const report = join(place, "box.json");
  return existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as { lines: Line[] }).lines : [];
}

// The machine has no compiler, and no time to translate TypeScript.
await prepareArtefacts(join(project, "build/tools"));
mkdirSync(output, { recursive: true });
const wanted = process.env["RUNS"]?.split(" ") ?? runs.map(({ name }) => name);
const results = runs.filter(({ name }) => wanted.includes(name)).map((run) => ({ run, lines: perform(run) }));
console.log("");
for (const { run, lines } of results) {
  const numbers = (["passed", "failed", "skipped"] as const).map((outcome) => `${count(lines, outcome)} ${outcome}`);
  console.log(`${run.name}: ${lines.length === 0 ? "no report" : numbers.join(", ")}`);
}
const isGood = ({ lines }: { lines: Line[] }): boolean => count(lines, "passed") > 0 && count(lines, "failed") === 0;
process.exitCode = results.length > 0 && results.every(isGood) ? 0 : 1;
