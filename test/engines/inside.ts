/**
 * Runs the checks of engines with one runtime, inside an environment: `inside.ts ENVIRONMENT RUNTIME-NAME RUNTIME-PATH
 * RESULT ENGINE…`. The result is a file with a line of JSON for each check.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { containerd } from "./containerd.ts";
import { cri } from "./cri.ts";
import { docker, remapped } from "./docker.ts";
import type { Check, Need, Runtime } from "./harness.ts";
import { podman } from "./podman.ts";
import type { Line } from "./report.ts";
import { rootless } from "./rootless.ts";

const engines = [podman, rootless, docker, remapped, containerd, cri];
const [environment = "", name = "", path = "", result = "", ...wanted] = process.argv.slice(2);
const runtime: Runtime = { name, path };
const only = new RegExp(process.env["ONLY"] || "^", "i");

/** Why this environment does not have what a check needs. */
function lacking(need: Need | undefined): string | undefined {
  if (need !== "controllers" || !environment.endsWith("-v2")) return undefined;
  const there = readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").trim();
  return there.includes("memory") ? undefined : `cgroup2 has only: ${there}`;
}

async function perform(engine: string, check: Check): Promise<Line> {
  const id = `${engine}: ${check.name}`;
  const skip = lacking(check.needs);
  if (skip !== undefined) return { id, outcome: "skip", why: skip, seconds: 0 };
  const start = Date.now();
  const seconds = (): number => (Date.now() - start) / 1000;
  try {
    await check.run();
    return { id, outcome: "pass", seconds: seconds() };
  } catch (error) {
    return { id, outcome: "fail", why: String((error as Error).message ?? error), seconds: seconds() };
  }
}

// Debian 12's conmon leaves a file in the directory where it was started.
process.chdir("/srv");
writeFileSync(result, "");
for (const engine of engines.filter((each) => wanted.length === 0 || wanted.includes(each.name))) {
  const checks = engine.checks.filter((check) => only.test(`${engine.name}: ${check.name}`));
  if (checks.length === 0) continue;
  let stop: (() => Promise<void>) | undefined;
  try {
    stop = await engine.start(runtime);
  } catch (error) {
    const why = `does not start: ${(error as Error).message}`;
    for (const check of checks) note({ id: `${engine.name}: ${check.name}`, outcome: "fail", why, seconds: 0 });
    continue;
  }
  for (const check of checks) note(await perform(engine.name, check));
  await stop();
}

function note(line: Line): void {
  appendFileSync(result, `${JSON.stringify(line)}\n`);
  const sign = { pass: "✓", fail: "✗", skip: "–" }[line.outcome];
  console.log(
    `${sign} ${line.id}  ${line.seconds.toFixed(1)} s${line.why ? `\n    ${line.why.replaceAll("\n", "\n    ")}` : ""}`,
  );
}
process.exit(0);
