import assert from "node:assert/strict";
import { test } from "node:test";
import { properties } from "../../cgroups/resources.ts";
import { limits, numberOf } from "./update.ts";

test("numberOf() reads bytes with a unit, and plain numbers", () => {
  const bytes = (text: string) => numberOf("memory", text, "bytes");
  assert.deepEqual(["0", "-1", "512", "4k", "4K", "100m", "2g", "1t", "3mb", "3MiB", "9007199254740993"].map(bytes), [
    0,
    -1,
    512,
    4096,
    4096,
    104857600,
    2147483648,
    1099511627776,
    3145728,
    3145728,
    9007199254740993n,
  ]);
  assert.deepEqual(
    ["7", "-1"].map((text) => numberOf("cpu-quota", text, "number")),
    [7, -1],
  );
});

test("numberOf() reads fractions of a unit exactly, and cuts off what is less than a byte", () => {
  const bytes = (text: string) => numberOf("memory", text, "bytes");
  assert.deepEqual(
    ["1.5g", "0.5k", ".5m", "1.", "1.9", "2 kb", "7b", "1p"].map(bytes),
    [1610612736, 512, 524288, 1, 1, 2048, 7, 1125899906842624],
  );
  assert.equal(bytes("8388608.0000000000000000001t"), 9223372036854775808n);
});

test("numberOf() refuses what is no number, by the name of the option", () => {
  for (const text of [
    "x",
    "1x",
    "-2",
    "-1m",
    "-1.5g",
    "1.5.5g",
    ".",
    ".g",
    "1  m",
    "1e3",
    "1bb",
    "0x10",
    " 1",
    "k",
    "m5",
  ]) {
    assert.throws(() => numberOf("memory", text, "bytes"), {
      name: "UsageError",
      message: /^--memory: must be a number/,
    });
  }
  assert.throws(() => numberOf("cpu-quota", "5k", "number"), {
    message: '--cpu-quota: must be a whole number, not "5k"',
  });
  assert.throws(() => numberOf("cpu-quota", "5.0", "number"), /must be a whole number/);
});

test("every option of update sets a property that there is", () => {
  const names = properties.map(({ name }) => name);
  assert.deepEqual(
    limits.filter(([, property]) => !names.includes(property)),
    [],
  );
});
