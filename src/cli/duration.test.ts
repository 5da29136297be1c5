import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UsageError } from "./args.ts";
import { parseDuration } from "./duration.ts";

describe("parseDuration()", () => {
  const known: readonly (readonly [string, number])[] = [
    ["5s", 5000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    [".5s", 500],
    ["1.s", 1000],
    ["100us", 0.1],
    ["100µs", 0.1],
    ["1h1m1s1ms", 3_661_001],
  ];
  for (const [text, milliseconds] of known) {
    test(`reads ${text}`, () => assert.equal(parseDuration("interval", text), milliseconds));
  }

  for (const text of ["", "5", "s", "5 s", "-5s", "0s", "5x", "1..5s", "5sx", "x5s", "Infinitys", "9999999999999h"]) {
    test(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseDuration("interval", text),
        (error: unknown) => error instanceof UsageError && error.message.startsWith("--interval: must be a time"),
      ));
  }
});
