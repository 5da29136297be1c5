/** From the test runner's events to lines a person reads, and to files a machine reads. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { TestEvent } from "node:test/reporters";
import { junit, tap } from "node:test/reporters";

export type Outcome = "passed" | "failed" | "skipped";

export interface Line {
  /** `feature: what it says` */
  test: string;
  outcome: Outcome;
  milliseconds: number;
  /** Why it was skipped, or how it failed. */
  detail: string;
}

const colours = { passed: 32, failed: 31, skipped: 33 } as const;
const marks = { passed: "✓", failed: "✗", skipped: "–" } as const;

function paint(outcome: Outcome, text: string): string {
  return process.stdout.isTTY ? `\u001b[${colours[outcome]}m${text}\u001b[0m` : text;
}

/** undefined for an event that is not the end of a test. */
export function lineOf(event: TestEvent): Line | undefined {
  if (event.type !== "test:pass" && event.type !== "test:fail") return undefined;
  const { name, skip, details } = event.data;
  if (details.type === "suite") return undefined;
  const milliseconds = Math.round(details.duration_ms ?? 0);
  if (event.type === "test:fail") {
    return { test: name, outcome: "failed", milliseconds, detail: explain(event.data.details.error) };
  }
  if (skip !== undefined && skip !== false) {
    return { test: name, outcome: "skipped", milliseconds, detail: typeof skip === "string" ? skip : "" };
  }
  return { test: name, outcome: "passed", milliseconds, detail: "" };
}

/** The runner wraps what the test threw; of the stack only the suite's own lines say anything. */
function explain(error: Error | undefined): string {
  const cause = error?.cause;
  if (!(cause instanceof Error)) return typeof cause === "string" ? cause : (error?.message ?? "failed without a word");
  const frames = (cause.stack ?? "").split("\n").filter((line) => /^ +at .*\/acceptance\/[^/]+\.test\.ts/.test(line));
  return [cause.message.trimEnd(), ...frames].join("\n");
}

export function progress(line: Line, number: number): string {
  const { test, outcome, milliseconds, detail } = line;
  const after = outcome === "passed" ? `  ${milliseconds} ms` : outcome === "skipped" ? `  ${detail}` : "";
  return `${paint(outcome, marks[outcome])} ${String(number).padStart(3)} ${test}${after}`;
}

export function count(lines: Line[], outcome: Outcome): number {
  return lines.filter((line) => line.outcome === outcome).length;
}

export function summary(lines: Line[]): string {
  const failed = lines.filter(({ outcome }) => outcome === "failed");
  const reasons = new Map<string, number>();
  for (const { outcome, detail } of lines) {
    if (outcome === "skipped") reasons.set(detail, (reasons.get(detail) ?? 0) + 1);
  }
  return [
    ...failed.map(({ test, detail }) => `\n${paint("failed", `✗ ${test}`)}\n${indent(detail)}`),
    ...(reasons.size > 0 ? ["\nskipped:"] : []),
    ...[...reasons].sort((a, b) => b[1] - a[1]).map(([reason, times]) => `  ${times} × ${reason}`),
    "",
  ].join("\n");
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}

/** A file in which no test matches is reported as a test that passed: takes those out, and numbers the rest anew. */
export function onlyTests(events: TestEvent[]): TestEvent[] {
  let number = 0;
  const tests = events.filter(
    ({ type, data }) =>
      type !== "test:diagnostic" && !(data && "name" in data && data.name.endsWith(".test.ts") && type !== "test:fail"),
  );
  for (const { type, data } of tests) {
    if (type === "test:pass" || type === "test:fail") data.testNumber = ++number;
    if (type === "test:plan") data.count = number;
  }
  return tests;
}

export async function writeFiles(events: TestEvent[], directory: string): Promise<void> {
  for (const [reporter, file] of [
    [tap, "acceptance.tap"],
    [junit, "acceptance.xml"],
  ] as const) {
    const out = createWriteStream(`${directory}/${file}`);
    for await (const chunk of reporter(again(events))) out.write(chunk);
    out.end();
    await once(out, "finish");
  }
}

async function* again(events: TestEvent[]): AsyncGenerator<TestEvent, void> {
  yield* events;
}
