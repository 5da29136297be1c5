/**
 * Runs the suite again and again and counts the runs in a row without a failure. The count outlives an interruption: it
 * is kept, with the runtime's fingerprint, in build/acceptance/loop.json, and begins anew with another binary or after
 * a failure, whose output is kept beside it.
 *
 *   RUNS=n  stop when so many runs in a row have passed (30)
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

interface Count {
  fingerprint: string;
  inARow: number;
  failures: number;
  /** Seconds of the runs that passed. */
  seconds: number[];
}

const here = fileURLToPath(new URL(".", import.meta.url));
const build = join(here, "../../build");
const directory = join(build, "acceptance");
const file = join(directory, "loop.json");
const wanted = Number(process.env["RUNS"] ?? 30);
const runtime = resolve(process.env["RUNTIME"] || join(build, "box"));
const fingerprint = createHash("sha256").update(readFileSync(runtime)).digest("hex");

function load(): Count {
  const fresh: Count = { fingerprint, inARow: 0, failures: 0, seconds: [] };
  try {
    const count = JSON.parse(readFileSync(file, "utf8")) as Count;
    return count.fingerprint === fingerprint ? count : fresh;
  } catch {
    return fresh;
  }
}

mkdirSync(directory, { recursive: true });
const count = load();
let interrupted = false;
// The run in progress gets the terminal's signal too, and cleans up; the loop only has to notice.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (interrupted = true));

while (count.inARow < wanted && !interrupted) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, join(here, "run.ts")], {
    env: { ...process.env, RUNTIME: runtime, OUTPUT: join(directory, "loop") },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status === null || status === 130) break;
  const seconds = (Date.now() - started) / 1000;
  if (status === 0) {
    count.inARow++;
    count.seconds.push(seconds);
  } else {
    count.inARow = 0;
    count.seconds = [];
    count.failures++;
    writeFileSync(join(directory, `loop-failure-${count.failures}.txt`), stdout + stderr);
  }
  writeFileSync(file, JSON.stringify(count, null, 2));
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  console.log(`${count.inARow} of ${wanted} in a row, ${count.failures} failures; ${seconds.toFixed(1)} s: ${last}`);
  // Handlers of signals that came in while the run was waited for get their turn here.
  await new Promise((done) => setImmediate(done));
}
process.exitCode = count.inARow >= wanted ? 0 : 1;
