import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, type Figures, format, merge } from "./figures.ts";

const figures = (change: Partial<Figures> = {}): Figures => ({
  sizes: { "the binary": 1000 },
  instructions: { state: 2000 },
  calls: { v2: { "run, host side": { openat: 60, close: 40 } } },
  ...change,
});

const nothing = { risen: [], fallen: [], unknown: [] };

test("compare() lets a rise of 3 % pass", () => {
  assert.deepEqual(compare(figures(), figures()), nothing);
  assert.deepEqual(compare(figures(), figures({ sizes: { "the binary": 1030 } })), nothing);
});

test("compare() tells of every rise above that", () => {
  const { risen } = compare(figures(), figures({ sizes: { "the binary": 1031 }, instructions: { state: 4000 } }));
  assert.deepEqual(risen, [
    "bytes of the binary: 1000 → 1031 (+3.1 %)",
    "instructions of state: 2000 → 4000 (+100.0 %)",
  ]);
});

test("compare() shows which calls rose", () => {
  const calls = { v2: { "run, host side": { openat: 60, close: 39, statx: 6 } } };
  assert.deepEqual(compare(figures(), figures({ calls })).risen, [
    "system calls of run, host side (v2): 100 → 105 (+5.0 %)\n    -1 close: 40 → 39\n    +6 statx: 0 → 6",
  ]);
});

test("compare() tells of a fall, which does not fail", () => {
  const calls = { v2: { "run, host side": { openat: 50, close: 40 } } };
  assert.deepEqual(compare(figures(), figures({ calls })), {
    ...nothing,
    fallen: ["system calls of run, host side (v2): 100 → 90 (-10.0 %)"],
  });
});

test("compare() names what has no figure, and misses nothing that was not measured", () => {
  const calls = { v1: { "run, host side": { openat: 1 } } };
  const { unknown, risen } = compare(figures(), { sizes: {}, instructions: {}, calls });
  assert.deepEqual([unknown, risen], [["system calls of run, host side (v1)"], []]);
});

test("merge() keeps what was not measured, and format() can be read back", () => {
  const merged = merge(figures(), figures({ sizes: { "the binary": 5 }, calls: { v1: { "run, init": { read: 1 } } } }));
  assert.deepEqual(JSON.parse(format(merged)), {
    sizes: { "the binary": 5 },
    instructions: { state: 2000 },
    calls: { v1: { "run, init": { read: 1 } }, v2: { "run, host side": { openat: 60, close: 40 } } },
  });
});
