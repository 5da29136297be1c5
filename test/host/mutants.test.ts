/** Deliberate defects (test/mutants) are nowhere but in their own binary; that they fit the sources `make lint` holds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { marker } from "../mutants/rewrite.ts";

test("the release has no mutants", () => {
  const release = readFileSync("build/box", "latin1");
  assert.ok(release.includes("container does not exist"), "texts of the sources are not found where they must be");
  assert.ok(!release.includes(marker) && !release.includes("mutant"));
});
