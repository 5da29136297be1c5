import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { knownOptions, type MountOptions, parseOptions } from "./options.ts";

const none: MountOptions = {
  flags: { set: [], clear: [] },
  recursiveFlags: { set: [], clear: [] },
  propagation: [],
  bind: undefined,
  copyUp: false,
  ids: undefined,
  ranges: undefined,
  sourceLink: "follow",
  onLink: false,
  superblock: [],
  data: [],
};

/** Every word of the specification (config.md, "Linux mount options"), and what differs from no option at all. */
const words: Readonly<Record<string, Partial<MountOptions>>> = {
  async: {},
  atime: { flags: { set: [], clear: [], atime: "relatime" } },
  bind: { bind: "bind" },
  defaults: {},
  dev: { flags: { set: [], clear: ["nodev"] } },
  diratime: { flags: { set: [], clear: ["nodiratime"] } },
  dirsync: { superblock: ["dirsync"] },
  exec: { flags: { set: [], clear: ["noexec"] } },
  idmap: { ids: "idmap" },
  iversion: {},
  lazytime: { superblock: ["lazytime"] },
  loud: {},
  mand: { superblock: ["mand"] },
  noatime: { flags: { set: [], clear: [], atime: "noatime" } },
  nodev: { flags: { set: ["nodev"], clear: [] } },
  nodiratime: { flags: { set: ["nodiratime"], clear: [] } },
  noexec: { flags: { set: ["noexec"], clear: [] } },
  noiversion: {},
  nolazytime: {},
  nomand: {},
  norelatime: { flags: { set: [], clear: [], atime: "strictatime" } },
  nostrictatime: { flags: { set: [], clear: [], atime: "relatime" } },
  nosuid: { flags: { set: ["nosuid"], clear: [] } },
  nosymfollow: { flags: { set: ["nosymfollow"], clear: [] } },
  private: { propagation: [{ kind: "private", recursive: false }] },
  ratime: { recursiveFlags: { set: [], clear: [], atime: "relatime" } },
  rbind: { bind: "rbind" },
  rdev: { recursiveFlags: { set: [], clear: ["nodev"] } },
  rdiratime: { recursiveFlags: { set: [], clear: ["nodiratime"] } },
  relatime: { flags: { set: [], clear: [], atime: "relatime" } },
  remount: {},
  rexec: { recursiveFlags: { set: [], clear: ["noexec"] } },
  ridmap: { ids: "ridmap" },
  rnoatime: { recursiveFlags: { set: [], clear: [], atime: "noatime" } },
  rnodev: { recursiveFlags: { set: ["nodev"], clear: [] } },
  rnodiratime: { recursiveFlags: { set: ["nodiratime"], clear: [] } },
  rnoexec: { recursiveFlags: { set: ["noexec"], clear: [] } },
  rnorelatime: { recursiveFlags: { set: [], clear: [], atime: "strictatime" } },
  rnostrictatime: { recursiveFlags: { set: [], clear: [], atime: "relatime" } },
  rnosuid: { recursiveFlags: { set: ["nosuid"], clear: [] } },
  rnosymfollow: { recursiveFlags: { set: ["nosymfollow"], clear: [] } },
  ro: { flags: { set: ["ro"], clear: [] } },
  rprivate: { propagation: [{ kind: "private", recursive: true }] },
  rrelatime: { recursiveFlags: { set: [], clear: [], atime: "relatime" } },
  rro: { recursiveFlags: { set: ["ro"], clear: [] } },
  rrw: { recursiveFlags: { set: [], clear: ["ro"] } },
  rshared: { propagation: [{ kind: "shared", recursive: true }] },
  rslave: { propagation: [{ kind: "slave", recursive: true }] },
  rstrictatime: { recursiveFlags: { set: [], clear: [], atime: "strictatime" } },
  rsuid: { recursiveFlags: { set: [], clear: ["nosuid"] } },
  rsymfollow: { recursiveFlags: { set: [], clear: ["nosymfollow"] } },
  runbindable: { propagation: [{ kind: "unbindable", recursive: true }] },
  rw: { flags: { set: [], clear: ["ro"] } },
  shared: { propagation: [{ kind: "shared", recursive: false }] },
  silent: {},
  slave: { propagation: [{ kind: "slave", recursive: false }] },
  strictatime: { flags: { set: [], clear: [], atime: "strictatime" } },
  suid: { flags: { set: [], clear: ["nosuid"] } },
  symfollow: { flags: { set: [], clear: ["nosymfollow"] } },
  sync: { superblock: ["sync"] },
  tmpcopyup: { copyUp: true },
  unbindable: { propagation: [{ kind: "unbindable", recursive: false }] },
};

describe("parseOptions() understands", () => {
  for (const [word, meaning] of Object.entries(words)) {
    test(word, () => assert.deepEqual(parseOptions([word]), { ...none, ...meaning }));
  }
});

test("parseOptions() takes every other word for data of the file system, in order", () => {
  const data = [
    ...["size=64k", "mode=0755", "hidepid=2", "lowerdir=/a:/b", "context=x", "newinstance", "a=b=c", "", "=", "RO"],
    ...["rdefaults", "rsync", "rtmpcopyup", "rmand", "rrro", "constructor", "__proto__", "toString", "r"],
  ];
  assert.deepEqual(parseOptions(data), { ...none, data });
});

test("parseOptions() lets the last of contradicting words count", () => {
  const flagsOf = (...options: string[]) => parseOptions(options).flags;
  assert.deepEqual(flagsOf("ro", "rw"), { set: [], clear: ["ro"] });
  assert.deepEqual(flagsOf("rw", "ro"), { set: ["ro"], clear: [] });
  assert.deepEqual(flagsOf("nosuid", "nodev", "suid"), { set: ["nodev"], clear: ["nosuid"] });
  assert.deepEqual(flagsOf("noatime", "strictatime", "relatime"), { set: [], clear: [], atime: "relatime" });
});

test("parseOptions() keeps a mount's own flags and those of its tree apart", () => {
  const { flags, recursiveFlags } = parseOptions(["ro", "rnosuid", "rrw", "noexec"]);
  assert.deepEqual(flags, { set: ["ro", "noexec"], clear: [] });
  assert.deepEqual(recursiveFlags, { set: ["nosuid"], clear: ["ro"] });
});

test("parseOptions() knows crun's words for links and for ranges of ids", () => {
  assert.deepEqual(parseOptions(["copy-symlink"]), { ...none, sourceLink: "copy" });
  assert.deepEqual(parseOptions(["src-nofollow", "dest-nofollow"]), { ...none, sourceLink: "bind", onLink: true });
  assert.deepEqual(parseOptions(["idmap=uids=0-1-2"]), { ...none, ids: "idmap", ranges: "uids=0-1-2" });
  assert.deepEqual(parseOptions(["ridmap="]), { ...none, ids: "ridmap", ranges: "" });
});

test("parseOptions() binds the tree as soon as one word says so", () => {
  assert.equal(parseOptions(["rbind", "bind"]).bind, "rbind");
  assert.equal(parseOptions(["bind", "rbind"]).bind, "rbind");
});

test("parseOptions() keeps propagation in order, as it is applied one after the other", () => {
  assert.deepEqual(parseOptions(["rslave", "shared"]).propagation, [
    { kind: "slave", recursive: true },
    { kind: "shared", recursive: false },
  ]);
});

test("knownOptions() lists every word of the specification that is performed, sorted, and nothing that is data", () => {
  const known = knownOptions();
  assert.deepEqual([...known].filter((word) => Object.hasOwn(words, word)).sort(), Object.keys(words).sort());
  assert.deepEqual(known, [...new Set(known)].sort());
  for (const word of known) assert.deepEqual(parseOptions([word]).data, [], word);
});

test("parseOptions() loses no word, whatever they are", () => {
  const word = fc.oneof(fc.constantFrom(...Object.keys(words)), fc.string());
  fc.assert(
    fc.property(fc.array(word), (options) => {
      const parsed = parseOptions(options);
      const isData = (one: string) => !Object.hasOwn(words, one);
      assert.deepEqual(
        parsed.data,
        options.filter(isData).filter((one) => !knownOptions().includes(one)),
      );
      assert.equal(
        parsed.ids,
        options.findLast((one) => one === "idmap" || one === "ridmap"),
      );
      const last = options.findLast((one) => one === "ro" || one === "rw");
      assert.deepEqual(
        [parsed.flags.set.includes("ro"), parsed.flags.clear.includes("ro")],
        [last === "ro", last === "rw"],
      );
    }),
  );
});
