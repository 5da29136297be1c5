/** Writes what was measured into docs/performance.md, its pictures, and the README. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Breakdown, StepFigures } from "./breakdown.ts";
import { lookup, type Results } from "./measure.ts";
import type { Places } from "./places.ts";
import { distributionPlot, mountPlot, ratioPlot, timelinePlot } from "./plots.ts";
import { markdown, memoryTable, number, timeTable } from "./report.ts";
import { median } from "./statistics.ts";
import type { Svg } from "./svg.ts";
import { memoryFigures, targetTable } from "./targets.ts";

const page = "docs/performance.md";
const pictures = "docs/performance";

export type Machine = Readonly<Record<string, string | number>>;

export function writePages(machine: Machine, results: Results, breakdown: Breakdown, places: Places): void {
  mkdirSync(pictures, { recursive: true });
  const at = (place: Places[keyof Places]): Results => new Map([...results].filter(([one]) => one.place === place));
  const everyPlace = Object.values(places).map(
    (place) => `### ${place.title}\n\n${timeTable(at(place), "milliseconds")}`,
  );
  replace(page, {
    machine: describe(machine),
    targets: targetTable(results),
    figures: [
      picture("ratios", "Bars of all cases", ratioPlot(results)),
      picture("run", "Distribution of run", distributionPlot(results)),
      picture("mounts", "Time over the number of mounts", mountPlot(results)),
      ...everyPlace,
      `### Memory\n\n${memoryTable(results, memoryFigures(results))}`,
      `### Processor time\n\n${timeTable(at(places.peers), "processor")}`,
    ].join("\n"),
    breakdown: [
      picture("timeline", "Timeline of run", timelinePlot(breakdown.shortest)),
      stepTable(breakdown.medians),
    ].join("\n"),
  });
  replace("README.md", { speed: summary(machine, results, places) });
}

/** Replaces what is between `<!-- NAME: begin -->` and its end. */
function replace(file: string, sections: Readonly<Record<string, string>>): void {
  let text = readFileSync(file, "utf8");
  for (const [name, content] of Object.entries(sections)) {
    const [begin, end] = [`<!-- ${name}: begin -->\n`, `<!-- ${name}: end -->`];
    const [before, rest] = split(text, begin, file);
    const [, after] = split(rest, end, file);
    text = `${before}${begin}${content}\n${end}${after}`;
  }
  writeFileSync(file, text);
}

function split(text: string, mark: string, file: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${file}: no ${mark.trim()}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function picture(name: string, alternative: string, svg: Svg | undefined): string {
  if (svg === undefined) return "";
  writeFileSync(`${pictures}/${name}.svg`, svg.toString());
  return `![${alternative}](performance/${name}.svg)\n`;
}

function describe(machine: Machine): string {
  return markdown(
    ["machine", ""],
    Object.entries(machine).map(([what, value]) => [what, `${value}`]),
  );
}

function stepTable(steps: readonly StepFigures[]): string {
  return markdown(
    ["median of the step", "ms", "of that in system calls", "system calls"],
    steps.map(({ side, name, length, calls, inCalls }) => [
      `${side}: ${name}`,
      number(length),
      number(inCalls),
      `${Math.round(calls)}`,
    ]),
  );
}

function summary({ processor, kernel, rounds, crun, runc }: Machine, results: Results, { peers }: Places): string {
  const find = lookup(results);
  const row = (title: string, name: string, subject: string, binary?: string): string[] => {
    const samples = find(name, "", subject);
    if (samples === undefined) throw new Error(`nothing was measured of ${title}`);
    const { milliseconds, mebibytes } = samples;
    const size = binary === undefined ? "" : `${number(statSync(binary).size / 2 ** 20)} MiB`;
    const times = [`${number(median(milliseconds))} ms`, `${number(Math.min(...milliseconds))} ms`];
    return [title, ...times, `${number(median(mebibytes), 1)} MiB`, size];
  };
  const file = (name: string) => peers.runtimes.find((one) => one.name === name)?.file as string;
  const version = (text: string | number | undefined) => `${text}`.replace(/^(\w+) version ([\d.]+).*/, "$1 $2");
  const table = markdown(
    ["", "median", "minimum", "peak memory", "binary"],
    [
      row("box", "run", "box", file("box")),
      row(version(crun), "run", "crun", file("crun")),
      row(version(runc), "run", "runc", file("runc")),
      row("a C program of the same system calls", "run", "floor"),
      row("`box --version`", "version", "box"),
      row("`/bin/true`", "version", "floor"),
    ],
  );
  return `## Speed

\`box run\` of \`/bin/true\` with the default configuration, on a host with cgroup v2; ${rounds} interleaved rounds on
${processor}, Linux ${kernel}, by \`make bench\`:

${table}
![Bars of all cases](docs/performance/ratios.svg)

[docs/performance.md](docs/performance.md) has the other cases, what is aimed at, how it is measured, and where the time goes.
`;
}
