import assert from "node:assert/strict";
import { test } from "node:test";
import { BoxError } from "../base/errors.ts";
import { each, Refusal, refuse, together } from "./refusal.ts";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

test("refuse() throws an error that names the property and is told in one line", () => {
  const thrown = thrownBy(() => refuse("linux.seccomp", "not supported"));
  assert.ok(thrown instanceof Refusal && thrown instanceof BoxError);
  assert.equal(thrown.message, "linux.seccomp: not supported");
  assert.deepEqual(thrown.findings, [{ path: "linux.seccomp", message: "not supported" }]);
});

test("each() gives the results in order, or everything that was refused", () => {
  assert.deepEqual(
    each([1, 2], (item, index) => item * 10 + index),
    [10, 21],
  );
  const seen: number[] = [];
  const thrown = thrownBy(() =>
    each([1, 2, 3, 4], (item) => {
      seen.push(item);
      if (item % 2 === 0) refuse(`[${item}]`, "is even");
      return item;
    }),
  );
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.ok(thrown instanceof Refusal);
  assert.equal(thrown.message, "[2]: is even; [4]: is even");
});

test("together() plans every part, and tells of what several parts refuse once", () => {
  assert.deepEqual(together({ a: () => 1, b: () => "two" }), { a: 1, b: "two" });
  const path = () => refuse("path", "is bad");
  const thrown = thrownBy(() =>
    together({ a: path, b: () => each([0, 1], (item) => refuse(`b[${item}]`, "is worse")), c: path }),
  );
  assert.ok(thrown instanceof Refusal);
  assert.deepEqual(
    thrown.findings.map((one) => one.path),
    ["path", "b[0]", "b[1]"],
  );
});

test("each() and together() leave every other error alone", () => {
  const other = new BoxError("the kernel said no");
  const fail = () => {
    throw other;
  };
  assert.equal(
    thrownBy(() => each([1], fail)),
    other,
  );
  assert.equal(
    thrownBy(() => together({ a: fail })),
    other,
  );
});
