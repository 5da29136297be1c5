import assert from "node:assert/strict";
import { test } from "node:test";
import { linear, logarithmic, Svg, ticks } from "./svg.ts";

test("ticks() are round numbers from 0 to what there is", () => {
  assert.deepEqual(ticks(35, 10), [0, 5, 10, 15, 20, 25, 30, 35]);
  assert.deepEqual(ticks(0.9, 4), [0, 0.5]);
  assert.deepEqual(ticks(100, 10), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
});

test("scales put the ends of one range on the ends of the other", () => {
  const [line, power] = [linear(0, 10, 100, 0), logarithmic(1, 100, 0, 50)];
  assert.deepEqual([line(0), line(5), line(10)], [100, 50, 0]);
  assert.deepEqual([power(1), power(10), power(100)], [0, 25, 50]);
});

test("Svg escapes text, and rounds what is drawn", () => {
  const svg = new Svg(10, 10, "a < b & `c`");
  svg.line([[0.123, 1]], "#000000");
  assert.match(`${svg}`, />a &lt; b &amp; c</);
  assert.match(`${svg}`, /points="0.1,1"/);
});
