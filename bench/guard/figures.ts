/** What the guard compares. */

/** How often each system call is made. */
export type Calls = Readonly<Record<string, number>>;

export interface Figures {
  /** Bytes. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Of user space, by command. */
  readonly instructions: Readonly<Record<string, number>>;
  /** By layout of cgroups, and by command and side. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, Calls>>>>;
}

/** A rise of more than this fails. */
const tolerance = 0.03;

export interface Comparison {
  /** What rose too far, each with what it is made of. */
  readonly risen: readonly string[];
  /** What fell so far that the figures should follow, or the next rise hides behind them. */
  readonly fallen: readonly string[];
  /** What only one of the two has. */
  readonly unknown: readonly string[];
}

/** @param measured may lack parts, for which a host or a tool is missing */
export function compare(expected: Figures, measured: Figures): Comparison {
  const result = { risen: [] as string[], fallen: [] as string[], unknown: [] as string[] };
  const check = (what: string, before: number | undefined, now: number, details: () => string) => {
    if (before === undefined) result.unknown.push(what);
    else if (now > before * (1 + tolerance)) result.risen.push(`${what}: ${change(before, now)}${details()}`);
    else if (now < before * (1 - tolerance)) result.fallen.push(`${what}: ${change(before, now)}`);
  };
  const none = () => "";
  for (const [name, bytes] of Object.entries(measured.sizes))
    check(`bytes of ${name}`, expected.sizes[name], bytes, none);
  for (const [name, count] of Object.entries(measured.instructions))
    check(`instructions of ${name}`, expected.instructions[name], count, none);
  for (const [layout, sides] of Object.entries(measured.calls))
    for (const [side, calls] of Object.entries(sides)) {
      const before = expected.calls[layout]?.[side];
      check(`system calls of ${side} (${layout})`, before && total(before), total(calls), () =>
        difference(before ?? {}, calls),
      );
    }
  return result;
}

export const total = (calls: Calls): number => Object.values(calls).reduce((sum, count) => sum + count, 0);

function change(before: number, now: number): string {
  const percent = before === 0 ? "" : ` (${now > before ? "+" : ""}${((now / before - 1) * 100).toFixed(1)} %)`;
  return `${before} → ${now}${percent}`;
}

/** A line for each call that is made more or less often. */
function difference(before: Calls, now: Calls): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names
    .map((name) => [name, before[name] ?? 0, now[name] ?? 0] as const)
    .filter(([, a, b]) => a !== b)
    .map(([name, a, b]) => `\n    ${b > a ? "+" : "-"}${Math.abs(b - a)} ${name}: ${a} → ${b}`)
    .join("");
}

/** Sections that were not measured stay as they were. */
export function merge(kept: Figures, measured: Figures): Figures {
  return {
    sizes: { ...kept.sizes, ...measured.sizes },
    instructions: { ...kept.instructions, ...measured.instructions },
    calls: { ...kept.calls, ...measured.calls },
  };
}

/** JSON with the calls of one side on one line. */
export function format({ sizes, instructions, calls }: Figures): string {
  const block = (entries: readonly string[], indent: string) => `{\n${entries.join(",\n")}\n${indent}}`;
  const flat = (record: Readonly<Record<string, unknown>>, indent: string) =>
    block(
      Object.entries(record).map(([key, value]) => `${indent}  ${JSON.stringify(key)}: ${JSON.stringify(value)}`),
      indent,
    );
  const layouts = Object.entries(calls).sort(([a], [b]) => (a < b ? -1 : 1));
  const callBlock = block(
    layouts.map(([layout, sides]) => `    ${JSON.stringify(layout)}: ${flat(sides, "    ")}`),
    "  ",
  );
  return `${block(
    [`  "sizes": ${flat(sizes, "  ")}`, `  "instructions": ${flat(instructions, "  ")}`, `  "calls": ${callBlock}`],
    "",
  )}\n`;
}
