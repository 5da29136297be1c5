import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addContext, BoxError, messageOf, within } from "./errors.ts";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

test("within() gives back what its action returns", () => {
  const value = {};
  assert.equal(
    within("a", () => value),
    value,
  );
});

test("within() puts each caller's words before the message, outermost first, and keeps the details", () => {
  const details = { syscall: "fsmount", errno: "EPERM", path: "/proc" };
  const thrown = thrownBy(() =>
    within('create "web"', () =>
      within('mount "/proc"', () => {
        throw new BoxError("fsmount(): EPERM", details);
      }),
    ),
  );
  assert.ok(thrown instanceof BoxError);
  assert.equal(thrown.message, 'create "web": mount "/proc": fsmount(): EPERM');
  assert.deepEqual(thrown.details, details);
  assert.equal(thrown.name, "BoxError");
});

test("within() lets broken invariants and thrown non-errors pass as they are", () => {
  for (const invariant of [new TypeError("x is not a function"), new Error("impossible"), "text", undefined, null, 7]) {
    const thrown = thrownBy(() =>
      within("create", () => {
        throw invariant;
      }),
    );
    assert.equal(thrown, invariant);
  }
});

test("addContext() keeps the stack of the place where it happened", () => {
  const inner = new BoxError("inner");
  const outer = addContext("outer", inner);
  assert.ok(outer instanceof BoxError);
  assert.equal(outer.stack, inner.stack);
});

test("BoxError has no details unless they are given", () => {
  assert.deepEqual(new BoxError("x").details, {});
});

test("messageOf() tells the text of anything that can be thrown", () => {
  const cases: [unknown, string][] = [
    [new BoxError("a"), "a"],
    [new RangeError("b"), "b"],
    ["c", "c"],
    [undefined, "undefined"],
    [null, "null"],
    [5n, "5"],
    [Symbol("d"), "Symbol(d)"],
  ];
  for (const [thrown, text] of cases) assert.equal(messageOf(thrown), text);
});

test("addContext() builds one chain whatever the words", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (words, message) => {
      const chain = words.reduceRight<unknown>((inner, what) => addContext(what, inner), new BoxError(message));
      assert.equal(messageOf(chain), [...words, message].join(": "));
    }),
  );
});
