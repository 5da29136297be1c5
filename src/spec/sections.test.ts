import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultSpec } from "./default.ts";
import { sectionOf } from "./sections.ts";

test("sectionOf() takes the longest path that it knows", () => {
  const known: readonly (readonly [path: string, anchor: string])[] = [
    ["mounts[3].destination", "config.md#configMounts"],
    ["mounts[3].options[10]", "config.md#configLinuxMountOptions"],
    ["process.user.uid", "config.md#configPOSIXUser"],
    ["process.cwd", "config.md#configProcess"],
    ['linux.sysctl["net.core.x[1]"]', "config-linux.md#configLinuxSysctl"],
    ["linux.resources.memory.limit", "config-linux.md#configLinuxMemory"],
    ["linux.something", "config-linux.md#linuxContainerConfiguration"],
  ];
  for (const [path, anchor] of known) assert.equal(sectionOf(path), anchor, path);
});

test("sectionOf() knows nothing of the document as a whole and of what is not the specification's", () => {
  for (const path of ["", "constructor", "foo.root", '["root"]']) assert.equal(sectionOf(path), undefined, path);
});

test("sectionOf() knows every property of the default configuration", () => {
  const { linux = {}, ...rest } = defaultSpec();
  const paths = [...Object.keys(rest), ...Object.keys(linux).map((name) => `linux.${name}`)];
  for (const path of paths) assert.notEqual(sectionOf(path), undefined, path);
});
