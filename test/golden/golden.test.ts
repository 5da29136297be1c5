import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { cases } from "./cases.ts";
import { testGoldenPlans } from "./golden.ts";

testGoldenPlans((path) => readFileSync(new URL(path, import.meta.url), "utf8"));

test("every folder of a golden plan is a case, and every case has its folder", () => {
  const folders = readdirSync(new URL(".", import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  assert.deepEqual(folders.sort(), Object.keys(cases).sort());
});
