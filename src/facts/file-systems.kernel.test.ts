import assert from "node:assert/strict";
import { test } from "node:test";
import { fileSystemsIn } from "./file-systems.ts";

test("fileSystemsIn() reads what is marked nodev and what is not", () => {
  assert.deepEqual([...fileSystemsIn("nodev\tproc\n\text4\n")].slice(0, 2), ["proc", "ext4"]);
});
