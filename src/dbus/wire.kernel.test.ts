import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { BoxError } from "../base/errors.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import { parseSignature } from "./signature.ts";
import { marshal, maxMessage, unmarshal, type Value } from "./wire.ts";

/** Bytes as the specification's examples draw them. */
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

describe("marshal()", () => {
  const cases: [string, Value[], string][] = [
    ["y", [255], "ff"],
    ["n", [-2], "fe ff"],
    ["q", [0x1234], "34 12"],
    ["i", [-1], "ff ff ff ff"],
    ["u", [0xffff_ffff], "ff ff ff ff"],
    ["x", [-1n], "ff ff ff ff ff ff ff ff"],
    ["t", [0xffff_ffff_ffff_ffffn], "ff ff ff ff ff ff ff ff"],
    ["t", [1], "01 00 00 00 00 00 00 00"],
    ["b", [true], "01 00 00 00"],
    ["s", ["foo"], "03 00 00 00 66 6f 6f 00"],
    ["s", ["é"], "02 00 00 00 c3 a9 00"],
    ["g", ["as"], "02 61 73 00"],
    ["yu", [1, 2], "01 00 00 00 02 00 00 00"],
    ["v", [{ signature: "u", value: 7 }], "01 75 00 00 07 00 00 00"],
    ["ay", [[1, 2]], "02 00 00 00 01 02"],
    ["ay", [new Uint8Array([1, 2])], "02 00 00 00 01 02"],
    // The gap before the first element is no part of the length, and is there without elements too.
    ["ax", [[5n]], "08 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00"],
    ["ax", [[]], "00 00 00 00 00 00 00 00"],
    ["a{sy}", [[["k", 1]]], "07 00 00 00 00 00 00 00 01 00 00 00 6b 00 01"],
    ["(yy)", [[1, 2]], "01 02"],
  ];
  for (const [signature, values, bytes] of cases) {
    test(`${signature} as ${bytes}`, () => assert.equal(hex(marshal(signature, values)), bytes));
  }

  test("takes no value that does not fit its type", () => {
    const wrong: [string, Value][] = [
      ["y", 256],
      ["y", -1],
      ["u", 1.5],
      ["n", 0x8000],
      ["t", -1n],
      ["t", 2n ** 64n],
      ["x", 2n ** 63n],
      ["s", 1],
      ["s", "a\0b"],
      ["b", 1],
      ["as", "text"],
      ["(ss)", ["one"]],
    ];
    for (const [signature, value] of wrong) assert.throws(() => marshal(signature, [value]), RangeError, signature);
    assert.throws(() => marshal("ss", ["one"]), RangeError);
  });

  test("makes nothing longer than a message may be", () => {
    assert.throws(() => marshal("s", ["x".repeat(maxMessage)]), BoxError);
  });
});

describe("unmarshal()", () => {
  test("reads back what marshal() wrote", () => {
    const types: [string, fc.Arbitrary<Value>][] = [
      ["y", fc.nat(255)],
      ["n", fc.integer({ min: -0x8000, max: 0x7fff })],
      ["i", fc.integer()],
      ["u", fc.nat(0xffff_ffff)],
      ["x", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)],
      ["t", fc.bigInt(0n, 2n ** 64n - 1n)],
      ["d", fc.double({ noNaN: true })],
      ["b", fc.boolean()],
      ["s", fc.string().filter((text) => !text.includes("\0"))],
      ["as", fc.array(fc.string().filter((text) => !text.includes("\0")))],
      ["a(st)", fc.array(fc.tuple(fc.constant("/dev/block/8:0"), fc.bigInt(0n, 2n ** 64n - 1n)))],
      ["v", fc.integer().map((value) => ({ signature: "i", value }))],
    ];
    const field = fc
      .constantFrom(...types)
      .chain(([signature, value]) => value.map((one) => [signature, one] as const));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        const signature = fields.map(([one]) => one).join("");
        const values = fields.map(([, value]) => value);
        assert.deepEqual(unmarshal(signature, marshal(signature, values)), values);
      }),
    );
  });

  test("answers any bytes with values or with one clear error", () => {
    const signatures = ["s", "as", "a(yv)", "v", "a{sv}", "ax", "ay", "(sb)", "g"];
    fc.assert(
      fc.property(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 64 }), (signature, bytes) => {
        try {
          unmarshal(signature, bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof BoxError, String(thrown));
        }
      }),
    );
  });

  test("refuses what is cut short, too long, or says a length that is not its own", () => {
    const whole = marshal("sas", ["one", ["two", "three"]]);
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => unmarshal("sas", whole.subarray(0, length)), /malformed message/);
    assert.throws(() => unmarshal("y", new Uint8Array(2)), /bytes are left over/);
    assert.throws(() => unmarshal("ay", new Uint8Array([0xff, 0xff, 0xff, 0xff])), /cut short/);
    assert.throws(() => unmarshal("b", new Uint8Array([2, 0, 0, 0])), /neither 0 nor 1/);
    assert.throws(() => unmarshal("g", new Uint8Array([1, 0x80, 0])), /a string that is not UTF-8/);
  });

  test("refuses variants in variants without end", () => {
    const bytes = encodeUtf8("\u0001v\0".repeat(40));
    assert.throws(() => unmarshal("v", bytes), /variants in one another/);
  });
});

test("parseSignature() refuses what is no signature", () => {
  for (const text of ["a", "(", "()", "(s", "{sv}", "a{s}", "a{ssv}", "z", ")", "s)", "a".repeat(80), "y".repeat(256)])
    assert.throws(() => parseSignature(text), BoxError, text);
  assert.equal(parseSignature("ssa(sv)a(sa(sv))").length, 4);
});
