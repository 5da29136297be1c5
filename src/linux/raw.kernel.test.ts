import assert from "node:assert/strict";
import { test } from "node:test";
import { syscall } from "host";
import * as NR from "#nr";
import { inScratch } from "../../test/kernel/scratch.ts";
import { EBADF, EINVAL } from "./constants.ts";
import { attempt, attemptEach, interpose } from "./raw.ts";

const isOpen = (number: number): boolean => attempt("fcntl", NR.fcntl, number, 1) !== -EBADF;

/** Two descriptors below 64 that nothing has, with one that is open and cannot be duplicated onto itself between. */
const [low, between, high] = [40, 41, 42];
const bit = (number: number): bigint => 1n << BigInt(number);

for (const [how, interposer] of [
  ["the host", undefined],
  ["an interposer", { perform: syscall, fd: undefined, end: () => {} }],
] as const) {
  test(`attemptEach() goes through the bits of a mask, up to a call that is refused, by ${how}`, () => {
    inScratch((directory) => {
      assert.equal(attempt("dup3", NR.dup3, directory.number, between, 0), between);
      interpose(interposer);
      try {
        assert.equal(attemptEach("dup3", NR.dup3, between, 0n), 0);
        assert.equal(attemptEach("dup3", NR.dup3, between, bit(low) + bit(high)), high);
        for (const number of [low, high]) assert.equal(attempt("close", NR.close, number), 0);
        assert.equal(attemptEach("dup3", NR.dup3, between, bit(low) + bit(between) + bit(high) + bit(63)), -EINVAL);
      } finally {
        interpose(undefined);
      }
      assert.deepEqual([isOpen(low), isOpen(high), isOpen(63)], [true, false, false]);
      for (const number of [low, between]) attempt("close", NR.close, number);
    });
  });
}
