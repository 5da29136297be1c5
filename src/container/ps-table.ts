/** What the host's ps prints, reduced to the rows of some processes. Pure. */
import { BoxError } from "../base/errors.ts";

const newline = 0x0a;

/** The header and the rows of these pids. Rows stay bytes: the names of processes may be anything. */
export function rowsOf(table: Uint8Array, pids: ReadonlySet<number>): Uint8Array {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < table.length; ) {
    const end = table.indexOf(newline, start);
    lines.push(table.subarray(start, end < 0 ? table.length : end + 1));
    start = end < 0 ? table.length : end + 1;
  }
  const [header, ...rows] = lines;
  const column = header === undefined ? -1 : wordsOf(header).indexOf("PID");
  if (header === undefined || column < 0) throw new BoxError("ps: its output has no column PID");
  return joined([header, ...rows.filter((row) => pids.has(Number(wordsOf(row)[column])))]);
}

function wordsOf(line: Uint8Array): string[] {
  return Array.from(line, (byte) => String.fromCharCode(byte))
    .join("")
    .trim()
    .split(/\s+/);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
