import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { withoutLeaks } from "../../test/kernel/scratch.ts";
import { parseHierarchies, readCgroupLayout } from "./cgroups.ts";

test("parseHierarchies() names every v1 hierarchy, in order", () => {
  const text = "12:cpu,cpuacct:/a\n5:name=systemd:/user.slice\n4:memory:/\n0::/init.scope\n";
  assert.deepEqual(parseHierarchies(text), [
    { name: "cpu,cpuacct", options: ["cpu", "cpuacct"] },
    { name: "systemd", options: ["name=systemd"] },
    { name: "memory", options: ["memory"] },
  ]);
});

test("parseHierarchies() finds none where there is only cgroup2, or nothing", () => {
  for (const text of ["", "\n", "0::/\n", "0::/a:b\n", "nonsense"]) assert.deepEqual(parseHierarchies(text), [], text);
});

test("parseHierarchies() is not led astray by the path of a cgroup", () => {
  assert.deepEqual(parseHierarchies("4:memory:/a:b,c=d\n"), [{ name: "memory", options: ["memory"] }]);
});

test("parseHierarchies() gives a list, whatever the text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const { name, options } of parseHierarchies(text)) assert.ok(!name.includes("\n") && options.length > 0);
    }),
  );
});

test("readCgroupLayout() tells one of the three layouts of this machine, the same each time", () => {
  withoutLeaks(() => {
    const layout = readCgroupLayout();
    assert.ok(["v1", "v2", "none"].includes(layout.mode));
    assert.deepEqual(readCgroupLayout(), layout);
  });
});
