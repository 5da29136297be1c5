import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf } from "./user.ts";

test("countOf() adds up a user's ranges, by name or number", () => {
  const text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\n\nann:x:y\n";
  assert.equal(countOf(text, { uid: 1000, name: "ann" }), 65_546);
  assert.equal(countOf(text, { uid: 1001, name: "bob" }), 65_536);
  assert.equal(countOf(text, { uid: 7, name: "eve" }), 0);
});
