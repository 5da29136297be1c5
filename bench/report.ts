/** Results as Markdown tables. */
import type { Case } from "./cases.ts";
import { lookup, type Results, type Samples } from "./measure.ts";
import { median, type Ratio, ratio } from "./statistics.ts";

export const number = (value: number, digits = 2): string => value.toFixed(digits);

export const show = ({ value, low, high }: Ratio): string => `${number(value)} [${number(low)}–${number(high)}]`;

/** How long it took, or how long processors worked for it, which is less disturbed by others on the machine. */
export type Kind = "milliseconds" | "processor";

/** The times of some cases. Every runtime has a column, and a column in which box is divided by it. */
export function timeTable(results: Results, kind: Kind): string {
  const cases = [...results.keys()];
  const others = [...new Set(cases.flatMap(({ place }) => place.runtimes.map(({ name }) => name)))].filter(
    (name) => name !== "box",
  );
  const hasReference = cases.some(({ reference }) => reference !== undefined);
  const columns = [...others, ...(hasReference ? ["floor"] : [])];
  const rows = cases.flatMap((one) =>
    Array.from(results.get(one) ?? [])
      .filter(([, subjects]) => subjects.get("box")?.milliseconds.length)
      .map(([figure, subjects]) => {
        const of = (column: string) => subjects.get(column === "floor" ? (one.reference?.name ?? "") : column);
        const times = ["box", ...columns].map((column) => time(of(column), kind));
        const ratios = columns.map((column) => quotient(subjects.get("box"), of(column), kind));
        return [titleOf(one, figure), ...times, ...ratios];
      }),
  );
  const what = kind === "processor" ? "processor time in ms" : "ms";
  const heads = [`${what}, median [minimum]`, "box", ...columns, ...columns.map((column) => `box ÷ ${column}`)];
  return markdown(heads, rows);
}

export function titleOf({ title }: Case, figure: string): string {
  return figure === "" ? title : `${title}: ${figure}`;
}

function time(samples: Samples | undefined, kind: Kind): string {
  return samples === undefined ? "" : `${number(median(samples[kind]))} [${number(Math.min(...samples[kind]))}]`;
}

function quotient(a: Samples | undefined, b: Samples | undefined, kind: Kind): string {
  return a === undefined || b === undefined ? "" : show(ratio(a[kind], b[kind]));
}

/** The first column is text, the others are figures. */
export function markdown(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const alignment = `|${heads.map((_, index) => (index === 0 ? "---" : "--:")).join("|")}|`;
  return `${[line(heads), alignment, ...rows.map(line)].join("\n")}\n`;
}

/** Medians of the largest resident set; of a waiting init what it holds while it waits. */
export function memoryTable(results: Results, figures: readonly (readonly [string, string, string])[]): string {
  const subjects = ["box", "crun", "runc"];
  const find = lookup(results);
  const rows = figures.map(([title, name, figure]) => {
    const memory = subjects.map((subject) => find(name, figure, subject)?.mebibytes ?? []);
    const [box = [], crun = []] = memory;
    return [title, ...memory.map((samples) => number(median(samples), 1)), show(ratio(box, crun))];
  });
  return markdown(["MiB", ...subjects, "box ÷ crun"], rows);
}
