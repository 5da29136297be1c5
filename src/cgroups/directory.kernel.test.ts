import assert from "node:assert/strict";
import { test } from "node:test";
import { exists, noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { withoutLeaks } from "../../test/kernel/scratch.ts";
import { BoxError } from "../base/errors.ts";
import { makeDirectories } from "./directory.ts";

test("makeDirectories() removes what it has made when a later step fails", { skip: noCgroups }, () => {
  withCgroup((_make, record) => {
    const [directory] = record.directories;
    assert.ok(directory !== undefined);
    for (const failing of [1, 2]) {
      let prepared = 0;
      const prepare = (): void => {
        prepared++;
        if (prepared === failing) throw new BoxError("no");
      };
      withoutLeaks(() => {
        assert.throws(() => makeDirectories(directory, record.path, prepare), { message: "no" });
      });
      assert.ok(!exists(record, record.path.slice(0, record.path.lastIndexOf("/"))));
    }
  });
});
