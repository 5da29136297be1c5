/** On a tree of ordinary files that looks like resctrl: no kernel here has it. What only the kernel makes is not there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inScratch } from "../../test/kernel/scratch.ts";
import { O_CREAT, O_RDONLY, O_WRONLY } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { list, mkdir, open, read, rmdir, writeAll } from "../linux/file.ts";
import { changeSchemata, enterResctrl, recordResctrl, removeResctrl } from "./apply.ts";
import type { ResctrlOps } from "./ops.ts";

const schemata = "L3:0=7ff;1=7ff\nMB:0=100\n";

/** Makes a directory with the files that the kernel puts into a group. */
function makeGroup(directory: Fd, name: string): void {
  if (name !== ".") mkdir(directory, name, 0o755);
  mkdir(directory, `${name}/mon_groups`, 0o755);
  put(directory, `${name}/schemata`, schemata);
  put(directory, `${name}/tasks`, "");
}

function put(directory: Fd, path: string, text: string): void {
  using file = open(directory, path, O_WRONLY | O_CREAT, 0o600);
  writeAll(file, text);
}

function contentOf(directory: Fd, path: string): string {
  using file = open(directory, path, O_RDONLY);
  return decodeUtf8(read(file, 4096));
}

function inTree(action: (mount: Fd, ops: (change: Partial<ResctrlOps>) => ResctrlOps) => void): void {
  inScratch((mount, path) => {
    makeGroup(mount, ".");
    const ops = {
      mount: path,
      group: "web",
      mayMake: true,
      isOwn: true,
      mustMatch: [],
      schemata: [],
      monitoring: undefined,
    };
    action(mount, (change) => ({ ...ops, ...change }));
  });
}

function groupsIn(mount: Fd): string[] {
  using directory = open(mount, ".", O_RDONLY);
  return list(directory).filter((name) => !["mon_groups", "schemata", "tasks"].includes(name));
}

test("enterResctrl() puts the process into a group that is there, and writes no schemata unless asked to", () => {
  inTree((mount, ops) => {
    makeGroup(mount, "gold");
    const plan = ops({ group: "gold", mayMake: false, isOwn: false });
    const record = recordResctrl(plan);
    assert.deepEqual(record, { mount: plan.mount, group: "gold", ownsGroup: false, monitoring: null });
    enterResctrl(plan, record, 42);
    assert.equal(contentOf(mount, "gold/tasks"), "42");
    assert.equal(contentOf(mount, "gold/schemata"), schemata);
    removeResctrl(record);
    assert.deepEqual(groupsIn(mount), ["gold"]);
  });
});

test("enterResctrl() writes the schemata in order where they match, and refuses a group with others", () => {
  inTree((mount, ops) => {
    makeGroup(mount, "gold");
    const lines = ["L3:0=7ff", "MB:0=100", "L3:1=00001"];
    const plan = ops({ group: "gold", isOwn: false, mustMatch: lines.slice(0, 2), schemata: lines });
    enterResctrl(plan, recordResctrl(plan), 42);
    assert.equal(contentOf(mount, "gold/schemata"), "L3:0=7ff\nMB:0=100\nL3:1=00001\n");
    const other = ops({ group: "gold", isOwn: false, mustMatch: ["L3:0=1"], schemata: ["L3:0=1"] });
    assert.throws(() => enterResctrl(other, recordResctrl(other), 43), {
      message: 'linux.intelRdt: group "gold" has another schema than "L3:0=1"',
    });
    assert.equal(contentOf(mount, "gold/tasks"), "42");
  });
});

test("enterResctrl() takes the default group, which nobody removes", () => {
  inTree((mount, ops) => {
    const plan = ops({ group: "", isOwn: false });
    const record = recordResctrl(plan);
    enterResctrl(plan, record, 42);
    assert.equal(contentOf(mount, "tasks"), "42");
    removeResctrl(record);
    assert.equal(contentOf(mount, "tasks"), "42");
  });
});

test("enterResctrl() refuses a group that is not there and has no schema", () => {
  inTree((mount, ops) => {
    const plan = ops({ group: "gold", mayMake: false, isOwn: false });
    assert.throws(() => enterResctrl(plan, recordResctrl(plan), 42), {
      message: 'linux.intelRdt: there is no group "gold", and no schema to make one with',
    });
    assert.deepEqual(groupsIn(mount), []);
  });
});

test("removeResctrl() takes away what was made for the container: its group, its monitoring group", () => {
  inTree((mount, ops) => {
    const own = ops({});
    const record = recordResctrl(own);
    assert.equal(record.ownsGroup, true);
    // The kernel would have put `tasks` into the group that is made here.
    assert.throws(() => enterResctrl(own, record, 42), /tasks.*ENOENT/);
    assert.deepEqual(groupsIn(mount), ["web"]);
    removeResctrl(record);
    assert.deepEqual(groupsIn(mount), []);
    removeResctrl(record);

    makeGroup(mount, "gold");
    const watched = ops({ group: "gold", isOwn: false, monitoring: "web" });
    const watching = recordResctrl(watched);
    assert.throws(() => enterResctrl(watched, watching, 42), /tasks.*ENOENT/);
    using groups = open(mount, "gold/mon_groups", O_RDONLY);
    assert.deepEqual(list(groups), ["web"]);
    removeResctrl(watching);
    using after = open(mount, "gold/mon_groups", O_RDONLY);
    assert.deepEqual(list(after), []);
    assert.deepEqual(groupsIn(mount), ["gold"]);
  });
});

test("a group of the container's name that is somebody else's is used and left alone", () => {
  inTree((mount, ops) => {
    makeGroup(mount, "web");
    const plan = ops({});
    const record = recordResctrl(plan);
    assert.equal(record.ownsGroup, false);
    enterResctrl(plan, record, 42);
    removeResctrl(record);
    assert.equal(contentOf(mount, "web/tasks"), "42");
  });
});

test("a group that comes into being between the record and the making is refused", () => {
  inTree((mount, ops) => {
    const plan = ops({});
    const record = recordResctrl(plan);
    makeGroup(mount, "web");
    assert.throws(() => enterResctrl(plan, record, 42), { message: 'linux.intelRdt: group "web" is there already' });
  });
});

test("removeResctrl() is content where resctrl is not mounted any more", () => {
  inScratch((directory, path) => {
    mkdir(directory, "gone", 0o755);
    rmdir(directory, "gone");
    removeResctrl({ mount: `${path}/gone`, group: "web", ownsGroup: true, monitoring: "web" });
  });
});

test("changeSchemata() writes lines into the container's own group, and takes them back", () => {
  inTree((mount, ops) => {
    const record = { ...recordResctrl(ops({})), ownsGroup: true };
    assert.throws(() => changeSchemata(record, ["MB:0=20"]), { message: 'linux.intelRdt: group "web" is gone' });
    makeGroup(mount, "web");
    const undo = changeSchemata(record, ["L3:0=1", "MB:0=2"]);
    // A file keeps what is behind; the kernel's takes lines.
    assert.ok(contentOf(mount, "web/schemata").startsWith("L3:0=1\nMB:0=2\n"));
    undo();
    assert.equal(contentOf(mount, "web/schemata"), schemata);
  });
});

test("changeSchemata() leaves a group alone that others share", () => {
  inTree((mount, ops) => {
    makeGroup(mount, "gold");
    const record = recordResctrl(ops({ group: "gold", isOwn: false }));
    assert.throws(() => changeSchemata(record, ["MB:0=20"]), {
      message: 'linux.intelRdt: group "gold" is not the container\'s own',
    });
    assert.equal(contentOf(mount, "gold/schemata"), schemata);
  });
});
