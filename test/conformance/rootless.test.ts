/** docs/rootless.md says why tests are skipped as an ordinary user, and nothing else. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { takesRoot } from "../acceptance/harness/takes-root.ts";

test("docs/rootless.md has a row for each reason for which a test takes root, and each is some test's", () => {
  const page = readFileSync("docs/rootless.md", "utf8");
  const [, table = ""] = page.split("| skipped because it takes root |");
  const rows = [...table.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(([, reason]) => reason);
  assert.deepEqual(rows, [...takesRoot]);
  const directory = "test/acceptance";
  const tests = readdirSync(directory).filter((name) => name.endsWith(".test.ts"));
  const source = tests.map((name) => readFileSync(`${directory}/${name}`, "utf8")).join("");
  assert.deepEqual(
    takesRoot.filter((reason) => !source.includes(`"${reason}"`)),
    [],
  );
});
