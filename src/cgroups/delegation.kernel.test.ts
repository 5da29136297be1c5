import assert from "node:assert/strict";
import { test } from "node:test";
import { enter, noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { idle, withChild, withoutLeaks } from "../../test/kernel/scratch.ts";
import { O_PATH } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, open } from "../linux/file.ts";
import { enableControllers, giveTo, offerControllers, withdrawControllers } from "./delegation.ts";
import { readFile } from "./directory.ts";

const anId = 12_345;

/** The cgroup2 directory of a new cgroup, where this host has one. */
function withV2(action: (v2: Fd, enterIt: (pid: number) => void) => void): void {
  withoutLeaks(() => {
    withCgroup((make, record) => {
      using cgroup = make();
      if (cgroup.v2 !== undefined) action(cgroup.v2, (pid) => enter(record, pid));
    });
  });
}

test("enableControllers() refuses a cgroup with processes, and leaves it as it is", { skip: noCgroups }, () => {
  withV2((v2, enterIt) => {
    withChild(idle, ({ pid }) => {
      enterIt(pid);
      assert.throws(() => enableControllers(v2, ["pids"]), {
        name: "BoxError",
        message: /^the parent cgroup has processes of its own, .*\(pids\): cgroup v2 allows no internal processes$/,
      });
      assert.equal(readFile(v2, "cgroup.type"), "domain\n");
      enableControllers(v2, []);
    });
  });
});

test("enableControllers() says so when the cgroup was not given a controller", { skip: noCgroups }, () => {
  withV2((v2) => {
    const missing = ["memory", "pids", "cpu", "cpuset"].find(
      (name) => !readFile(v2, "cgroup.controllers").includes(name),
    );
    if (missing === undefined) return;
    assert.throws(() => enableControllers(v2, [missing]), {
      name: "BoxError",
      message: `the parent cgroup was not given all of the controllers ${missing}`,
    });
  });
});

test("offerControllers() gives what there is where nobody is in the way, withdrawControllers() takes it back", {
  skip: noCgroups,
}, () => {
  const words = (v2: Fd, name: string): string[] => readFile(v2, name).split(/\s+/).filter(Boolean);
  withV2((v2) => {
    const there = words(v2, "cgroup.controllers");
    offerControllers(v2, ["nosuch", ...there]);
    assert.deepEqual(words(v2, "cgroup.subtree_control").sort(), there.sort());
    withdrawControllers(v2);
    assert.deepEqual(words(v2, "cgroup.subtree_control"), []);
  });
  withV2((v2, enterIt) => {
    withChild(idle, ({ pid }) => {
      enterIt(pid);
      offerControllers(v2, words(v2, "cgroup.controllers"));
      assert.deepEqual(words(v2, "cgroup.subtree_control"), []);
    });
  });
});

test("giveTo() hands over the directory and the files for making cgroups, and none that limits it", {
  skip: noCgroups,
}, () => {
  withV2((v2) => {
    giveTo(v2, anId);
    const owner = (name: string): number => {
      using file = open(v2, name, O_PATH);
      return fstat(file, name).uid;
    };
    assert.deepEqual(
      [".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "cgroup.max.depth", "cgroup.freeze"].map(owner),
      [anId, anId, anId, anId, 0, 0],
    );
  });
});
