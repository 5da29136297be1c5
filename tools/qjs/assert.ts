/** node:assert/strict for the engine, as far as tests of pure code need it. */

class AssertionError extends Error {
  override readonly name = "AssertionError";
}

type Expected = RegExp | (new (...args: never[]) => unknown) | ((thrown: unknown) => boolean) | Record<string, unknown>;

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || value instanceof RegExp || value instanceof Error) return String(value);
  try {
    const text = JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? `${part}n` : part));
    return text ?? String(value);
  } catch {
    return String(value);
  }
}

function assertThat(condition: boolean, message: string | Error | undefined, text: () => string): void {
  if (condition) return;
  throw message instanceof Error
    ? message
    : new AssertionError(message === undefined ? text() : `${message}: ${text()}`);
}

function isDeepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && isDeepEqual(value, b.get(key)));
  if (a instanceof Set && b instanceof Set) return a.size === b.size && [...a].every((value) => b.has(value));
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) return isDeepEqual(new Uint8Array(a), new Uint8Array(b));
  if (a instanceof Error && b instanceof Error && (a.message !== b.message || a.name !== b.name)) return false;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(right, key) && isDeepEqual(left[key], right[key]));
}

function isExpected(thrown: unknown, expected: Expected): boolean {
  if (expected instanceof RegExp) return expected.test(String(thrown));
  if (typeof expected !== "function") {
    const fields = thrown as Record<string, unknown>;
    return Object.entries(expected).every(([key, value]) =>
      value instanceof RegExp ? value.test(String(fields[key])) : isDeepEqual(fields[key], value),
    );
  }
  if (expected.prototype !== undefined && thrown instanceof (expected as new () => unknown)) return true;
  if (Object.prototype.isPrototypeOf.call(Error, expected)) return false;
  return (expected as (thrown: unknown) => boolean)(thrown) === true;
}

type Message = string | Error;

export function ok(value: unknown, message?: Message): asserts value {
  assertThat(Boolean(value), message, () => `${show(value)} is not true`);
}
export function fail(message: Message = "failed"): never {
  throw message instanceof Error ? message : new AssertionError(message);
}
export function equal(actual: unknown, expected: unknown, message?: Message): void {
  assertThat(Object.is(actual, expected), message, () => `${show(actual)} is not ${show(expected)}`);
}
export function notEqual(actual: unknown, expected: unknown, message?: Message): void {
  assertThat(!Object.is(actual, expected), message, () => `both are ${show(actual)}`);
}
export function deepEqual(actual: unknown, expected: unknown, message?: Message): void {
  assertThat(isDeepEqual(actual, expected), message, () => `${show(actual)} does not equal ${show(expected)}`);
}
export function notDeepEqual(actual: unknown, expected: unknown, message?: Message): void {
  assertThat(!isDeepEqual(actual, expected), message, () => `both equal ${show(actual)}`);
}
export function match(text: string, pattern: RegExp, message?: Message): void {
  assertThat(pattern.test(text), message, () => `${show(text)} does not match ${pattern}`);
}
export function doesNotMatch(text: string, pattern: RegExp, message?: Message): void {
  assertThat(!pattern.test(text), message, () => `${show(text)} matches ${pattern}`);
}
export function throws(action: () => unknown, expected?: Expected | string, message?: Message): void {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
    if (expected === undefined || typeof expected === "string" || isExpected(error, expected)) return;
    assertThat(false, message, () => `threw ${show(error)}, expected ${show(expected)}`);
  }
  assertThat(thrown !== undefined, message, () => "did not throw");
}
export function doesNotThrow(action: () => unknown): void {
  action();
}

const methods = {
  ok,
  fail,
  equal,
  notEqual,
  deepEqual,
  notDeepEqual,
  strictEqual: equal,
  notStrictEqual: notEqual,
  deepStrictEqual: deepEqual,
  notDeepStrictEqual: notDeepEqual,
  match,
  doesNotMatch,
  throws,
  doesNotThrow,
  AssertionError,
};
const assert: typeof ok & typeof methods = Object.assign(
  (value: unknown, message?: Message): asserts value => ok(value, message),
  methods,
);
// biome-ignore lint/style/noDefaultExport: node:assert/strict has one
export default assert;
