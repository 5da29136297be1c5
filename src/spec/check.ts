/**
 * The checks that the generated validators are made of (tools/gen-validators).
 *
 * Each takes a value, the path of its parent and its own step (`.cwd`, `[3]`), which are joined only when there is
 * something to say: nearly every configuration is right, and paths would cost more than the checks.
 */
import { isRounded } from "../base/json.ts";
import { describe } from "../base/quote.ts";
import { entry, type Findings } from "./findings.ts";

/** One check of a value; what is wrong goes to `to`. */
export type Check = (value: unknown, parent: string, step: string, to: Sink) => void;

/** Where findings go, and what is known of the text that the value came from. */
export interface Sink {
  readonly findings: Findings;
  /** Set when an integer had been rounded: the text must be parsed exactly and checked again. */
  rounded: boolean;
  /** No string in the document can hold NUL or half a surrogate pair, so none needs to be looked at. */
  readonly plainText: boolean;
}

function refuse(value: unknown, path: string, allowed: string, to: Sink): void {
  if (isRounded(value)) to.rounded = true;
  to.findings.problem(path, value === undefined ? "is required" : `must be ${allowed}, not ${describe(value)}`);
}

/** A string that the kernel can take. */
export function text(value: unknown, parent: string, step: string, to: Sink): void {
  if (typeof value !== "string") refuse(value, parent + step, "a string", to);
  else if (!to.plainText) wellFormed(value, parent + step, to);
}

// A system call takes a string up to its first NUL, and UTF-8 cannot hold half a surrogate pair.
function wellFormed(value: string, path: string, to: Sink): void {
  if (value.includes("\0")) to.findings.problem(path, `must not contain a NUL character: ${describe(value)}`);
  else if (isTorn(value)) to.findings.problem(path, `must not contain half a surrogate pair: ${describe(value)}`);
}

const tornPair = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

// The engine has the method of ES2024, which looks at a text of plain ASCII not at all.
function isTorn(value: string & { isWellFormed?(): boolean }): boolean {
  return value.isWellFormed === undefined ? tornPair.test(value) : !value.isWellFormed();
}

/** Whether the strings of a JSON text can be neither torn nor cut: only an escape can write such a character. */
export function isPlainText(json: string): boolean {
  if (isTorn(json)) return false;
  return !json.includes("\\u") || !["\\u0000", "\\ud", "\\uD"].some((escape) => json.includes(escape));
}

/** true or false */
export function flag(value: unknown, parent: string, step: string, to: Sink): void {
  if (typeof value !== "boolean") refuse(value, parent + step, "true or false", to);
}

/** An integer of at most 53 bits. -0 is refused: where it is written, something else was meant. */
export function int(value: unknown, parent: string, step: string, to: Sink, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max && !Object.is(value, -0)) return;
  refuse(value, parent + step, `an integer from ${min} to ${max}`, to);
}

/** An integer of 64 bits, as a safe number or as a bigint. */
export function int64(value: unknown, parent: string, step: string, to: Sink, min: bigint, max: bigint): void {
  const exact = typeof value === "bigint" || (Number.isSafeInteger(value) && !Object.is(value, -0));
  if (exact && (value as number | bigint) >= min && (value as number | bigint) <= max) return;
  refuse(value, parent + step, `an integer from ${min} to ${max}`, to);
}

/** One of a list of words. */
export function word(value: unknown, parent: string, step: string, to: Sink, words: readonly string[]): void {
  if (!words.includes(value as string)) refuse(value, parent + step, `one of ${words.join(", ")}`, to);
}

/** An array whose items all pass `check`. */
export function list(value: unknown, parent: string, step: string, to: Sink, check: Check, least = 0): void {
  const path = parent + step;
  if (!Array.isArray(value)) refuse(value, path, "an array", to);
  else if (value.length < least) to.findings.problem(path, "must not be empty");
  else for (let index = 0; index < value.length; index++) check(value[index], path, `[${index}]`, to);
}

/** An array of strings. */
export function texts(value: unknown, parent: string, step: string, to: Sink, least = 0): void {
  if (to.plainText && Array.isArray(value) && value.length >= least && value.every(isString)) return;
  list(value, parent, step, to, text, least);
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

/** An object of named properties; the others are nobody's business. */
export function record(value: unknown, parent: string, step: string, to: Sink): value is Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return true;
  refuse(value, parent + step, "an object", to);
  return false;
}

/** An object of free keys whose values all pass `check`. */
export function map(value: unknown, parent: string, step: string, to: Sink, check: Check): void {
  if (!record(value, parent, step, to)) return;
  const keys = Object.keys(value);
  if (to.plainText && check === text && keys.every((key) => typeof value[key] === "string")) return;
  for (const key of keys) {
    const path = entry(key);
    if (!to.plainText) wellFormed(key, parent + step + path, to);
    check(value[key], parent + step, path, to);
  }
}
