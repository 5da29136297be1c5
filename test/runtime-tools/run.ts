/**
 * Runs the validation programs of opencontainers/runtime-tools (tools/conformance builds them) with box, runc and crun,
 * on this machine's cgroups and on a pure cgroup2 (tools/peers), and writes one table, program by runtime:
 * build/conformance/table.md and results.json. What each program said is in build/conformance/runs.
 *
 *   ONLY=pattern  programs whose name matches
 *
 * Exit status: 0 when every failure is explained in explained.ts and nothing that is explained there passes, else 1.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Explanation, explanationOf, type Place } from "./explained.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const project = join(here, "../..");
const output = join(project, "build/conformance");
const suite = join(output, "suite");
const only = new RegExp(process.env["ONLY"] || "^");

interface Column {
  readonly place: Place;
  readonly runtime: string;
  /** In tools/peers' root, which has a pure cgroup2. */
  readonly peers: boolean;
}

const box = join(project, "build/box");

const columns: readonly Column[] = [
  { place: "box", runtime: box, peers: false },
  { place: "runc", runtime: "/usr/sbin/runc", peers: false },
  { place: "box, cgroup2", runtime: box, peers: true },
  { place: "runc, cgroup2", runtime: "/usr/sbin/runc", peers: true },
  { place: "crun, cgroup2", runtime: "/usr/bin/crun", peers: true },
];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How often a program that races with the runtime is tried again. */
const races = 5;

/** One at a time in each environment: some programs use a cgroup of a fixed name. */
const limit = 120_000;

function execute(argv: readonly string[], env: Record<string, string>): Promise<Ended> {
  const [file = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: suite,
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      text.stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      text.stderr += chunk.toString();
    });
    const timer = setTimeout(() => {
      process.kill(-(child.pid as number), "SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
    }, limit);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, ...text });
    });
  });
}

/** Programs know the runtime by one name: a script gives it a state directory of its own. */
function wrapperText(runtime: string, state: string): string {
  return `#!/bin/sh\nexec ${runtime} --root ${state} "$@"\n`;
}

/** In the peers' root everything is made inside: its /tmp is empty. Operands: the script, the suite, the command. */
const inPeers = `
mkdir -p /tmp/state /tmp/tmp && printf %s "$0" >/tmp/runtime && chmod 755 /tmp/runtime && cd "$1" && shift
TMPDIR=/tmp/tmp RUNTIME=/tmp/runtime exec "$@"`;

function onPeers(runtime: string, command: readonly string[]): Promise<Ended> {
  const script = wrapperText(runtime, "/tmp/state");
  return execute([join(project, "tools/peers"), "run", "--", "/bin/sh", "-c", inPeers, script, suite, ...command], {});
}

function mountsBelow(directory: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "").filter((point) => point.startsWith(`${directory}/`));
}

/** Removes a directory, and first the mounts that a runtime has left below it: they may show files of this machine. */
function remove(directory: string): void {
  for (const point of mountsBelow(directory).reverse()) spawnSync("umount", ["-l", point]);
  const [left] = mountsBelow(directory);
  if (left !== undefined) throw new Error(`${left} is still mounted`);
  rmSync(directory, { recursive: true, force: true });
}

async function onHost(runtime: string, command: readonly string[]): Promise<Ended> {
  const directory = mkdtempSync(join(tmpdir(), "conformance-"));
  const [tmp, wrapper] = [join(directory, "tmp"), join(directory, "runtime")];
  chmodSync(directory, 0o755);
  mkdirSync(tmp);
  writeFileSync(wrapper, wrapperText(runtime, join(directory, "state")), { mode: 0o755 });
  const ended = await execute(command, { TMPDIR: tmp, RUNTIME: wrapper });
  // A program that fails leaves its containers.
  const { stdout } = await execute([wrapper, "list", "-q"], {});
  for (const id of stdout.split("\n")) if (id !== "") await execute([wrapper, "delete", "--force", id], {});
  remove(directory);
  return ended;
}

interface Result {
  readonly place: Place;
  readonly program: string;
  readonly verdict: Verdict;
  /** Why it fails, when it is known. */
  readonly known: Explanation | undefined;
}

async function results({ place, runtime, peers }: Column, programs: readonly string[]): Promise<Result[]> {
  const said = join(output, "runs", place.replaceAll(/[^a-z0-9]+/g, "-"));
  mkdirSync(said, { recursive: true });
  const all: Result[] = [];
  const attempt = async (program: string): Promise<Verdict> => {
    const { status, stdout, stderr } = await (peers ? onPeers : onHost)(runtime, [`./${program}`]);
    writeFileSync(join(said, `${program}.txt`), `${stdout}\n--- stderr, status ${status}\n${stderr}`);
    return verdictOf(status, stdout, stderr);
  };
  for (const program of programs) {
    const known = explanationOf(program, place);
    let verdict = await attempt(program);
    for (let more = known?.sometimes === true ? races : 0; more > 0 && !verdict.passed; more--)
      verdict = await attempt(program);
    all.push({ place, program, verdict, known });
  }
  const passed = all.filter(({ verdict }) => verdict.passed).length;
  console.log(`${place}: ${passed} of ${all.length} pass`);
  return all;
}

/** Environments run beside each other, the runtimes of one after each other. */
async function runAll(programs: readonly string[]): Promise<Result[]> {
  const here = columns.filter(({ peers, runtime }) => peers || existsSync(runtime));
  const inTurn = async (some: readonly Column[]): Promise<Result[]> => {
    const all: Result[] = [];
    for (const column of some) all.push(...(await results(column, programs)));
    return all;
  };
  const parts = [here.filter(({ peers }) => !peers), here.filter(({ peers }) => peers)];
  return (await Promise.all(parts.map(inTurn))).flat();
}

/** A failure without a reason, or a reason without a failure. */
function complaintOf({ place, program, verdict, known }: Result): string | undefined {
  if (!verdict.passed && known === undefined) return `${program} fails with ${place}: ${verdict.problems[0]}`;
  if (!verdict.passed || known === undefined || known.sometimes === true) return undefined;
  return `${program} passes with ${place}, and explained.ts says why it fails`;
}

function table(all: readonly Result[]): string {
  const places = columns.map(({ place }) => place).filter((place) => all.some((one) => one.place === place));
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const programs = [...new Set(all.map(({ program }) => program))];
  const reasons = [...new Set(all.flatMap(({ verdict, known }) => (verdict.passed ? [] : (known?.why ?? []))))];
  const mark = ({ verdict, known }: Result): string =>
    verdict.passed ? "✓" : `✗ ${known === undefined ? "?" : reasons.indexOf(known.why) + 1}`;
  const of = (place: Place) => all.filter((one) => one.place === place);
  return [
    row(["program", ...places]),
    row(["---", ...places.map(() => "---")]),
    row(["**passed**", ...places.map((place) => `${of(place).filter(({ verdict }) => verdict.passed).length}`)]),
    ...programs.map((program) =>
      row([
        program,
        ...places.map((place) =>
          of(place)
            .filter((one) => one.program === program)
            .map(mark)
            .join(""),
        ),
      ]),
    ),
    "",
    ...reasons.map((why, index) => `${index + 1}. ${why}`),
    "",
  ].join("\n");
}

const programs = readdirSync(suite).filter(
  (name) => name !== "runtimetest" && !name.endsWith(".tar.gz") && only.test(name),
);
rmSync(join(output, "runs"), { recursive: true, force: true });
const all = await runAll(programs.sort());
writeFileSync(join(output, "results.json"), `${JSON.stringify(all, null, 2)}\n`);
writeFileSync(join(output, "table.md"), table(all));
console.log(`${output}/table.md`);
const complaints = all.flatMap((one) => complaintOf(one) ?? []);
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;
