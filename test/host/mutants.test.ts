/** Deliberate defects (test/mutants) are where they belong, and nowhere else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { mutants } from "../mutants/mutants.ts";
import { marker, rewrite } from "../mutants/rewrite.ts";

test("every mutant has a name of its own and a place in the sources", () => {
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const changed = rewrite((file) => readFileSync(`src/${file}`, "utf8"));
  for (const text of changed.values()) assert.match(text, /mutant === \d+/);
});

test("the release has no mutants", () => {
  const release = readFileSync("build/box", "latin1");
  assert.ok(release.includes("container does not exist"), "texts of the sources are not found where they must be");
  assert.ok(!release.includes(marker) && !release.includes("mutant"));
});
