import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "./schemata.ts";

const file = "    MB:0=  20;1= 100\n    L3:0=007ff;1=0001f\n";

test("matches() compares the domains that a line names", () => {
  for (const line of ["L3:0=7ff;1=1f", "L3:1=1f", "L3:0=0x7FF", "MB:0=20", "MB:1=100;0=20", "L3: 0 = 7ff"]) {
    assert.equal(matches(file, line), true, line);
  }
});

test("matches() finds what differs, or is not there", () => {
  for (const line of ["L3:0=7fe", "L3:2=7ff", "L2:0=f", "MB:0=2", "MB:0=200", "", "L3"]) {
    assert.equal(matches(file, line), false, line);
  }
});
