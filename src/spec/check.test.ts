import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, flag, int, int64, isPlainText, list, map, record, type Sink, text, texts, word } from "./check.ts";
import { Findings, format } from "./findings.ts";

/** What `check` says of `value` at the path `it`; "" if nothing. */
function verdict(value: unknown, check: Check, plainText = false): string {
  const sink: Sink = { findings: new Findings(), plainText, rounded: false };
  check(value, "", ".it", sink);
  return sink.findings.problems.map(format).join("; ");
}

const uint32: Check = (value, parent, step, to) => int(value, parent, step, to, 0, 4294967295);
const uint64: Check = (value, parent, step, to) => int64(value, parent, step, to, 0n, 2n ** 64n - 1n);
const sint64: Check = (value, parent, step, to) => int64(value, parent, step, to, -(2n ** 63n), 2n ** 63n - 1n);

test("int() takes the integers of its range and nothing else", () => {
  for (const value of [0, 1, 4294967295]) assert.equal(verdict(value, uint32), "");
  for (const value of [-1, 4294967296, 0.5, Number.NaN, Number.POSITIVE_INFINITY, -0, "1", null, true, 1n, [1], {}]) {
    assert.match(verdict(value, uint32), /^it: must be an integer from 0 to 4294967295, not /, String(value));
  }
  assert.equal(verdict(4294967296, uint32), "it: must be an integer from 0 to 4294967295, not 4294967296");
  assert.equal(verdict(-0, uint32), "it: must be an integer from 0 to 4294967295, not -0");
});

test("int64() compares the bounds exactly", () => {
  for (const value of [0, 0n, 9007199254740991, 2n ** 64n - 1n]) assert.equal(verdict(value, uint64), "");
  for (const value of [-1, -1n, 2n ** 64n, 1.5, Number.NaN, -0, "1", null]) {
    assert.match(verdict(value, uint64), /^it: must be an integer from 0 to 18446744073709551615, not /, String(value));
  }
  for (const value of [-(2n ** 63n), 2n ** 63n - 1n, -1]) assert.equal(verdict(value, sint64), "");
  for (const value of [-(2n ** 63n) - 1n, 2n ** 63n]) {
    assert.match(
      verdict(value, sint64),
      /^it: must be an integer from -9223372036854775808 to 9223372036854775807, not /,
    );
  }
});

test("int64() asks for an exact reading when a number is not safe", () => {
  const sink: Sink = { findings: new Findings(), plainText: false, rounded: false };
  uint64(2 ** 60, "", ".it", sink);
  assert.equal(sink.rounded, true);
});

test("text() refuses what the kernel would cut or cannot read", () => {
  assert.equal(verdict("any text\n", text), "");
  assert.equal(verdict("\u{1F600}", text), "");
  assert.equal(verdict(5, text), "it: must be a string, not 5");
  assert.equal(verdict("/etc\0/x", text), 'it: must not contain a NUL character: "/etc\\u0000/x"');
  assert.equal(verdict("a\ud800", text), 'it: must not contain half a surrogate pair: "a\\ud800"');
  assert.equal(verdict("\udc00a", text), 'it: must not contain half a surrogate pair: "\\udc00a"');
});

test("isPlainText() is true only of texts without NUL and torn pairs", () => {
  assert.equal(isPlainText('{"a": "b \\u003c \u{1F600}"}'), true);
  for (const escaped of ["\\u0000", "\\ud800", "\\uDC00", "\ud800"]) assert.equal(isPlainText(`"${escaped}"`), false);
});

test("texts() names the item that is wrong", () => {
  assert.equal(verdict(["a", "b"], texts, true), "");
  assert.equal(
    verdict(["a", 1, "b", null], texts, true),
    "it[1]: must be a string, not 1; it[3]: must be a string, not null",
  );
  assert.equal(verdict(["a", "\0"], texts), 'it[1]: must not contain a NUL character: "\\u0000"');
  assert.equal(verdict({ length: 0 }, texts), "it: must be an array, not an object");
  const some: Check = (value, parent, step, to) => texts(value, parent, step, to, 1);
  assert.equal(verdict([], some), "it: must not be empty");
});

test("word() lists what is allowed", () => {
  const check: Check = (value, parent, step, to) => word(value, parent, step, to, ["red", "green"]);
  assert.equal(verdict("green", check), "");
  assert.equal(verdict("blue\n", check), 'it: must be one of red, green, not "blue\\n"');
  assert.equal(verdict(["red"], check), "it: must be one of red, green, not an array");
});

test("flag(), list(), record() and map() take their own type only", () => {
  const flags: Check = (value, parent, step, to) => list(value, parent, step, to, flag);
  const flagMap: Check = (value, parent, step, to) => map(value, parent, step, to, flag);
  assert.equal(verdict([true, 0], flags), "it[1]: must be true or false, not 0");
  assert.equal(verdict("x", flags), 'it: must be an array, not "x"');
  assert.equal(verdict({ a: true, "b.c": 1 }, flagMap), 'it["b.c"]: must be true or false, not 1');
  for (const value of [null, [], "x", 1]) assert.match(verdict(value, record), /^it: must be an object, not /);
  assert.equal(verdict(undefined, flag), "it: is required");
});

test("map() sees own keys only, and looks at their text", () => {
  const check: Check = (value, parent, step, to) => map(value, parent, step, to, text);
  assert.equal(verdict(JSON.parse('{"__proto__": 1}'), check), 'it["__proto__"]: must be a string, not 1');
  assert.equal(verdict(Object.create({ inherited: 1 }), check), "");
  assert.match(verdict({ "a\0": "b" }, check), /^it\["a\\u0000"\]: must not contain a NUL character/);
});
