import assert from "node:assert/strict";
import { test } from "node:test";
import { below, mountsIn } from "./mountinfo.ts";

const mountinfo = `30 1 0:5 / / rw - ext4 disk rw
45 30 0:7 / /mnt/a rw - tmpfs tmpfs rw
50 46 0:8 / /mnt/a/b\\040c/d rw - tmpfs tmpfs rw
46 45 0:9 /bus /mnt/a/b\\040c rw shared:3 - proc proc rw
47 30 0:9 / /mnt/ab rw - tmpfs tmpfs rw
`;

test("mountsIn() reads the columns", () => {
  const mounts = mountsIn(mountinfo);
  assert.equal(mounts.length, 5);
  assert.deepEqual(mounts[3], { id: 46n, parent: 45n, root: "/bus", point: "/mnt/a/b c", type: "proc" });
});

test("below() finds the mounts of a tree by their parents, whatever their order", () => {
  const mounts = mountsIn(mountinfo);
  const pathsBelow = (id: bigint) => below(mounts, id).map(({ point }) => point);
  assert.deepEqual(pathsBelow(45n), ["/mnt/a/b c/d", "/mnt/a/b c"]);
  assert.deepEqual(pathsBelow(30n), ["/mnt/a", "/mnt/a/b c/d", "/mnt/a/b c", "/mnt/ab"]);
  assert.deepEqual(pathsBelow(47n), []);
  assert.deepEqual(pathsBelow(99n), []);
});
