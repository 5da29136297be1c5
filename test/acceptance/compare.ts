/**
 * Runs the suite with box, runc and crun, on this machine and in the root with the newest peers and a pure cgroup2
 * (tools/peers), and writes one table, test by runtime: build/acceptance/compare.md and compare.html.
 *
 *   AS=user  as an ordinary user (tools/as-user), into build/acceptance/compare-user
 *
 * Exit status: 0 box passes every test that another runtime passes in the same place, 1 it does not.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareArtefacts } from "./harness/artefacts.ts";
import type { Line, Outcome } from "./harness/report.ts";

interface Column {
  title: string;
  runtime: string;
  peers: boolean;
}

interface Results {
  title: string;
  version: string;
  lines: Line[];
}

const here = fileURLToPath(new URL(".", import.meta.url));
const project = join(here, "../..");
const asUser = process.env["AS"] === "user";
const output = join(project, "build/acceptance", asUser ? "compare-user" : "");
const box = join(project, "build/box");

const columns: Column[] = [
  { title: "box", runtime: box, peers: false },
  { title: "runc", runtime: "/usr/sbin/runc", peers: false },
  { title: "box, cgroup2", runtime: box, peers: true },
  { title: "runc, cgroup2", runtime: "/usr/sbin/runc", peers: true },
  { title: "crun, cgroup2", runtime: "/usr/bin/crun", peers: true },
];

/** What the peers' root has not: a node that runs there, and the suite's own programs. */
async function takeTools(): Promise<string> {
  const tools = join(output, "tools");
  await prepareArtefacts(tools);
  copyFileSync(process.execPath, join(tools, "node"));
  chmodSync(join(tools, "node"), 0o755);
  return tools;
}

function results({ title, runtime, peers }: Column, tools: string): Results {
  const place = join(output, title.replaceAll(/[^a-z0-9]+/g, "-"));
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const run = [...process.execArgv, join(here, "run.ts")];
  const [file = "", ...args] = [
    ...(peers ? [join(project, "tools/peers"), "run", "--"] : []),
    ...(asUser ? [join(project, "tools/as-user")] : []),
    peers ? join(tools, "node") : process.execPath,
    ...run,
  ];
  // The ordinary user is made for the run.
  if (asUser) chmodSync(place, 0o777);
  console.log(`\n${title}`);
  spawnSync(file, args, {
    cwd: project,
    stdio: "inherit",
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: "",
      RUNTIME: runtime,
      OUTPUT: place,
      ...(peers || asUser ? { TOOLS: tools } : {}),
    },
  });
  const name = title.split(",")[0];
  const report = join(place, `${name}.json`);
  if (!existsSync(report)) return { title, version: "did not run", lines: [] };
  const { version, lines } = JSON.parse(readFileSync(report, "utf8")) as { version: string; lines: Line[] };
  return { title, version, lines };
}

const marks: Record<Outcome, string> = { passed: "✓", failed: "✗", skipped: "–" };

type Cell = { mark: string; detail: string };

function table(all: Results[]): { test: string; cells: Cell[] }[] {
  const tests = [...new Set(all.flatMap(({ lines }) => lines.map(({ test }) => test)))];
  return tests.map((test) => ({
    test,
    cells: all.map(({ lines }) => {
      const line = lines.find((each) => each.test === test);
      return line ? { mark: marks[line.outcome], detail: line.detail } : { mark: "", detail: "" };
    }),
  }));
}

/** Tests that another runtime passes in the same place, and box does not. */
function missed(columns: Column[], all: Results[]): string[] {
  return columns.flatMap(({ title, peers }, index) => {
    const box = columns.findIndex((column) => column.peers === peers && column.title.startsWith("box"));
    const passedBy = (column: number): string[] =>
      (all[column]?.lines ?? []).filter(({ outcome }) => outcome === "passed").map(({ test }) => test);
    const passes = new Set(passedBy(box));
    return passedBy(index)
      .filter((test) => !passes.has(test))
      .map((test) => `passes with ${title} and not with box: ${test}`);
  });
}

function totals({ lines }: Results): string {
  return (["passed", "failed", "skipped"] as const)
    .map((outcome) => `${lines.filter((line) => line.outcome === outcome).length} ${outcome}`)
    .join(", ");
}

function markdown(all: Results[]): string {
  const row = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    row(["test", ...all.map(({ title, version }) => `${title} ${version}`)]),
    row(["---", ...all.map(() => "---")]),
    row(["", ...all.map(totals)]),
    ...table(all).map(({ test, cells }) => row([test, ...cells.map(({ mark }) => mark)])),
    "",
  ].join("\n");
}

function html(all: Results[]): string {
  const text = (value: string): string =>
    value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const head = all.map((each) => `<th>${text(`${each.title} ${each.version}`)}<br><small>${totals(each)}</small></th>`);
  const rows = table(all).map(({ test, cells }) => {
    const tds = cells.map(({ mark, detail }) => `<td title="${text(detail)}">${mark}</td>`);
    return `<tr><th>${text(test)}</th>${tds.join("")}</tr>`;
  });
  return `<!doctype html>
<meta charset="utf-8">
<title>Acceptance tests by runtime</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: 2px 8px; }
tbody th { font-weight: normal; text-align: left; }
td { text-align: center; }
thead th { position: sticky; top: 0; background: #fff; }
</style>
<h1>Acceptance tests by runtime</h1>
<p>✓ passed, ✗ failed, – skipped; the reason shows when the pointer rests on a cell.</p>
<table><thead><tr><th></th>${head.join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table>
`;
}

const tools = await takeTools();
const wanted = columns.filter(({ runtime, peers }) => peers || existsSync(runtime));
const all = wanted.map((column) => results(column, tools));
writeFileSync(join(output, "compare.md"), markdown(all));
writeFileSync(join(output, "compare.html"), html(all));
console.log(`\n${all.map((each) => `${each.title} ${each.version}: ${totals(each)}`).join("\n")}`);
console.log(`${output}/compare.md and compare.html`);
const worse = missed(wanted, all);
console.log(worse.length === 0 ? "box passes whatever another passes" : worse.join("\n"));
process.exitCode = worse.length === 0 ? 0 : 1;
