import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { clean, components, resolve, split } from "./path.ts";

test("clean() gives the absolute path that `/` plus a path means", () => {
  const cases: [string, string][] = [
    ["", "/"],
    ["/", "/"],
    ["//", "/"],
    ["a", "/a"],
    ["/a/b/", "/a/b"],
    ["/a//b/./c", "/a/b/c"],
    ["/a/../b", "/b"],
    ["/..", "/"],
    ["../../a", "/a"],
    ["/a/b/../..", "/"],
    ["/a/...", "/a/..."],
    ["/a/.b/..c", "/a/.b/..c"],
    ["/a b/\n", "/a b/\n"],
  ];
  for (const [path, cleaned] of cases) assert.equal(clean(path), cleaned, path);
});

test("resolve() starts relative paths at the directory and leaves absolute ones where they are", () => {
  const cases: [string, string, string][] = [
    ["/bundle", "rootfs", "/bundle/rootfs"],
    ["/bundle", "/rootfs", "/rootfs"],
    ["/bundle", "../x", "/x"],
    ["/bundle/", "./x/", "/bundle/x"],
    ["/bundle", "", "/bundle"],
    ["/", "x", "/x"],
  ];
  for (const [from, path, result] of cases) assert.equal(resolve(from, path), result, `${from} ${path}`);
});

test("split() gives what an *at call takes", () => {
  const cases: [string, string, string][] = [
    ["a", ".", "a"],
    ["a/b", "a", "b"],
    ["/a", "/", "a"],
    ["/a/b", "/a", "b"],
    ["a/", "a", ""],
    ["../a", "..", "a"],
  ];
  for (const [path, directory, name] of cases) assert.deepEqual(split(path), [directory, name], path);
});

const path = fc
  .array(fc.oneof(fc.constantFrom("", ".", "..", "a", "b", "..."), fc.string()))
  .map((parts) => parts.join("/"));

test("clean() never leaves anything to resolve, and is its own fixed point", () => {
  fc.assert(
    fc.property(path, (text) => {
      const cleaned = clean(text);
      assert.ok(cleaned.startsWith("/"));
      assert.equal(clean(cleaned), cleaned);
      const parts = cleaned.split("/").slice(1);
      if (cleaned !== "/") for (const part of parts) assert.ok(!["", ".", ".."].includes(part), cleaned);
      assert.deepEqual(components(text), cleaned === "/" ? [] : parts);
    }),
  );
});

test("resolve() never depends on how the directory was spelt", () => {
  fc.assert(fc.property(path, path, (from, to) => assert.equal(resolve(from, to), resolve(clean(from), to))));
});
