/**
 * Runs the checks of Podman, Docker and containerd (by ctr and by CRI) with box as their runtime, and with runc in its place as control, in
 * every environment of tools/engines, and writes one table: build/engines/results.md and results.json.
 *
 *   ENVIRONMENTS="sid-hybrid sid-v2"  where      RUNTIMES="runc box"  with what
 *   ENGINES="podman rootless docker docker-userns containerd cri"   ONLY=pattern  checks whose name matches
 *
 * Exit status: 0 whatever passes with runc passes with box, 1 something does not, 2 nothing could be run.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Line } from "./report.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const output = join(project, "build/engines");
const words = (name: string, all: string): string[] => (process.env[name] || all).split(/\s+/).filter(Boolean);
const environments = words("ENVIRONMENTS", "sid-hybrid sid-v2 bookworm-hybrid");
const runtimes = words("RUNTIMES", "runc box");
const engines = words("ENGINES", "podman rootless docker docker-userns containerd cri");

interface Column {
  readonly environment: string;
  readonly runtime: string;
  readonly lines: readonly Line[];
}

function run(environment: string, runtime: string, path: string): Column {
  console.log(`\n${environment}, ${runtime}`);
  const result = join(output, `${environment}-${runtime}.jsonl`);
  rmSync(result, { force: true });
  const inside = [...process.execArgv, "test/engines/inside.ts", environment, runtime, path, result, ...engines];
  spawnSync(join(project, "tools/engines"), ["run", environment, "--", "node", ...inside], {
    cwd: project,
    stdio: "inherit",
  });
  const text = existsSync(result) ? readFileSync(result, "utf8") : "";
  const lines = text.split("\n").filter(Boolean);
  return { environment, runtime, lines: lines.map((line) => JSON.parse(line) as Line) };
}

/** What passes with runc and not with box, in the same environment. */
function worse(columns: readonly Column[]): string[] {
  return columns
    .filter(({ runtime }) => runtime === "box")
    .flatMap(({ environment, lines }) => {
      const control = columns.find((each) => each.environment === environment && each.runtime === "runc")?.lines;
      const passed = (id: string): boolean =>
        control === undefined || control.some((line) => line.id === id && line.outcome === "pass");
      return lines
        .filter(({ id, outcome }) => outcome === "fail" && passed(id))
        .map(({ id, why }) => `${environment}, ${id}: ${why}`);
    });
}

const signs = { pass: "✓", fail: "✗", skip: "–" } as const;

function table(columns: readonly Column[]): string {
  const ids = [...new Set(columns.flatMap(({ lines }) => lines.map(({ id }) => id)))];
  const count = (lines: readonly Line[], outcome: Line["outcome"]): number =>
    lines.filter((line) => line.outcome === outcome).length;
  const sums = columns.map(({ lines }) => `${count(lines, "pass")} of ${lines.length - count(lines, "skip")}`);
  const rows = ids.map((id) => {
    const cells = columns.map(({ lines }) => {
      const line = lines.find((each) => each.id === id);
      return line === undefined ? "" : signs[line.outcome];
    });
    return `| ${id} | ${cells.join(" | ")} |`;
  });
  const notes = columns.flatMap(({ environment, runtime, lines }) =>
    lines
      .filter(({ why }) => why !== undefined)
      .map(({ id, why }) => `- ${environment}, ${runtime}: ${id}: ${why?.split("\n").join(" ").slice(0, 500)}`),
  );
  return [
    `| check | ${columns.map(({ environment, runtime }) => `${runtime}, ${environment}`).join(" | ")} |`,
    `|---|${columns.map(() => ":-:|").join("")}`,
    `| passed | ${sums.join(" | ")} |`,
    ...rows,
    "",
    ...notes,
    "",
  ].join("\n");
}

mkdirSync(join(output, "bin"), { recursive: true });
// Built anew meanwhile, it would be another one from check to check.
const box = join(output, "bin/box");
copyFileSync(join(project, "build/box"), box);

const columns = environments.flatMap((environment) =>
  runtimes.map((runtime) => run(environment, runtime, runtime === "box" ? box : `/usr/sbin/${runtime}`)),
);
writeFileSync(join(output, "results.md"), table(columns));
writeFileSync(join(output, "results.json"), `${JSON.stringify(columns, null, 2)}\n`);
for (const { environment, runtime, lines } of columns)
  console.log(
    `${environment}, ${runtime}: ${lines.filter(({ outcome }) => outcome === "pass").length} of ${lines.length}`,
  );
const failures = worse(columns);
for (const failure of failures) console.log(`worse than runc: ${failure}`);
console.log(`${output}/results.md and results.json`);
process.exit(columns.some(({ lines }) => lines.length === 0) ? 2 : failures.length > 0 ? 1 : 0);
