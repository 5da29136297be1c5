/**
 * JSON from others, read without loss and without trust.
 *
 * JSON.parse rounds integers above 2^53, says little about where an error is, and recurses as deep as the text asks. So
 * the depth is bounded before it runs, and where it has rounded a number or refused the text, the exact parser of
 * json-exact.ts reads the text again. To look at every character here would take ten times as long as JSON.parse itself;
 * what follows gets by with searches that the engine does natively.
 *
 * Of duplicate keys the last one wins, as in JSON.parse and in the other runtimes.
 */
import { BoxError } from "./errors.ts";
import { hasOddEscape, parseExactly } from "./json-exact.ts";

/** What a document may be at most. */
export interface JsonLimits {
  /** UTF-16 units of text. */
  readonly length: number;
  /** Objects and arrays within each other. */
  readonly depth: number;
}

// Deeper than any configuration, shallow enough for the stack of every function that walks a document, and so large that
// the number of brackets alone clears nearly every text: levels need to be counted only where there are more.
const depth = 256;

/** A configuration. */
export const configLimits: JsonLimits = { length: 16 * 1024 * 1024, depth };
/** A process, a list of mounts, resources, a state. */
export const smallLimits: JsonLimits = { length: 1024 * 1024, depth };

/**
 * The value of a JSON text. Integers that a number cannot hold exactly are bigints.
 *
 * @throws BoxError with line and column when the text is not JSON or exceeds a limit.
 */
export function parseJson(text: string, limits: JsonLimits): unknown {
  const value = parseRounded(text, limits);
  return holdsRounded(value) ? parseExactly(text) : value;
}

/**
 * As parseJson, but integers beyond 2^53 are rounded to unsafe numbers. For whoever looks at every number anyway, and
 * calls parseExactly when he meets one of those.
 */
export function parseRounded(text: string, limits: JsonLimits): unknown {
  if (text.length > limits.length) throw new BoxError(`JSON text is longer than ${limits.length} characters`);
  if (openings(text) > limits.depth) requireDepth(text, limits.depth);
  if (hasOddEscape(text) || hasOddFraction(text) || hasOddMinus(text)) return parseExactly(text);
  try {
    return JSON.parse(text);
  } catch {
    return parseExactly(text);
  }
}

/**
 * As parseRounded, of a text that box wrote itself or has read before: nothing of it is odd, so nothing is searched. Where
 * it is damaged, parseRounded says how.
 */
export function parseKept(text: string, limits: JsonLimits): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseRounded(text, limits);
  }
}

/** Whether an integer may have lost digits: no other number of JSON.parse is one that is not safe. */
export function isRounded(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function holdsRounded(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return isRounded(value);
  return Array.isArray(value) ? value.some(holdsRounded) : Object.values(value).some(holdsRounded);
}

/** How many objects and arrays there can be at most, so how deep the text can be at most. */
function openings(text: string): number {
  return text.split("{").length + text.split("[").length - 2;
}

/** Counts the levels; nothing is said of what else is wrong with the text. */
function requireDepth(text: string, limit: number): void {
  // Every other piece is outside of strings, once no quote is escaped.
  const pieces = text.replaceAll("\\\\", "").replaceAll('\\"', "").split('"');
  // There are few different ones, most of them `,` and `:`, so each is looked at once.
  const known = new Map<string, Levels>();
  let depth = 0;
  for (let index = 0; index < pieces.length; index += 2) {
    const piece = pieces[index] as string;
    let levels = known.get(piece);
    if (levels === undefined) {
      levels = levelsOf(piece);
      known.set(piece, levels);
    }
    if (depth + levels.highest > limit) throw new BoxError(`JSON is nested deeper than ${limit} levels`);
    depth += levels.change;
  }
}

/** What a piece of JSON without strings does to the depth: how far it rises within, and how far it is off at the end. */
interface Levels {
  readonly highest: number;
  readonly change: number;
}

function levelsOf(piece: string): Levels {
  let highest = 0;
  let change = 0;
  for (let at = 0; at < piece.length; at++) {
    const char = piece.charCodeAt(at) | caseBit;
    if (char === openBrace) highest = Math.max(highest, ++change);
    else if (char === closeBrace) change--;
  }
  return { highest, change };
}

// "[" and "]" differ from "{" and "}" in one bit, and no other character of JSON outside of strings is like them.
const caseBit = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Fifteen significant digits survive in a double whatever they are. */
const safeDigits = 15;

/**
 * Whether a decimal point seems to belong to a number whose fraction may be rounded away, as in 1.00000000000000001, or
 * that has none: `1.` is no JSON, but QuickJS reads it. Text in strings may look so too; that costs time only.
 */
function hasOddFraction(text: string): boolean {
  for (let point = text.indexOf("."); point >= 0; point = text.indexOf(".", point + 1)) {
    let first = point;
    while (isDigit(text.charCodeAt(first - 1))) first--;
    if (first === point) continue;
    let end = point + 1;
    while (isDigit(text.charCodeAt(end))) end++;
    if (end - first - 1 > safeDigits || (end === point + 1 && endsNumber(text, end))) return true;
  }
  return false;
}

function endsNumber(text: string, at: number): boolean {
  return /^(?:$|[,\]}\s]|[eE][-+0-9])/.test(text.slice(at, at + 2));
}

/**
 * Whether a minus seems to belong to a number that becomes 0 in a double, as in 1e-400, or to one like -01, which is no
 * JSON either but is read by QuickJS.
 */
function hasOddMinus(text: string): boolean {
  for (let minus = text.indexOf("-"); minus >= 0; minus = text.indexOf("-", minus + 1)) {
    if (!isDigit(text.charCodeAt(minus + 1))) continue;
    if (/[0-9][eE]$/.test(text.slice(Math.max(minus - 2, 0), minus))) return true;
    if (/^-0[0-9]/.test(text.slice(minus, minus + 3)) && /^$|[:[,\s]/.test(text.charAt(minus - 1))) return true;
  }
  return false;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/**
 * The JSON text of a value, bigints as plain integers.
 *
 * @param indent spaces, or a string, for each level; on one line without it.
 */
export function stringifyJson(value: unknown, indent: string | number = ""): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (thrown) {
    // The engine refuses bigints; to look for them first would take longer than to write all the rest.
    if (!holdsBigint(value)) throw thrown;
  }
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
