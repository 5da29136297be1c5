/** The pictures of docs/performance.md. */

import type { StepFigures } from "./breakdown.ts";
import { mountCounts } from "./bundles.ts";
import { type Lookup, lookup, type Results, type Samples } from "./measure.ts";
import { number, titleOf } from "./report.ts";
import { median } from "./statistics.ts";
import { colors, linear, logarithmic, Svg, ticks } from "./svg.ts";

const subjects = ["box", "crun", "runc", "floor"];
const grid = "#dddddd";
const faint = "#666666";

/** Bars of all cases with crun, whose time is 1. */
export function ratioPlot(results: Results): Svg {
  const rows = Array.from(results).flatMap(([one, figures]) =>
    Array.from(figures)
      .filter(([, of]) => of.get("crun")?.milliseconds.length)
      .map(([figure, of]) => ({
        title: titleOf(one, figure),
        bars: ["box", "crun", "runc"].map((name) => [name, median((of.get(name) as Samples).milliseconds)] as const),
      })),
  );
  const [left, right, top, height] = [330, 60, 78, 46];
  const svg = new Svg(900, top + rows.length * height + 10, "Median time in relation to crun: shorter is faster");
  svg.legend(left, 44, ["box", "crun", "runc"]);
  const most = 4;
  const scale = linear(0, most, left, svg.width - right);
  for (const tick of [0, 0.5, 1, 2, 3, 4]) {
    svg.line(
      [
        [scale(tick), top - 6],
        [scale(tick), svg.height - 8],
      ],
      tick === 1 ? "#999999" : grid,
    );
    svg.text(scale(tick), top - 8, `${tick}`, { anchor: "middle", fill: faint, size: 10 });
  }
  for (const [index, { title, bars }] of rows.entries()) {
    const y = top + index * height;
    const unit = bars.find(([name]) => name === "crun")?.[1] as number;
    svg.text(left - 10, y + 23, title, { anchor: "end" });
    for (const [bar, [name, value]] of bars.entries()) {
      const relative = value / unit;
      const end = scale(Math.min(relative, most));
      svg.rect(left, y + 3 + bar * 12, end - left, 11, colors[name] as string);
      const text = `${number(relative)} (${number(value, value < 100 ? 1 : 0)} ms)`;
      // Where there is no room behind the bar, the text is in it.
      if (relative > most - 0.7)
        svg.text(end - 4, y + 12 + bar * 12, text, { size: 10, anchor: "end", fill: "#ffffff" });
      else svg.text(end + 4, y + 12 + bar * 12, text, { size: 10, fill: faint });
    }
  }
  return svg;
}

/** How many of the runs took at most so long. */
export function distributionPlot(results: Results): Svg | undefined {
  const find = lookup(results);
  const curves = curvesOf(find, "run");
  if (curves.length < 2) return undefined;
  const svg = new Svg(900, 360, "run /bin/true, default configuration: share of the runs that took at most so long");
  const [left, right, top, bottom] = [60, 870, 60, 310];
  const longest = Math.max(...curves.map(([, sorted]) => sorted[Math.floor(sorted.length * 0.98)] as number));
  const x = linear(0, longest, left, right);
  const y = linear(0, 1, bottom, top);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    svg.line(
      [
        [left, y(share)],
        [right, y(share)],
      ],
      grid,
    );
    svg.text(left - 8, y(share) + 4, `${share * 100} %`, { anchor: "end", fill: faint, size: 10 });
  }
  for (const tick of ticks(longest, 10)) {
    svg.line(
      [
        [x(tick), bottom],
        [x(tick), bottom + 4],
      ],
      faint,
    );
    svg.text(x(tick), bottom + 18, `${tick} ms`, { anchor: "middle", fill: faint, size: 10 });
  }
  svg.legend(
    left,
    44,
    curves.map(([name]) => name),
  );
  for (const [name, sorted] of curves) {
    const points = sorted.map((value, index) => [x(value), y((index + 1) / sorted.length)] as const);
    svg.line(
      points.filter(([at]) => at <= right),
      colors[name] as string,
      2,
    );
  }
  return svg;
}

function curvesOf(find: Lookup, name: string): readonly (readonly [string, readonly number[]])[] {
  return subjects
    .map((subject) => [subject, find(name, "", subject)?.milliseconds.toSorted((a, b) => a - b) ?? []] as const)
    .filter(([, sorted]) => sorted.length > 0);
}

/** Time over the number of mounts, both in powers of ten. */
export function mountPlot(results: Results): Svg | undefined {
  const find = lookup(results);
  const curves = subjects
    .map(
      (subject) => [subject, mountCounts.map((count) => find(`mounts-${count}`, "", subject)?.milliseconds)] as const,
    )
    .filter(([, points]) => points.every((samples) => samples !== undefined));
  if (curves.length < 2) return undefined;
  const svg = new Svg(900, 360, "run with bind mounts: median");
  const [left, right, top, bottom] = [60, 870, 60, 310];
  const all = curves.map(([name, points]) => [name, points.map((samples) => median(samples as number[]))] as const);
  const values = all.flatMap(([, points]) => points);
  const x = logarithmic(Math.min(...mountCounts), Math.max(...mountCounts), left, right - 40);
  const y = logarithmic(Math.min(...values) / 1.3, Math.max(...values) * 1.3, bottom, top);
  for (const tick of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((at) => y(at) > top && y(at) < bottom)) {
    svg.line(
      [
        [left, y(tick)],
        [right, y(tick)],
      ],
      grid,
    );
    svg.text(left - 8, y(tick) + 4, `${tick} ms`, { anchor: "end", fill: faint, size: 10 });
  }
  for (const count of mountCounts)
    svg.text(x(count), bottom + 18, `${count}`, { anchor: "middle", fill: faint, size: 10 });
  svg.legend(
    left,
    44,
    all.map(([name]) => name),
  );
  for (const [name, points] of all) {
    svg.line(
      points.map((value, index) => [x(mountCounts[index] as number), y(value)] as const),
      colors[name] as string,
      2,
    );
    svg.text(right - 34, y(points.at(-1) as number) + 4, number(points.at(-1) as number, 0), { size: 10, fill: faint });
  }
  return svg;
}

/** One `run` by its trace. What lies between two steps is the trace's own work, or that of others on the machine. */
export function timelinePlot(steps: readonly StepFigures[]): Svg {
  const sides = [...new Set(steps.map(({ side }) => side))];
  const end = Math.max(...steps.map(({ begin, length }) => begin + length));
  const [left, right, top, height] = [90, 800, 66, 160];
  const svg = new Svg(
    900,
    top + sides.length * height,
    "One run, by its trace: the dark part of a step is system calls",
  );
  const x = linear(0, end, left, right);
  for (const tick of ticks(end, 10)) {
    const line = [top - 6, svg.height - 10].map((y) => [x(tick), y] as const);
    svg.line(line, grid);
    svg.text(x(tick), top - 10, `${tick} ms`, { anchor: "middle", fill: faint, size: 10 });
  }
  for (const [row, side] of sides.entries()) {
    const y = top + row * height;
    svg.text(left - 10, y + 20, side, { anchor: "end", weight: 600 });
    let free = 0;
    for (const { name, begin, length, inCalls } of steps.filter((step) => step.side === side)) {
      svg.rect(x(begin), y + 4, x(begin + length) - x(begin), 26, "#9dc3f0");
      svg.rect(x(begin), y + 4, x(begin + inCalls) - x(begin), 26, colors["box"] as string);
      // What is too short to be seen has no name either; the table has it.
      if (length < end / 100) continue;
      const at = Math.max(x(begin + length / 2) - 3, free);
      free = at + 15;
      svg.text(at, y + 42, `${name} ${number(length)}`, { turn: 50, size: 10 });
    }
  }
  return svg;
}
