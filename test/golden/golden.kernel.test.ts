import assert from "node:assert/strict";
import { O_RDONLY } from "../../src/linux/constants.ts";
import { decodeUtf8 } from "../../src/linux/engine.ts";
import { open, readAll } from "../../src/linux/file.ts";
import { testGoldenPlans } from "./golden.ts";

testGoldenPlans((path) => {
  using file = open("cwd", `test/golden/${path}`, O_RDONLY);
  const bytes = readAll(file, 1 << 20, path);
  assert.ok(bytes !== "too long");
  return decodeUtf8(bytes);
});
