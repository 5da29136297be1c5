import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter } from "./verdict.ts";

const policy = (memoryPolicy: object) => verdictAfter(put("linux.memoryPolicy", memoryPolicy));

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
