/** Checks of single strings that several rules share: paths, lists of numbers, one-line values. */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";

/** PATH_MAX without its NUL. */
const longestPath = 4095;

/** Bytes of a string in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Each half of a surrogate pair stands for two of the character's four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** A path must not be empty, nor longer than the kernel takes. */
export function requirePath(path: string, value: string, findings: Findings): void {
  if (value === "") findings.problem(path, "must not be empty");
  else if (value.length > longestPath / 3 && utf8Length(value) > longestPath) {
    findings.problem(path, `must be at most ${longestPath} bytes long, not ${utf8Length(value)}`);
  }
}

/** A path that must start at the root. */
export function requireAbsolute(path: string, value: string, findings: Findings): void {
  if (!value.startsWith("/")) findings.problem(path, `must be an absolute path, not ${describe(value)}`);
  else requirePath(path, value, findings);
}

/** A value that becomes one line of a file: a line break in it would become a second line. */
export function requireOneLine(path: string, value: string, findings: Findings): void {
  if (value.includes("\n")) findings.problem(path, `must be a single line, not ${describe(value)}`);
}

/** A list of numbers and ranges as the kernel writes CPUs and memory nodes: `0-3,7`. Empty is allowed. */
export function requireNumberList(path: string, value: string, findings: Findings): void {
  if (/^ *$/.test(value) || value.split(",").every(isRange)) return;
  findings.problem(path, `must be a list of numbers and ranges such as 0-3,7, not ${describe(value)}`);
}

const range = /^ *([0-9]{1,9})(?: *- *([0-9]{1,9}))? *$/;

function isRange(text: string): boolean {
  const [, first, last = first] = range.exec(text) ?? [];
  return first !== undefined && Number(last) >= Number(first);
}
