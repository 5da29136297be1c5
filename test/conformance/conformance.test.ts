/** The table of what box does of config.json names every property, only tests that exist, and stands in the docs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { leafProperties } from "./properties.ts";
import { sections } from "./rows.ts";
import { pages } from "./table.ts";
import { namesOfTests } from "./tests.ts";

const rows = sections.flatMap((section) => section.rows);
const named = rows.flatMap(({ properties = [] }) => properties);

/** `hooks.*[].path` stands for the property of every kind, `process.rlimits[].*` for every member. */
function covers(pattern: string, property: string): boolean {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("\\*", "(?:\\*|\\w+)");
  return new RegExp(`^${source}$`).test(property);
}

test("every property of the schema has a row, and no row names another", () => {
  const properties = leafProperties();
  const missing = properties.filter((property) => !named.some((pattern) => covers(pattern, property)));
  const strange = named.filter((pattern) => !properties.some((property) => covers(pattern, property)));
  assert.deepEqual({ missing, strange }, { missing: [], strange: [] });
});

test("every row has a test, but for what is ignored", () => {
  const without = rows.filter(({ tests, verdict }) => tests.length === 0 && verdict !== "ignored");
  assert.deepEqual(
    without.map(({ what }) => what),
    [],
  );
});

test("every row that is not done says why", () => {
  const silent = rows.filter(({ verdict, reason }) => verdict !== "done" && reason === undefined);
  assert.deepEqual(
    silent.map(({ what }) => what),
    [],
  );
});

test("every test that a row names exists", async () => {
  const known = await namesOfTests();
  const exists = (name: string): boolean =>
    name.endsWith("…") ? [...known].some((one) => one.startsWith(name.slice(0, -1))) : known.has(name);
  const unknown = rows.flatMap(({ tests }) => tests).filter((name) => !exists(name));
  assert.deepEqual(unknown, []);
});

test("docs/conformance.md has the table", () => {
  const { now, wanted } = pages();
  assert.equal(now, wanted, "run test/conformance/update.ts");
});
