import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { describe, quote } from "./quote.ts";

test("quote() escapes what could forge a line or hide text", () => {
  assert.equal(quote('a"b\\c\n\r\t'), '"a\\"b\\\\c\\n\\r\\t"');
  assert.equal(quote("\u0000\u001b[2J\u007f\u009b"), '"\\u0000\\u001b[2J\\u007f\\u009b"');
  assert.equal(quote("\u2028\u202e\u2066\ufeff"), '"\\u2028\\u202e\\u2066\\ufeff"');
  assert.equal(quote("\ud800x\udc00"), '"\\ud800x\\udc00"');
  assert.equal(quote("é 漢 \u{1F600}"), '"é 漢 \u{1F600}"');
});

test("quote() shortens long text and never leaves half a character", () => {
  assert.equal(quote("abcdef", 3), '"abc…"');
  assert.equal(quote("ab\u{1F600}", 3), '"ab\\ud83d…"');
});

test("quote() gives one printable line for any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
      const line = quote(text);
      assert.ok(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line));
    }),
  );
});

test("describe() names any JSON value in a few words", () => {
  const cases: [unknown, string][] = [
    ["a", '"a"'],
    [5, "5"],
    [-0, "-0"],
    [18446744073709551616n, "18446744073709551616"],
    [null, "null"],
    [true, "true"],
    [[1], "an array"],
    [{}, "an object"],
  ];
  for (const [value, words] of cases) assert.equal(describe(value), words);
});
