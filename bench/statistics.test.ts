import assert from "node:assert/strict";
import { test } from "node:test";
import { median, ratio } from "./statistics.ts";

test("median() is the middle of an odd number of values and the mean of the two middle ones of an even number", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 9, 1, 4]), 6.5);
  assert.ok(Number.isNaN(median([])));
});

test("ratio() has no width when every round agrees", () => {
  assert.deepEqual(ratio([2, 2, 2], [4, 4, 4]), { value: 0.5, low: 0.5, high: 0.5 });
});

test("ratio() finds the ratio within its interval when the rounds are noisy", () => {
  const noise = Array.from({ length: 300 }, () => 1 + Math.random());
  const { value, low, high } = ratio(
    noise.map((factor) => 3 * factor),
    noise.map((factor) => 6 * factor * (1 + Math.random() / 100)),
  );
  assert.ok(low <= value && value <= high && low > 0.45 && high < 0.55, `${low} ${value} ${high}`);
});
