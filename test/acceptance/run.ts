/**
 * The acceptance suite: drives a real OCI runtime end to end on this host.
 *
 *   RUNTIME=/path  the runtime (build/box)          ONLY=pattern  tests whose id matches
 *   JOBS=n         test files at once (2)           KEEP=1        leave the files of a failed test
 *   OUTPUT=dir     for TAP, JUnit and JSON (build/acceptance)
 *   CGROUP_MANAGER=systemd  let systemd make the cgroups
 *   PATIENCE=n     time limits n times as long, for a slow machine (1)
 *   HOST_KIND=word its entry of expected-skips.json (what the host says of itself)
 *
 * Operands: names of test files, all when there are none.
 * Exit status: 0 all passed, 1 something failed, 2 nothing could be run, 130 interrupted.
 */

import { setMaxListeners } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import type { RunContext } from "./harness/context.ts";
import { cgroupHost } from "./harness/host.ts";
import { sweep } from "./harness/leaks.ts";
import { patient } from "./harness/patience.ts";
import { prepare, Unusable } from "./harness/prepare.ts";
import { count, type Line, lineOf, onlyTests, progress, summary, writeFiles } from "./harness/report.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const output = process.env["OUTPUT"] ?? join(here, "../../build/acceptance");

async function main(): Promise<number> {
  const started = Date.now();
  const given = resolve(process.env["RUNTIME"] || join(here, "../../build/box"));
  const context = prepare({
    runtime: given,
    only: process.env["ONLY"] ?? "",
    keep: Boolean(process.env["KEEP"]),
    cgroupManager: process.env["CGROUP_MANAGER"] === "systemd" ? "systemd" : "cgroupfs",
  });
  const { runtime } = context;
  console.log(`${runtime.name} ${runtime.version} (${given}), cgroups ${cgroupHost().layout}`);

  const interrupt = new AbortController();
  // The runner adds a listener for every test.
  setMaxListeners(0, interrupt.signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort());
  process.env["ACCEPTANCE_CONTEXT"] = context.file;
  // A state directory that a group may write to is none, and that is the default of some users.
  process.umask(0o022);
  const { events, lines } = await runTests(interrupt.signal);

  mkdirSync(output, { recursive: true });
  await writeFiles(onlyTests(events), output);
  lines.push(...newSkips(context, lines), ...(await leftOnHost(context, lines)));
  writeFileSync(
    join(output, `${runtime.name}.json`),
    JSON.stringify({ runtime: runtime.name, version: runtime.version, lines }, null, "\t"),
  );

  const [passed, failed, skipped] = [count(lines, "passed"), count(lines, "failed"), count(lines, "skipped")];
  console.log(summary(lines));
  if (interrupt.signal.aborted) console.log("interrupted");
  else if (lines.length === 0) console.log(`no test matches ${process.env["ONLY"]}`);
  else if (passed + failed === 0) console.log("everything was skipped: this proves nothing");
  console.log(`TAP and JUnit: ${output}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (interrupt.signal.aborted) return 130;
  if (failed > 0) return 1;
  return passed === 0 ? 2 : 0;
}

async function runTests(signal: AbortSignal): Promise<{ events: TestEvent[]; lines: Line[] }> {
  const named = process.argv.slice(2);
  const files = readdirSync(here)
    .filter((name) => name.endsWith(".test.ts") && (named.length === 0 || named.includes(name)))
    .map((name) => join(here, name));
  const events: TestEvent[] = [];
  const lines: Line[] = [];
  // A file that hangs must not hang the run.
  const stream = run({ files, timeout: patient(300_000), concurrency: Number(process.env["JOBS"] ?? 2), signal });
  for await (const event of stream as AsyncIterable<TestEvent>) {
    events.push(event);
    const line = signal.aborted ? undefined : onlyTests([event]).map(lineOf)[0];
    if (line) console.log(progress(line, lines.push(line)));
  }
  return { events, lines };
}

/** On a kind of host that is described, a test may not begin to be skipped unnoticed. */
function newSkips({ runtime, facts, only, cgroupManager }: RunContext, lines: Line[]): Line[] {
  const named = process.env["HOST_KIND"];
  if (runtime.name !== "box" || only !== "" || (named === undefined && process.argv.length > 2)) return [];
  const kind =
    named ??
    [
      facts.root === "" ? "root" : "user",
      cgroupHost().layout,
      ...(cgroupManager === "systemd" ? ["systemd"] : []),
      facts.apparmor === "" ? "apparmor" : facts.selinux === "" ? "selinux" : "no lsm",
    ].join(", ");
  const known = JSON.parse(readFileSync(join(here, "expected-skips.json"), "utf8")) as Record<string, string[]>;
  const expected = known[kind];
  if (!expected) return [];
  const skipped = lines.filter(({ outcome }) => outcome === "skipped").map(({ test }) => test);
  const detail = [
    ...skipped.filter((test) => !expected.includes(test)).map((test) => `skipped, which is new: ${test}`),
    ...expected.filter((test) => !skipped.includes(test)).map((test) => `no longer skipped: ${test}`),
  ].join("\n");
  const test = `suite: skips on a host of the kind "${kind}" are those of expected-skips.json`;
  return [{ test, outcome: detail ? "failed" : "passed", milliseconds: 0, detail }];
}

/** The run's own objects go; what a test left beyond them is a failure of the run. */
async function leftOnHost(context: RunContext, lines: Line[]): Promise<Line[]> {
  const kept = context.keep && lines.some(({ outcome }) => outcome === "failed");
  const stuck = await sweep(context.token, kept ? [] : [context.dir]);
  if (stuck.length === 0) return [];
  return [{ test: "suite: leaves nothing on the host", outcome: "failed", milliseconds: 0, detail: stuck.join("\n") }];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
