import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { configLimits, parseJson, parseRounded, stringifyJson } from "./json.ts";
import { parseExactly } from "./json-exact.ts";

const limits = { length: 2000, depth: 64 };

test("parseJson() keeps every digit of an integer when a double does not", () => {
  const cases: [string, number | bigint][] = [
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -9223372036854775808n],
    ["18446744073709551615", 18446744073709551615n],
    ["1e19", 10000000000000000000n],
    ["1.5e19", 15000000000000000000n],
    ["12345678901234567890.0", 12345678901234567890n],
  ];
  for (const [text, value] of cases) {
    assert.equal(parseJson(text, limits), value, text);
    assert.deepEqual(parseJson(`{"a": [1, ${text}]}`, limits), { a: [1, value] }, text);
  }
});

test("parseJson() reads ordinary numbers as JSON.parse does", () => {
  for (const text of ["0", "-0", "1.5", "1e3", "15e-1", "0.1", "5e-324", "1.0", "123456789.125", "0e99999"]) {
    assert.ok(Object.is(parseJson(text, limits), JSON.parse(text)), text);
  }
  assert.equal(parseJson("1e400", limits), Number.POSITIVE_INFINITY);
});

test("parseJson() refuses a number when its fraction would be rounded away", () => {
  for (const text of ["1.99999999999999999", "4294967294.00000001", "1e-400", "429496729400000001e-8"]) {
    assert.throws(() => parseJson(`[1, ${text}]`, limits), /line 1, column 5: a number whose fraction/, text);
  }
});

test("parseJson() reads texts that look like a wrong form and are right", () => {
  const value = {
    "1. ": "-01",
    a: ["\\'", "\\\n", "2024-01", ":-01", "1.]", "3e-5", "1.00000000000000000000"],
    b: -0.5,
  };
  assert.deepEqual(parseJson(JSON.stringify(value), limits), value);
});

test("parseJson() refuses nesting beyond the limit and takes nesting up to it", () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  assert.ok(Array.isArray(parseJson(nested(64), limits)));
  assert.throws(() => parseJson(nested(65), limits), /^BoxError: JSON is nested deeper than 64 levels$/);
  const mixed = `${'{"a":['.repeat(33)}${"]}".repeat(33)}`;
  assert.throws(() => parseJson(mixed, limits), /deeper than 64/);
  assert.throws(() => parseJson("[".repeat(100_000), configLimits), /deeper than 256/);
  assert.throws(() => parseJson('{"a":'.repeat(100_000), configLimits), /deeper than 256/);
});

test("parseJson() does not count brackets when they stand in strings or beside each other", () => {
  const closing = `["]]]]\\"]]]]", ${"[".repeat(64)}${"]".repeat(64)}]`;
  assert.throws(() => parseJson(closing, limits), /deeper than 64/);
  const plainClosing = closing.replace('\\"', "");
  assert.throws(() => parseJson(plainClosing, limits), /deeper than 64/);
  const opening = ["[".repeat(100), '"{{{', "\\", '\\"{'];
  assert.deepEqual(parseJson(JSON.stringify(opening), limits), opening);
  assert.deepEqual(parseJson(`[${"[],".repeat(100)}[]]`, limits), Array(101).fill([]));
  const deepest = "[".repeat(63) + "]".repeat(63);
  for (const first of ["[]", '["\\"", "]"]', '{"[": {}}']) {
    assert.ok(Array.isArray(parseJson(`[${first}, ${deepest}]`, limits)));
    assert.throws(() => parseJson(`[${first}, [${deepest}]]`, limits), /deeper than 64/);
  }
});

test("parseJson() refuses a text that is too long", () => {
  assert.equal(parseJson(`${" ".repeat(1999)}1`, limits), 1);
  assert.throws(() => parseJson(`${" ".repeat(2000)}1`, limits), /longer than 2000 characters/);
});

test("parseJson() says where the text is wrong", () => {
  const cases: [string, string][] = [
    ["", "line 1, column 1: the text ends where a value should be"],
    ['{"a": 1,}', 'line 1, column 9: expected a property name, not "}"'],
    ['{"a" 1}', 'line 1, column 6: expected ":", not "1"'],
    ['{\n  "a": tru\n}', 'line 2, column 8: expected a value, not "t"'],
    ["[1 2]", 'line 1, column 4: expected "," or "]", not "2"'],
    ['{"a":1 "b"}', 'line 1, column 8: expected "," or "}", not "\\""'],
    ['["a]', "line 1, column 2: a string without an end"],
    ['["a\n"]', "line 1, column 2: a string with a control character or an unknown escape"],
    ['["\\x"]', "line 1, column 2: a string with a control character or an unknown escape"],
    ["[01]", "line 1, column 2: a malformed number"],
    ["[-01]", "line 1, column 2: a malformed number"],
    ["-01", "line 1, column 1: a malformed number"],
    ["1.", "line 1, column 1: a malformed number"],
    ["5.e-3", "line 1, column 1: a malformed number"],
    ["5.E3", "line 1, column 1: a malformed number"],
    ["[1.\n]", "line 1, column 2: a malformed number"],
    ['["\\\n"]', "line 1, column 2: a string with a control character or an unknown escape"],
    ['["\\\'"]', "line 1, column 2: a string with a control character or an unknown escape"],
    ["[1.]", "line 1, column 2: a malformed number"],
    ["[+1]", "line 1, column 2: a malformed number"],
    ["[1]\n[2]", 'line 2, column 1: expected the end of the text, not "["'],
    ["\u{1F600}", 'line 1, column 1: expected a value, not "\u{1F600}"'],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseJson(text, limits), { name: "BoxError", message: `invalid JSON at ${message}` });
  }
  assert.throws(() => parseExactly(`[${"1".repeat(401)}]`), /line 1, column 2: a number of more than 400 characters/);
});

test("parseJson() refuses escapes that JavaScript has and JSON has not", () => {
  for (const escape of ["\\x00", "\\x41", "\\0", "\\u{0}", "\\v", "\\ ", "\\u12", "\\u123g", "\\\n", "\\'", "\\A"]) {
    assert.throws(() => parseJson(`["\\\\${escape}"]`, limits), /column 2: a string with a control/, escape);
  }
});

test("parseJson() makes own properties of every key, and the last of equal keys wins", () => {
  for (const number of ["1", "9007199254740993"]) {
    const value = parseJson(`{"__proto__": {"x": ${number}}, "constructor": 2, "a": 3, "a": 4}`, limits) as object;
    assert.deepEqual(Object.keys(value), ["__proto__", "constructor", "a"]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(Reflect.get(value, "a"), 4);
    assert.equal("x" in value, false);
  }
});

const anyJson = fc.jsonValue({ maxDepth: 6 });

test("parseJson() agrees with JSON.parse on every text of JSON.stringify", () => {
  fc.assert(
    fc.property(anyJson, fc.constantFrom("", "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(roundAll(parseJson(text, configLimits)), JSON.parse(text));
      assert.deepEqual(roundAll(parseRounded(text, configLimits)), JSON.parse(text));
    }),
  );
});

const noise = ["", "{", "]", ",", '"', "\\", "1", "0", "-", ".", "\n", "e", "'", "x", "/"];

test("parseExactly() reads what JSON.stringify writes, and nothing that JSON.parse refuses", () => {
  fc.assert(
    fc.property(anyJson, fc.nat(), fc.constantFrom(...noise), (value, at, extra) => {
      const right = JSON.stringify(value);
      assert.deepEqual(roundAll(parseExactly(right)), JSON.parse(right));
      const cut = at % (right.length + 1);
      const text = right.slice(0, cut) + extra + right.slice(cut);
      const exact = valueOrMessage(parseExactly, text);
      const native = valueOrMessage((any) => JSON.parse(any), text);
      if ("value" in exact) assert.deepEqual(roundAll(exact.value), native.value);
    }),
    { numRuns: 1000 },
  );
});

test("parseJson() takes the same texts as parseExactly(), whatever the engine's parser takes", () => {
  fc.assert(
    fc.property(anyJson, fc.nat(), fc.constantFrom(...noise), fc.constantFrom(...noise), (value, at, one, other) => {
      const right = JSON.stringify(value);
      const cut = at % (right.length + 1);
      const text = right.slice(0, cut) + one + other + right.slice(cut);
      assert.deepEqual(
        valueOrMessage((any) => parseJson(any, configLimits), text),
        valueOrMessage(parseExactly, text),
      );
    }),
    { numRuns: 3000 },
  );
});

/** What a parser makes of a text. */
function valueOrMessage(parse: (text: string) => unknown, text: string): { value?: unknown; message?: string } {
  try {
    return { value: parse(text) };
  } catch (thrown) {
    return { message: String(thrown) };
  }
}

function roundAll(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(roundAll);
  const copy = {};
  for (const [key, item] of Object.entries(value)) {
    Object.defineProperty(copy, key, { value: roundAll(item), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

test("stringifyJson() and parseJson() return every 64-bit integer unchanged", () => {
  const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), integer)), fc.constantFrom("", 2), (value, indent) => {
      const text = stringifyJson(value, indent);
      const read = parseJson(text, configLimits) as Record<string, number | bigint>[];
      assert.deepEqual(
        read.map((item) => Object.entries(item).map(([key, number]) => [key, BigInt(number)])),
        value.map((item) => Object.entries(item)),
      );
    }),
  );
});

test("stringifyJson() writes as JSON.stringify does but for bigints", () => {
  const value = { a: [1, "x\n", null, true, [], {}], b: { c: undefined, d: 0.5 }, "": "" };
  for (const indent of ["", "\t", 2]) {
    assert.equal(stringifyJson(value, indent), JSON.stringify(value, null, indent));
    const wide = stringifyJson({ ...value, big: 2n ** 64n }, indent);
    assert.equal(wide, JSON.stringify({ ...value, big: "BIG" }, null, indent).replace('"BIG"', "18446744073709551616"));
  }
});
