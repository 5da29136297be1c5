import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseScopePath, scopeName, slicePath } from "./unit-name.ts";

describe("parseScopePath()", () => {
  const cases: [string, string, string][] = [
    ["machine.slice:libpod:web", "machine.slice", "libpod-web.scope"],
    [":cri:web", "system.slice", "cri-web.scope"],
    ["a-b.slice::web", "a-b.slice", "web.scope"],
    ["-.slice:box:web", "-.slice", "box-web.scope"],
    ["kubepods-pod1_2.slice:cri-containerd:0a", "kubepods-pod1_2.slice", "cri-containerd-0a.scope"],
  ];
  for (const [path, slice, scope] of cases) {
    test(path, () => assert.deepEqual(parseScopePath(path, "system.slice"), { slice, scope }));
  }

  for (const path of ["", "/a/b", "web", "a.slice:web", "a.slice:b:c:d", "a.slice:b:"]) {
    test(`refuses ${JSON.stringify(path)}`, () =>
      assert.throws(() => parseScopePath(path, "system.slice"), { name: "BoxError" }));
  }

  for (const slice of [
    "a",
    ".slice",
    "a--b.slice",
    "-a.slice",
    "a-.slice",
    "a/b.slice",
    "a.service",
    "..slice/../x.slice",
  ]) {
    test(`refuses the slice ${slice}`, () =>
      assert.throws(() => parseScopePath(`${slice}:box:web`, "system.slice"), /is not the name of a slice/));
  }
});

describe("scopeName()", () => {
  test("escapes what a unit's name may not have", () => {
    assert.equal(scopeName("box", "a+b"), "box-a\\x2bb.scope");
    assert.equal(scopeName("", "a@b"), "a\\x40b.scope");
  });

  test("refuses what is no part of a name, and names that are too long", () => {
    for (const name of ["a/b", "a\nb", "é", "a\0b"]) assert.throws(() => scopeName("box", name), /cannot be part/);
    assert.throws(() => scopeName("box", "x".repeat(250)), /longer than 255 bytes/);
    assert.equal(scopeName("", "x".repeat(249)).length, 255);
  });
});

test("slicePath() puts slices into one another", () => {
  assert.equal(slicePath("a.slice"), "/a.slice");
  assert.equal(slicePath("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  assert.equal(slicePath("-.slice"), "");
});
