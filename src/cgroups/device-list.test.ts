import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { rulesBetween } from "./device-list.ts";
import type { DeviceRuleOp } from "./ops.ts";

const all = (allow: boolean): DeviceRuleOp => ({
  allow,
  type: "all",
  major: undefined,
  minor: undefined,
  access: "rwm",
});
const char = (allow: boolean, minor: number, access = "rwm"): DeviceRuleOp => ({
  allow,
  type: "char",
  major: 10,
  minor,
  access,
});

/** The kernel's list, told by writing rules to it. */
class Kernel {
  allowed = true;
  readonly exceptions = new Map<string, Set<string>>();

  write(rules: readonly DeviceRuleOp[]): this {
    for (const { allow, type, major, minor, access } of rules) {
      if (type === "all") {
        this.allowed = allow;
        this.exceptions.clear();
        continue;
      }
      const id = `${type} ${major}:${minor}`;
      const letters = this.exceptions.get(id) ?? new Set();
      for (const letter of access) allow === this.allowed ? letters.delete(letter) : letters.add(letter);
      if (letters.size === 0) this.exceptions.delete(id);
      else this.exceptions.set(id, letters);
    }
    return this;
  }

  toString(): string {
    const lines = [...this.exceptions].map(([id, letters]) => `${id} ${[...letters].sort().join("")}`);
    return `${this.allowed} ${lines.sort().join(", ")}`;
  }
}

describe("rulesBetween()", () => {
  test("adds before it takes away, and touches nothing else", () => {
    const from = [all(false), char(true, 1), char(true, 2, "rw")];
    const to = [all(false), char(true, 1), char(true, 2, "r"), char(true, 3)];
    assert.deepEqual(rulesBetween(from, to), [char(true, 3), char(false, 2, "w")]);
    assert.deepEqual(rulesBetween(from, from), []);
  });

  test("starts anew only where what is not listed changes", () => {
    assert.deepEqual(rulesBetween([all(false), char(true, 1)], [char(false, 5)]), [all(true), char(false, 5)]);
    assert.deepEqual(rulesBetween([], [all(false), char(true, 1)]), [all(false), char(true, 1)]);
  });

  test("leads the kernel from any list to any other", () => {
    const access = fc.subarray(["r", "w", "m"], { minLength: 1 }).map((letters) => letters.join(""));
    const one = fc.tuple(fc.boolean(), fc.nat(2), access).map(([allow, minor, letters]) => char(allow, minor, letters));
    const list = fc.array(fc.oneof({ weight: 5, arbitrary: one }, fc.boolean().map(all)));
    fc.assert(
      fc.property(list, list, (from, to) => {
        const between = rulesBetween(from, to);
        assert.equal(`${new Kernel().write(from).write(between)}`, `${new Kernel().write(to)}`);
      }),
    );
  });
});
