import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Findings, format } from "../findings.ts";
import { requireAbsolute, requireNumberList, utf8Length } from "./text.ts";

function said(check: (path: string, value: string, findings: Findings) => void, value: string): string {
  const findings = new Findings();
  check("it", value, findings);
  return findings.problems.map(format).join("; ");
}

test("utf8Length() counts bytes at every border of the encoding", () => {
  const cases = {
    "": 0,
    "\u007f": 1,
    "\u0080": 2,
    "\u07ff": 2,
    "\u0800": 3,
    "\ud7ff": 3,
    "\ue000": 3,
    "\uffff": 3,
    "\u{10000}": 4,
  };
  for (const [text, bytes] of Object.entries(cases)) assert.equal(utf8Length(text), bytes, JSON.stringify(text));
});

test("utf8Length() adds up", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, other) => {
      assert.equal(utf8Length(one + other), utf8Length(one) + utf8Length(other));
    }),
  );
});

test("requireAbsolute() takes what PATH_MAX takes", () => {
  assert.equal(said(requireAbsolute, `/${"x".repeat(4094)}`), "");
  assert.equal(said(requireAbsolute, `/${"x".repeat(4095)}`), "it: must be at most 4095 bytes long, not 4096");
  assert.equal(said(requireAbsolute, `/${"漢".repeat(1365)}`), "it: must be at most 4095 bytes long, not 4096");
});

test("requireNumberList() takes numbers of nine digits and spaces between", () => {
  for (const list of ["", "  ", "0", "10", "0-0", "999999999", " 1 - 2 , 3", "0-3,7"])
    assert.equal(said(requireNumberList, list), "");
  for (const list of ["\n", "1 2", "1;2", "a", "1-", "-", ",", "9999999990", "1-9999999990", "2-1"]) {
    assert.match(said(requireNumberList, list), /^it: must be a list of numbers and ranges such as 0-3,7, not "/, list);
  }
});
