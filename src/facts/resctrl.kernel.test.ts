import assert from "node:assert/strict";
import { test } from "node:test";
import { resctrlIn } from "./resctrl.ts";

test("resctrlIn() finds the mount point, wherever it is", () => {
  const line = (point: string, rest: string) => `36 25 0:31 / ${point} rw,relatime shared:15 - ${rest}\n`;
  assert.equal(resctrlIn(""), undefined);
  assert.equal(resctrlIn(line("/sys/fs/resctrl", "tmpfs resctrl rw")), undefined);
  assert.equal(
    resctrlIn(line("/", "ext4 /dev/sda rw") + line("/sys/fs/resctrl", "resctrl resctrl rw")),
    "/sys/fs/resctrl",
  );
  assert.equal(resctrlIn(line("/mnt/a\\040b", "resctrl none rw")), "/mnt/a b");
});
