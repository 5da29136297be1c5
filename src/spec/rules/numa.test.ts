import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter } from "./verdict.ts";

const policy = (memoryPolicy: object) => verdictAfter(put("linux.memoryPolicy", memoryPolicy));
const rdt = (intelRdt: object) => verdictAfter(put("linux.intelRdt", intelRdt));

test("memoryPolicyRule() knows which mode takes nodes", () => {
  for (const mode of ["MPOL_DEFAULT", "MPOL_LOCAL"]) {
    assert.deepEqual(policy({ mode }), []);
    assert.deepEqual(policy({ mode, nodes: "0" }), [`linux.memoryPolicy.nodes: must be absent with ${mode}`]);
  }
  for (const mode of ["MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED_MANY"]) {
    assert.deepEqual(policy({ mode, nodes: "0-1" }), []);
    assert.deepEqual(policy({ mode }), [`linux.memoryPolicy.nodes: is required with ${mode}`]);
  }
  assert.deepEqual(policy({ mode: "MPOL_PREFERRED" }), []);
  assert.deepEqual(policy({ mode: "MPOL_BIND", nodes: "x" }), [
    'linux.memoryPolicy.nodes: must be a list of numbers and ranges such as 0-3,7, not "x"',
  ]);
});

test("memoryPolicyRule() refuses flags that contradict each other", () => {
  const flags = ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"];
  assert.deepEqual(policy({ mode: "MPOL_BIND", nodes: "0", flags: flags.slice(0, 1) }), []);
  assert.deepEqual(policy({ mode: "MPOL_BIND", nodes: "0", flags }), [
    "linux.memoryPolicy.flags: must not have both MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES",
  ]);
});

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
