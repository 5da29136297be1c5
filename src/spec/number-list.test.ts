import assert from "node:assert/strict";
import { test } from "node:test";
import { numbersIn } from "./number-list.ts";

test("numbersIn() gives every number of a list once", () => {
  const cases: [string, number[]][] = [
    ["", []],
    ["  ", []],
    ["0", [0]],
    ["0-3,7", [0, 1, 2, 3, 7]],
    ["7,0-3,2-4", [7, 0, 1, 2, 3, 4]],
    [" 1 - 2 , 5", [1, 2, 5]],
    ["9", [9]],
  ];
  for (const [list, numbers] of cases) assert.deepEqual(numbersIn(list, 10), numbers, list);
});

test("numbersIn() refuses what is too large, without counting up to it", () => {
  for (const list of ["10", "0-10", "3,0-999999999"]) assert.equal(numbersIn(list, 10), undefined, list);
});
