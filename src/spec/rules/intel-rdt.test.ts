import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter } from "./verdict.ts";

const rdt = (intelRdt: object) => verdictAfter(put("linux.intelRdt", intelRdt));

test("intelRdtRule() wants one line each and the name of one directory", () => {
  assert.deepEqual(rdt({ closID: "/", l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=50", schemata: ["L2:0=f"] }), []);
  assert.deepEqual(rdt({ closID: "group" }), []);
  for (const closID of ["", ".", "..", "a/b", "a\n"]) {
    const text = `linux.intelRdt.closID: must be "/" or the name of a directory, not ${JSON.stringify(closID)}`;
    assert.deepEqual(rdt({ closID }), [text]);
  }
  assert.deepEqual(rdt({ memBwSchema: "L3:0=f" }), ['linux.intelRdt.memBwSchema: must start with "MB:", not "L3:0=f"']);
  assert.deepEqual(rdt({ l3CacheSchema: "a\nb", memBwSchema: "MB:\n", schemata: ["x", "a\nb"] }), [
    'linux.intelRdt.l3CacheSchema: must be a single line, not "a\\nb"',
    'linux.intelRdt.memBwSchema: must be a single line, not "MB:\\n"',
    'linux.intelRdt.schemata[1]: must be a single line, not "a\\nb"',
  ]);
});
