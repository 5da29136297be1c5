/** What box is meant to reach, and whether it does. */
import { statSync } from "node:fs";
import { type Lookup, lookup, type Results } from "./measure.ts";
import { markdown, number, show } from "./report.ts";
import { median, type Ratio, ratio } from "./statistics.ts";

interface Target {
  readonly what: string;
  readonly case: string;
  readonly figure?: string;
  readonly against: "crun" | "runc" | "floor";
  readonly atMost: number;
}

const targets: readonly Target[] = [
  { what: "run `/bin/true`, default configuration", case: "run", against: "crun", atMost: 0.5 },
  { what: "run `/bin/true`, default configuration", case: "run", against: "runc", atMost: 0.15 },
  { what: "run `/bin/true`, default configuration", case: "run", against: "floor", atMost: 1.4 },
  {
    what: "create + start + delete",
    case: "lifecycle",
    figure: "create + start + delete",
    against: "crun",
    atMost: 0.55,
  },
  {
    what: "run with Docker's seccomp profile, second container",
    case: "seccomp",
    figure: "second container",
    against: "crun",
    atMost: 0.5,
  },
  { what: "exec `/bin/true`", case: "exec", against: "crun", atMost: 0.5 },
  { what: "state", case: "state", against: "crun", atMost: 0.8 },
  { what: "100 containers at once", case: "together", against: "crun", atMost: 0.6 },
  { what: "run with 1,000 mounts", case: "mounts-1000", against: "crun", atMost: 0.7 },
];

/** Megabytes. */
const largestBinary = 2.5;

export function targetTable(results: Results): string {
  const find = lookup(results);
  const rows = [
    ...targets.flatMap(({ what, case: name, figure = "", against, atMost }) =>
      row(what, `≤ ${number(atMost)} × ${against}`, atMost, quotient(find, name, figure, against, "milliseconds")),
    ),
    ...memoryFigures(results).flatMap(([what, name, figure]) =>
      row(`memory: ${what}`, "≤ 1.00 × crun", 1, quotient(find, name, figure, "crun", "mebibytes")),
    ),
    ...linearity(find),
    ...size(),
  ];
  return markdown(["", "target", "reached", ""], rows);
}

/** What there is to say of memory: title, case and figure. */
export function memoryFigures(results: Results): readonly (readonly [string, string, string])[] {
  const all = [
    ["run", "run", ""],
    ["create", "lifecycle", "create"],
    ["start", "lifecycle", "start"],
    ["kill", "lifecycle", "kill"],
    ["delete", "lifecycle", "delete"],
    ["state", "state", ""],
    ["exec", "exec", ""],
    ["waiting init", "lifecycle", "waiting init"],
  ] as const;
  const find = lookup(results);
  return all.filter(([, name, figure]) => find(name, figure, "box")?.mebibytes.length);
}

function row(what: string, target: string, atMost: number, reached: Ratio | undefined): readonly string[][] {
  return reached === undefined ? [] : [[what, target, show(reached), reached.value <= atMost ? "✓" : "✗"]];
}

function quotient(find: Lookup, name: string, figure: string, against: string, kind: "milliseconds" | "mebibytes") {
  const [box, other] = [find(name, figure, "box"), find(name, figure, against)];
  return box && other && ratio(box[kind], other[kind]);
}

/** Whether the last 900 of 1,000 mounts cost no more than the 90 before them, each. */
function linearity(find: Lookup): readonly string[][] {
  const [few, some, many] = [10, 100, 1000].map((count) => find(`mounts-${count}`, "", "box")?.milliseconds);
  if (!few || !some || !many) return [];
  const early = (median(some) - median(few)) / 90;
  const late = (median(many) - median(some)) / 900;
  const reached = late / early;
  return [["each of 1,000 mounts ÷ each of 100", "≤ 1.10", number(reached), reached <= 1.1 ? "✓" : "✗"]];
}

function size(): readonly string[][] {
  const megabytes = statSync("build/box").size / 1e6;
  return [["binary", `≤ ${largestBinary} MB`, `${number(megabytes)} MB`, megabytes <= largestBinary ? "✓" : "✗"]];
}
