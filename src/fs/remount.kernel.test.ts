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
import { flagsAfter } from "./remount.ts";

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
