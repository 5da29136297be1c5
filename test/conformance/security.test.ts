/** Every test that docs/security.md names exists. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { namesOfTests } from "./tests.ts";

/** The last cells of the tables: names of tests between backticks, their beginnings where they end with `…`. */
function namedTests(page: string): string[] {
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| [^|]*(promise|hole|matter) \|/.test(line));
  return rows.flatMap((row) =>
    [...(row.split(" | ").at(-1) ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

test("every test that docs/security.md names exists", async () => {
  const names = namedTests(readFileSync("docs/security.md", "utf8"));
  const known = [...(await namesOfTests())];
  const unknown = names.filter((name) =>
    name.endsWith("…") ? !known.some((one) => one.startsWith(name.slice(0, -1))) : !known.includes(name),
  );
  assert.ok(names.length > 60, `only ${names.length} names were found`);
  assert.deepEqual(unknown, []);
});
