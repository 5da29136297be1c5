/**
 * Compares box with crun and runc, and with the floor (floor.c).
 *
 * CASES= names the cases; ROUNDS= how often each is run (300). BEFORE= is another build of box, which is measured as well.
 * Prints Markdown tables; every sample is kept under build/bench/. Without CASES all is measured, and docs/performance.md
 * and the README are brought up to date.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { breakDown } from "./breakdown.ts";
import { makeBundles } from "./bundles.ts";
import { type Case, makeCases } from "./cases.ts";
import { measure, type Results } from "./measure.ts";
import { writePages } from "./pages.ts";
import { makePlaces, out, type Places, sweep } from "./places.ts";
import { number, timeTable } from "./report.ts";
import { run } from "./shell.ts";

process.on("uncaughtException", ({ message }) => {
  console.error(`bench: ${message}`);
  process.exit(1);
});

const { CASES = "", ROUNDS = "300", BEFORE } = process.env;
if (!/^[1-9]\d{0,5}$/.test(ROUNDS)) throw new Error(`ROUNDS is a number from 1 to 999999, not "${ROUNDS}"`);
const rounds = Number(ROUNDS);

mkdirSync(out, { recursive: true });
for (const program of ["stopwatch", "floor"])
  run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", `${out}/${program}`, `bench/${program}.c`]);
const places = makePlaces(BEFORE);
const cases = choose(makeCases(places), CASES.split(/[\s,]+/).filter(Boolean));
makeBundles(places);

const machine = describeMachine(places);
const results = measureAll();
keep();
if (CASES === "" && BEFORE === undefined)
  writePages(machine, results, breakDown(places.peers, Math.max(1, Math.floor(rounds / 3))), places);
for (const place of Object.values(places)) {
  const own = new Map([...results].filter(([one]) => one.place === place));
  if (own.size > 0)
    console.log(`### ${place.title}\n\n${timeTable(own, "milliseconds")}\n${timeTable(own, "processor")}`);
}
console.log(
  Object.entries(machine)
    .map(([what, value]) => `${what}: ${value}`)
    .join("; "),
);

/** In the order of the cases. */
function measureAll(): Results {
  sweep(places.host);
  try {
    const all = new Map(sessionsOf(cases).flatMap((session) => [...measure(session, rounds)]));
    return new Map(cases.map((one) => [one, all.get(one) ?? new Map()]));
  } finally {
    sweep(places.host);
  }
}

function choose(all: readonly Case[], names: readonly string[]): readonly Case[] {
  for (const name of names)
    if (!all.some((one) => one.name === name))
      throw new Error(`no case "${name}"; there are ${all.map((one) => one.name).join(", ")}`);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function sessionsOf(all: readonly Case[]): readonly (readonly Case[])[] {
  const sessions = new Map<string, Case[]>();
  for (const one of all) {
    const key = `${one.place.title}\0${one.session}`;
    sessions.set(key, [...(sessions.get(key) ?? []), one]);
  }
  return [...sessions.values()];
}

function describeMachine({ peers }: Places) {
  const first = (...argv: string[]) => run(argv).split("\n")[0] as string;
  return {
    date: new Date().toISOString(),
    commit: run(["git", "describe", "--always", "--dirty"]).trim(),
    kernel: release(),
    processor: `${cpus().length} × ${cpus()[0]?.model}`,
    memory: `${number(totalmem() / 2 ** 30, 0)} GiB`,
    load: number(loadavg()[0] as number),
    crun: first(...peers.prefix, "crun", "--version"),
    runc: first(...peers.prefix, "runc", "--version"),
    rounds,
  };
}

function keep(): void {
  const report = Array.from(results, ([{ name, title, place }, figures]) => ({
    name,
    title,
    place: place.title,
    figures: Array.from(figures, ([figure, subjects]) => ({ figure, ...Object.fromEntries(subjects) })),
  }));
  writeFileSync(`${out}/${machine.date.replaceAll(":", "")}.json`, JSON.stringify({ machine, cases: report }));
}
