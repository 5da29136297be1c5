/**
 * Whether the acceptance suite sees defects: plants each of mutants.ts in box and runs the tests that are to catch it.
 *
 *   ONLY=pattern  defects whose name matches          JOBS=n  at once (2)
 *
 * One binary has them all (plant.ts); a copy of it for each defect has the defect's number in it. First the tests run
 * without any, for a test that fails by itself proves nothing. What each run said is in build/mutants/runs.
 *
 * Exit status: 0 all were caught, 1 one survived, 2 nothing could be run, 130 interrupted.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, programs } from "../acceptance/harness/prepare.ts";
import { count, type Line, progress, summary } from "../acceptance/harness/report.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { marker, numberOf } from "./rewrite.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const suite = join(project, "test/acceptance");
const output = join(project, "build/mutants/runs");
const jobs = Number(process.env["JOBS"] || 2);

interface Run {
  readonly status: number | null;
  readonly lines: readonly Line[];
}

let interrupted = false;
// The suite gets the terminal's signal too, and cleans up.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    interrupted = true;
  });

/** Files of the suite by the feature whose tests they have: the words before the colon of a test's name. */
const files = new Map(
  readdirSync(suite)
    .filter((name) => name.endsWith(".test.ts"))
    .flatMap((file) =>
      [...readFileSync(join(suite, file), "utf8").matchAll(/\bfeature\("([^"]+)"/g)].map(
        ([, title = ""]) => [title, file] as const,
      ),
    ),
);

function fileOf(test: string): string {
  const file = files.get(test.split(": ")[0] ?? "");
  if (file === undefined) throw new Error(`no file of the suite has tests like ${test}`);
  return file;
}

/** Where what follows a text begins. */
function placesOf(text: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at + text.length);
  return places;
}

/** One place for binaries and the suite's own programs. */
class Bench {
  readonly #directory: string;
  readonly #binary: Buffer;
  /** Where the number stands, for each language. */
  readonly #places: readonly number[];

  constructor(directory: string) {
    this.#directory = directory;
    this.#binary = readFileSync(join(project, "build/box-mutants"));
    this.#places = placesOf(marker, this.#binary);
    if (this.#places.length < 2) throw new Error("build/box-mutants must have the marker for TypeScript and for C");
    for (const name of programs) compile(name, directory);
  }

  /** Runs tests of the suite with one defect, to the end. */
  async run(number: number, tests: readonly string[], atOnce: number): Promise<Run> {
    const runtime = join(this.#directory, `box-${number}`);
    const chosen = Buffer.from(this.#binary);
    for (const place of this.#places) chosen.write(String(number).padStart(3, "0"), place, "latin1");
    writeFileSync(runtime, chosen, { mode: 0o755 });
    const place = join(output, String(number));
    mkdirSync(place, { recursive: true });
    const only = tests.map((test) => test.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
    const env = {
      RUNTIME: runtime,
      ONLY: `^(${only})$`,
      OUTPUT: place,
      JOBS: String(atOnce),
      TOOLS: this.#directory,
      KEEP: "",
    };
    const status = await runSuite([...new Set(tests.map(fileOf))], env, join(place, "output"));
    rmSync(runtime);
    if (status !== 0 && status !== 1) return { status, lines: [] };
    return { status, lines: (JSON.parse(readFileSync(join(place, "box.json"), "utf8")) as { lines: Line[] }).lines };
  }
}

function runSuite(operands: readonly string[], env: Record<string, string>, said: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, join(suite, "run.ts"), ...operands], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (status) => {
      writeFileSync(said, Buffer.concat(chunks));
      resolve(status);
    });
  });
}

/** The tests that pass without a defect; undefined, and a word about them, when one fails or is missing. */
async function soundTests(bench: Bench, all: readonly Mutant[]): Promise<Set<string> | undefined> {
  const tests = [...new Set(all.flatMap((mutant) => mutant.tests))];
  const { lines } = await bench.run(0, tests, jobs);
  if (interrupted) return undefined;
  const missing = tests.filter((test) => !lines.some((line) => line.test === test));
  const failed = lines.filter(({ outcome }) => outcome === "failed");
  if (missing.length === 0 && failed.length === 0)
    return new Set(lines.filter(({ outcome }) => outcome === "passed").map(({ test }) => test));
  for (const test of missing) console.log(`no such test: ${test}`);
  console.log(`${summary(failed)}the tests do not pass without a defect: what they say of one proves nothing`);
  return undefined;
}

/** Plants one defect. Like a test: passed when it was caught. */
async function attempt(
  bench: Bench,
  sound: ReadonlySet<string>,
  { name, tests }: Mutant,
  number: number,
): Promise<Line> {
  const able = tests.filter((test) => sound.has(test));
  if (able.length === 0) {
    return { test: name, outcome: "skipped", milliseconds: 0, detail: "its tests are skipped on this host" };
  }
  const begun = Date.now();
  const { status, lines } = await bench.run(number, able, 1);
  const milliseconds = Date.now() - begun;
  if (lines.some(({ outcome }) => outcome === "failed"))
    return { test: name, outcome: "passed", milliseconds, detail: "" };
  const detail = status === 0 ? `survived ${able.join(", ")}` : `the tests could not be run (status ${status})`;
  return { test: name, outcome: "failed", milliseconds, detail };
}

async function main(bench: Bench): Promise<number> {
  const started = Date.now();
  const pattern = new RegExp(process.env["ONLY"] ?? "", "i");
  const queue = [...mutants.entries()].filter(([, { name }]) => pattern.test(name));
  rmSync(output, { recursive: true, force: true });
  const sound = await soundTests(
    bench,
    queue.map(([, mutant]) => mutant),
  );
  if (sound === undefined) return interrupted ? 130 : 2;

  const lines: Line[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, mutant] = next;
      const line = await attempt(bench, sound, mutant, numberOf(index));
      if (interrupted) return;
      console.log(progress(line, lines.push(line)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));

  const [caught, survived, skipped] = [count(lines, "passed"), count(lines, "failed"), count(lines, "skipped")];
  console.log(summary(lines));
  if (interrupted) console.log("interrupted");
  console.log(`${output}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${caught} passed, ${survived} failed, ${skipped} skipped`);
  if (interrupted) return 130;
  if (survived > 0) return 1;
  return caught === 0 ? 2 : 0;
}

const directory = mkdtempSync(join(tmpdir(), "box-mutants-"));
try {
  process.exitCode = await main(new Bench(directory));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
