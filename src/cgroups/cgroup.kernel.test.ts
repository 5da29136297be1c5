import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { enter, exists, freeze, noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { hanging } from "../../test/kernel/hanging.ts";
import { idle, withChild, withoutLeaks } from "../../test/kernel/scratch.ts";
import { SIGKILL, SIGTERM } from "../linux/constants.ts";
import { mkdir } from "../linux/file.ts";
import { waitReadable } from "../linux/socket.ts";
import { Cgroup } from "./cgroup.ts";
import { deviceLine } from "./device-filter.ts";
import { isFrozen } from "./freezer.ts";
import { cgroupPids, killAndWait, signalAll } from "./processes.ts";
import { removeCgroup } from "./removal.ts";

test("deviceLine() writes a rule as v1's files take it", () => {
  const numbers = { major: undefined, minor: undefined };
  assert.equal(deviceLine({ allow: false, type: "all", ...numbers, access: "rwm" }), "a");
  assert.equal(deviceLine({ allow: true, type: "char", major: 1, minor: 3, access: "rw" }), "c 1:3 rw");
  assert.equal(deviceLine({ allow: true, type: "block", major: 8, minor: undefined, access: "r" }), "b 8:* r");
  assert.equal(deviceLine({ allow: true, type: "char", ...numbers, access: "m" }), "c *:* m");
  assert.equal(deviceLine({ allow: true, type: "char", major: 0, minor: 0, access: "m" }), "c 0:0 m");
});

describe("Cgroup", { skip: noCgroups }, () => {
  test("make() makes it in every hierarchy; removeCgroup() takes it away, and its own parent with it", () => {
    withoutLeaks(() => {
      withCgroup((make, record) => {
        make()[Symbol.dispose]();
        assert.ok(exists(record));
        removeCgroup(record);
        assert.ok(!exists(record));
        assert.ok(!exists(record, record.path.slice(0, record.path.lastIndexOf("/"))));
      });
    });
  });

  test("removeCgroup() leaves a parent that others live in, and is content with what is gone", () => {
    withCgroup((make, record) => {
      make()[Symbol.dispose]();
      const neighbour = { ...record, path: `${record.path}2` };
      for (const { mount } of record.directories) mkdir("cwd", `${mount}${neighbour.path}`, 0o755);
      removeCgroup(record);
      removeCgroup(record);
      assert.ok(!exists(record));
      assert.ok(exists(neighbour));
      removeCgroup(neighbour);
    });
  });

  test("removeCgroup() takes away what the container has made below", () => {
    withCgroup((make, record) => {
      make()[Symbol.dispose]();
      for (const { mount } of record.directories) {
        for (const child of ["a", "a/b", "c"]) mkdir("cwd", `${mount}${record.path}/${child}`, 0o755);
      }
      removeCgroup(record);
      assert.ok(!exists(record));
    });
  });

  test("make() takes one that is there and empty, and refuses one with processes or frozen", () => {
    withCgroup((make, record) => {
      make()[Symbol.dispose]();
      make()[Symbol.dispose]();
      withChild(idle, ({ pid }) => {
        enter(record, pid);
        assert.deepEqual(cgroupPids(record), [pid]);
        assert.throws(make, { name: "BoxError", message: /container's cgroup is not empty: 1 process\(es\) found$/ });
      });
      // A new cpuset has no processors: nothing could enter it.
      const directories = record.directories.filter(({ controllers }) => !controllers.includes("cpuset"));
      const below = { ...record, path: `${record.path}/below`, directories };
      for (const { mount } of directories) mkdir("cwd", `${mount}${below.path}`, 0o755);
      withChild(idle, ({ pid }) => {
        enter(below, pid);
        assert.throws(make, { name: "BoxError", message: /container's cgroup is not empty: 1 process\(es\) found$/ });
      });
      freeze(record);
      assert.throws(make, { name: "BoxError", message: /container's cgroup unexpectedly frozen$/ });
    });
  });

  test("cgroupPids() and signalAll() reach the processes of cgroups below, too", () => {
    withCgroup((make, record) => {
      make()[Symbol.dispose]();
      const { directories } = record;
      const below = { path: `${record.path}/a`, directories, ownParent: false };
      Cgroup.make({ ...below, settings: [], controllers: [], devices: [], owner: undefined, offered: [] })[
        Symbol.dispose
      ]();
      withChild(idle, (first) => {
        withChild(idle, (second) => {
          enter(record, first.pid);
          enter(below, second.pid);
          assert.deepEqual(cgroupPids(record).sort(), [first.pid, second.pid].sort());
          signalAll(record, SIGTERM);
          for (const { pidfd } of [first, second]) assert.ok(waitReadable(pidfd, hanging));
        });
      });
    });
  });

  test("killAndWait() ends frozen processes as well, and is content with none", () => {
    withCgroup((make, record) => {
      killAndWait(record);
      make()[Symbol.dispose]();
      killAndWait(record);
      withChild(idle, (child) => {
        enter(record, child.pid);
        freeze(record);
        signalAll(record, 0);
        assert.ok(isFrozen(record));
        killAndWait(record);
        assert.deepEqual(cgroupPids(record), []);
        assert.ok(waitReadable(child.pidfd, hanging));
      });
    });
  });

  test("signalAll() ends everything at once with SIGKILL", () => {
    withCgroup((make, record) => {
      make()[Symbol.dispose]();
      withChild(idle, (child) => {
        enter(record, child.pid);
        signalAll(record, SIGKILL);
        assert.ok(waitReadable(child.pidfd, hanging));
      });
    });
  });
});
