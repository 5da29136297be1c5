import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { dateTime } from "./date.ts";

const byDate = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);

test("dateTime() knows leap days, and the days around them", () => {
  for (const day of ["1970-01-01", "1999-12-31", "2000-02-29", "2024-02-29", "2100-02-28", "2100-03-01", "2400-02-29"])
    for (const time of ["00:00:00", "23:59:59"]) {
      const text = `${day}T${time}`;
      assert.equal(dateTime(Date.parse(`${text}Z`) / 1000), text);
    }
});

test("dateTime() says what Date says", () => {
  fc.assert(
    fc.property(fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }), (seconds) => {
      assert.equal(dateTime(seconds), byDate(seconds));
    }),
    { numRuns: 2000 },
  );
});
