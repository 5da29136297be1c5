/**
 * JSON from others, read without loss and without trust.
 *
 * JSON.parse rounds integers above 2^53, says little about where an error is, and recurses as deep as the text asks. So
 * a scan comes first: it bounds the depth and finds out whether any number could be changed by rounding. If none, the
 * native parser does the work; otherwise, and to explain a refusal, the exact one of json-exact.ts.
 *
 * Of duplicate keys the last one wins, as in JSON.parse and in the other runtimes.
 */
import { BoxError } from "./errors.ts";
import { endOfString, parseExactly } from "./json-exact.ts";

/** What a document may be at most. */
export interface JsonLimits {
  /** UTF-16 units of text. */
  readonly length: number;
  /** Objects and arrays within each other. */
  readonly depth: number;
}

/** A configuration. */
export const configLimits: JsonLimits = { length: 16 * 1024 * 1024, depth: 64 };
/** A process, a list of mounts, resources, a state. */
export const smallLimits: JsonLimits = { length: 1024 * 1024, depth: 64 };

/**
 * The value of a JSON text. Integers that a number cannot hold exactly are bigints.
 *
 * @throws BoxError with line and column when the text is not JSON or exceeds a limit.
 */
export function parseJson(text: string, limits: JsonLimits): unknown {
  if (text.length > limits.length) throw new BoxError(`JSON text is longer than ${limits.length} characters`);
  if (needsExactness(text, limits.depth)) return parseExactly(text);
  try {
    return JSON.parse(text);
  } catch {
    return parseExactly(text);
  }
}

/** Fifteen decimal digits always fit in a double. */
const exactDigits = 15;

const code = {
  quote: 0x22,
  point: 0x2e,
  upperE: 0x45,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  lowerE: 0x65,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/** Whether a number in `text` is so long, or has an exponent, that a double may not hold it; checks the depth as well. */
function needsExactness(text: string, maxDepth: number): boolean {
  let exact = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === code.quote) {
      at = endOfString(text, at);
    } else if (isDigit(char)) {
      const end = endOfNumber(text, at);
      if (end < 0 || end - at > exactDigits) exact = true;
      at = Math.max(end - 1, at);
    } else if (char === code.openBrace || char === code.openBracket) {
      if (++depth > maxDepth) throw new BoxError(`JSON is nested deeper than ${maxDepth} levels`);
    } else if (char === code.closeBrace || char === code.closeBracket) {
      depth--;
    }
  }
  return exact;
}

/** The offset behind digits and decimal point, or -1 when an exponent follows. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  for (; ; end++) {
    const char = text.charCodeAt(end);
    if (char === code.lowerE || char === code.upperE) return -1;
    if (!isDigit(char) && char !== code.point) return end;
  }
}

/**
 * The JSON text of a value, bigints as plain integers.
 *
 * @param indent spaces, or a string, for each level; on one line without it.
 */
export function stringifyJson(value: unknown, indent: string | number = ""): string {
  if (!holdsBigint(value)) return JSON.stringify(value, null, indent);
  return write(value, typeof indent === "number" ? " ".repeat(indent) : indent, "\n");
}

function holdsBigint(value: unknown): boolean {
  if (typeof value === "bigint") return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsBigint);
}

function write(value: unknown, indent: string, newline: string): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = newline + indent;
  const parts = Array.isArray(value)
    ? value.map((item) => write(item, indent, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}:${indent === "" ? "" : " "}${write(item, indent, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) return open + close;
  return indent === "" ? open + parts.join(",") + close : open + inner + parts.join(`,${inner}`) + newline + close;
}
