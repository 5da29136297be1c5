/**
 * Compares box with crun and runc, and all of them with the floor (floor.c), in one interleaved run.
 *
 * Usage: bench/run.ts [--rounds N] [--warm-up N]. Prints a Markdown table; every sample is kept under build/bench/.
 *
 * A round runs each case once, in a random order, so that a busy moment of the machine and what one container leaves to
 * the kernel (a network namespace is taken down after its container) strike all alike. Node only writes the schedule
 * and reads the times: stopwatch.c runs it.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { median, type Ratio, ratio } from "./statistics.ts";

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  /** The file whose size is the case's size. */
  readonly binary?: string;
}

/** The samples of one case, by round. */
interface Samples {
  readonly milliseconds: number[];
  /** The largest resident set of any process, in MiB. */
  peak: number;
}

process.on("uncaughtException", ({ message }) => {
  console.error(`bench: ${message}`);
  process.exit(1);
});

const out = "build/bench";
const box = "build/box";
const bundle = `${out}/bundle`;
const root = "build/peers/root";
const inPeers = ["tools/peers", "run", "--"];

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "300" }, "warm-up": { type: "string", default: "20" } },
});
const rounds = count(options.rounds, "--rounds");
const warmUp = count(options["warm-up"], "--warm-up");

function count(text: string, option: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`${option} takes a number from 1 to 9999999, not "${text}"`);
  return Number(text);
}

function run(argv: readonly string[], input = ""): string {
  const [program = "", ...args] = argv;
  return execFileSync(program, args, {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
}

/** A root file system of the distribution's static busybox, and runc's default config for all, but for the program. */
function makeBundle(): void {
  rmSync(bundle, { recursive: true, force: true });
  for (const folder of ["bin", "dev", "proc", "sys"]) mkdirSync(`${bundle}/rootfs/${folder}`, { recursive: true });
  copyFileSync(`${root}/usr/bin/busybox`, `${bundle}/rootfs/bin/busybox`);
  symlinkSync("busybox", `${bundle}/rootfs/bin/true`);
  run([...inPeers, "runc", "spec", "--bundle", bundle]);
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  config.process.terminal = false;
  config.process.args = ["/bin/true"];
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config, null, 2));
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** Runs all cases interleaved. `prefix` is the command that brings the stopwatch to the place of measurement. */
function measure(cases: readonly Case[], prefix: readonly string[]): Map<Case, Samples> {
  const schedule = Array.from({ length: warmUp + rounds }, () => shuffled(cases)).flat();
  const commands = schedule.map(({ argv }) => `${argv.join("\t")}\n`).join("");
  const lines = run([...prefix, `${out}/stopwatch`], commands)
    .trimEnd()
    .split("\n");
  if (lines.length !== schedule.length)
    throw new Error(`stopwatch: ${lines.length} answers to ${schedule.length} commands`);
  const results = new Map<Case, Samples>(cases.map((one) => [one, { milliseconds: [], peak: 0 }]));
  for (const [index, line] of lines.entries()) {
    if (index < warmUp * cases.length) continue;
    const [nanoseconds = NaN, kibibytes = NaN] = line.split(" ").map(Number);
    const samples = results.get(schedule[index] as Case) as Samples;
    samples.milliseconds.push(nanoseconds / 1e6);
    samples.peak = Math.max(samples.peak, kibibytes / 1024);
  }
  return results;
}

const number = (value: number, digits = 2): string => value.toFixed(digits);
const show = ({ value, low, high }: Ratio): string => `${number(value)} [${number(low)}–${number(high)}]`;
const mebibytes = (file: string): string => `${number(statSync(file).size / 2 ** 20)} MiB`;

/** The table of one measurement; the first case is what the others are compared with. */
function table(title: string, results: Map<Case, Samples>): string {
  const [first] = results.keys();
  const base = (results.get(first as Case) as Samples).milliseconds;
  const rows = Array.from(results, ([{ name, binary }, { milliseconds, peak }]) =>
    [
      name,
      number(median(milliseconds)),
      number(Math.min(...milliseconds)),
      milliseconds === base ? "1" : show(ratio(base, milliseconds)),
      `${number(peak, 1)} MiB`,
      binary ? mebibytes(binary) : "",
    ].join(" | "),
  );
  return [
    `### ${title}`,
    "",
    `| | median ms | minimum ms | ${first?.name} ÷ it | peak memory | binary |`,
    "|---|--:|--:|--:|--:|--:|",
    ...rows.map((row) => `| ${row} |`),
    "",
  ].join("\n");
}

function describeMachine() {
  return {
    date: new Date().toISOString(),
    commit: run(["git", "describe", "--always", "--dirty"]).trim(),
    kernel: release(),
    processor: `${cpus().length} × ${cpus()[0]?.model}`,
    memory: `${number(totalmem() / 2 ** 30, 0)} GiB`,
    load: number(loadavg()[0] as number),
    crun: run([...inPeers, "crun", "--version"]).split("\n")[0] as string,
    runc: run([...inPeers, "runc", "--version"]).split("\n")[0] as string,
    rounds,
    "warm-up": warmUp,
  };
}

run(["tools/peers", "build"]);
mkdirSync(out, { recursive: true });
for (const program of ["stopwatch", "floor"])
  run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", `${out}/${program}`, `bench/${program}.c`]);
makeBundle();

const built = existsSync(box);
const runtime = (name: string, program: string, binary: string): Case => ({
  name,
  argv: [program, "run", "--bundle", bundle, `bench-${name}`],
  binary,
});
const containers: Case[] = [
  ...(built ? [runtime("box", box, box)] : []),
  runtime("crun", "/usr/bin/crun", `${root}/usr/bin/crun`),
  runtime("runc", "/usr/sbin/runc", `${root}/usr/sbin/runc`),
  { name: "floor", argv: [`${out}/floor`, bundle] },
];
const startUps: Case[] = [
  { name: "box --version", argv: [box, "--version"], binary: box },
  { name: "/bin/true", argv: ["/bin/true"], binary: "/bin/true" },
];

const machine = describeMachine();
const sections: [string, Map<Case, Samples>][] = [["run /bin/true, default config", measure(containers, inPeers)]];
if (built) sections.push(["start-up", measure(startUps, [])]);

const report = sections.map(([title, results]) => ({
  title,
  cases: Array.from(results, ([{ name, argv }, samples]) => ({ name, argv, ...samples })),
}));
writeFileSync(`${out}/${machine.date.replaceAll(":", "")}.json`, JSON.stringify({ machine, sections: report }));
if (!built) console.log(`${box} is not built: without it.\n`);
console.log(sections.map(([title, results]) => table(title, results)).join("\n"));
console.log(
  Object.entries(machine)
    .map(([what, value]) => `${what}: ${value}`)
    .join("; "),
);
