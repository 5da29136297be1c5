import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
  MS_STRICTATIME,
  ST_NOSYMFOLLOW,
  ST_RELATIME,
} from "../linux/constants.ts";
import { below, flagsAfter, linesOf } from "./remount.ts";

test("flagsAfter() keeps what is neither set nor cleared", () => {
  assert.equal(flagsAfter(MS_NOSUID | ST_RELATIME, MOUNT_ATTR_RDONLY, 0), MS_NOSUID | MS_RDONLY | MS_RELATIME);
  assert.equal(flagsAfter(ST_NOSYMFOLLOW | ST_RELATIME, 0, 0), MS_NOSYMFOLLOW | MS_RELATIME);
  assert.equal(flagsAfter(MS_NOEXEC | MS_NOATIME, 0, MOUNT_ATTR_NOEXEC), MS_NOATIME);
  assert.equal(flagsAfter(ST_NOSYMFOLLOW, 0, MOUNT_ATTR_NOSYMFOLLOW), MS_STRICTATIME);
});

test("flagsAfter() sets how access times are kept, and nothing else of them", () => {
  assert.equal(flagsAfter(ST_RELATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME), MS_NOATIME);
  assert.equal(flagsAfter(MS_NOATIME, 0, MOUNT_ATTR__ATIME), MS_RELATIME);
  assert.equal(
    flagsAfter(MS_NOATIME | MS_NOEXEC, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    MS_NOEXEC | MS_STRICTATIME,
  );
});

const mountinfo = `30 1 0:5 / / rw - ext4 disk rw
45 30 0:7 / /mnt/a rw - tmpfs tmpfs rw
50 46 0:8 / /mnt/a/b\\040c/d rw - tmpfs tmpfs rw
46 45 0:9 / /mnt/a/b\\040c rw shared:3 - tmpfs tmpfs rw
47 30 0:9 / /mnt/ab rw - tmpfs tmpfs rw
`;

test("below() finds the mounts of a tree by their parents, whatever their order", () => {
  const lines = linesOf(mountinfo);
  assert.deepEqual(below(lines, 45n), [
    [50n, "/b c/d"],
    [46n, "/b c"],
  ]);
  assert.deepEqual(
    below(lines, 30n).map(([, path]) => path),
    ["/mnt/a", "/mnt/a/b c/d", "/mnt/a/b c", "/mnt/ab"],
  );
  assert.deepEqual(below(lines, 47n), []);
  assert.deepEqual(below(lines, 99n), []);
});
