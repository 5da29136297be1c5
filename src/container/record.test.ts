import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BoxError } from "../base/errors.ts";
import { stringifyJson } from "../base/json.ts";
import { type ContainerRecord, parseRecord, recordVersion } from "./record.ts";

const full: ContainerRecord = {
  version: recordVersion,
  id: "web",
  ociVersion: "1.3.0",
  bundle: "/bundle",
  rootfs: "/bundle/rootfs",
  annotations: { "org.example": "x", constructor: "y" },
  created: "2026-01-02T03:04:05.678Z",
  phase: "starting",
  bootId: "11111111-2222-3333-4444-555555555555",
  owner: { pid: 12, startTime: "18446744073709551615" },
  init: { pid: 34, startTime: "56", inode: "78" },
  initFile: "8:1:1234",
  cgroup: {
    path: "/box/web",
    ownParent: true,
    directories: [
      { mount: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
      { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
    ],
  },
  resctrl: { mount: "/sys/fs/resctrl", group: "web", ownsGroup: true, monitoring: "web" },
  startable: true,
  listener: { path: "/run/agent", metadata: "who" },
  ownPidNamespace: false,
  newKeyring: true,
  exitStatus: 137,
  uid: 1000,
  hooks: {
    poststart: [{ where: "hooks.poststart[0]", path: "/bin/a", args: ["a", "b"], env: ["A=1"], timeout: 5 }],
    poststop: [{ where: "hooks.poststop[0]", path: "/bin/b", args: [], env: [], timeout: undefined }],
  },
};

/** What a container without anything optional leaves. */
const bare: ContainerRecord = {
  ...full,
  annotations: {},
  phase: "creating",
  owner: null,
  init: null,
  initFile: null,
  cgroup: null,
  listener: null,
  hooks: { poststart: [], poststop: [] },
};

/** One whose cgroup systemd has made. */
const scoped: ContainerRecord = {
  ...full,
  cgroup: {
    path: "/system.slice/box-web.scope",
    ownParent: false,
    directories: [{ mount: "/sys/fs/cgroup", version: 2, controllers: [] }],
    unit: { name: "box-web.scope", bus: "unix:path=/run/dbus/system_bus_socket" },
  },
};

type Json = Record<string, unknown>;

/** The record as JSON with one place of it changed; a change to undefined takes the place away. */
function damagedAt(path: readonly string[], value: unknown): string {
  const copy = JSON.parse(stringifyJson(full)) as Json;
  const parent = path.slice(0, -1).reduce<Json>((inner, step) => inner[step] as Json, copy);
  const name = path.at(-1) as string;
  if (value === undefined) delete parent[name];
  else parent[name] = value;
  return JSON.stringify(copy);
}

function refusal(text: string): string {
  try {
    parseRecord(text);
  } catch (thrown) {
    assert.ok(thrown instanceof BoxError, String(thrown));
    return thrown.message;
  }
  return assert.fail(`accepted: ${text}`);
}

test("parseRecord() reads back what was written, every phase of it", () => {
  for (const record of [full, bare, scoped]) {
    for (const phase of ["creating", "created", "starting", "running"] as const) {
      assert.deepEqual(parseRecord(stringifyJson({ ...record, phase })), { ...record, phase });
    }
  }
});

/** Every field: where it is, what else it may be, and what is called damaged. */
const fields: readonly (readonly [path: string, wrong: readonly unknown[], named: string])[] = [
  ["version", [null, -1, 1.5, "1", true], "state.json is damaged: version"],
  ["id", [null, 1, []], "state.json is damaged: id"],
  ["ociVersion", [null, 1], "state.json is damaged: ociVersion"],
  ["bundle", [null, {}], "state.json is damaged: bundle"],
  ["rootfs", [null, false], "state.json is damaged: rootfs"],
  ["annotations", [null, 1, "x", { a: 1 }, { a: null }, [1]], "state.json is damaged: annotations"],
  ["created", [null, 5], "state.json is damaged: created"],
  ["phase", [null, "", "Created", "paused", "constructor", 0], "state.json is damaged: phase"],
  ["bootId", [null, 1], "state.json is damaged: bootId"],
  ["owner", [1, "x", [], true], "state.json: owner is damaged: not an object"],
  ["owner.pid", [null, 0, -1, 1.5, "1", 2 ** 53], "state.json: owner is damaged: pid"],
  ["owner.startTime", [null, 5, -1], "state.json: owner is damaged: startTime"],
  ["init", [1, "x", [], true], "state.json: init is damaged: not an object"],
  ["init.pid", [null, 0, -1, 1.5, "1", 2 ** 53], "state.json: init is damaged: pid"],
  ["init.startTime", [null, 5], "state.json: init is damaged: startTime"],
  ["init.inode", [null, 5], "state.json: init is damaged: inode"],
  ["initFile", [1, {}, false], "state.json is damaged: initFile"],
  ["cgroup", [1, "x", []], "state.json: cgroup is damaged: not an object"],
  [
    "cgroup.path",
    [null, "", "/", "box/web", "/..", "/box/..", "/box/../..", "/.", "/box/.", "//", "/box//web", "/box/", "..", 1],
    "state.json: cgroup is damaged: path",
  ],
  ["cgroup.ownParent", [null, 0, "true"], "state.json: cgroup is damaged: ownParent"],
  ["cgroup.directories", [null, {}, "x"], "state.json: cgroup is damaged: directories"],
  ["cgroup.directories.0", [null, 1, []], "state.json: cgroup: directories[0] is damaged: not an object"],
  [
    "cgroup.directories.0.mount",
    [null, "", "/", "/etc", "/sys/fs/cgroup/", "/sys/fs/cgroup/..", "/sys/fs/cgroup/a/b", "/sys/fs/cgroupx", 1],
    "state.json: cgroup: directories[0] is damaged: mount",
  ],
  ["cgroup.directories.1.version", [null, 0, 3, "2", 1.5], "state.json: cgroup: directories[1] is damaged: version"],
  [
    "cgroup.directories.0.controllers",
    [null, "cpu", [1], [null]],
    "state.json: cgroup: directories[0] is damaged: controllers",
  ],
  ["resctrl", [1, "x", []], "state.json: resctrl is damaged: not an object"],
  ["resctrl.mount", [null, "", "sys", "/sys/..", 1], "state.json: resctrl is damaged: mount"],
  ["resctrl.group", [null, "a/b", "..", ".", "", 1], "state.json: resctrl is damaged: group"],
  ["resctrl.ownsGroup", [null, 1], "state.json: resctrl is damaged: ownsGroup"],
  ["resctrl.monitoring", [1, "../x", ".."], "state.json: resctrl is damaged"],
  ["startable", [null, 0, "true"], "state.json is damaged: startable"],
  ["listener", [0, "/run/agent", []], "state.json: listener is damaged: not an object"],
  ["listener.path", [null, 0], "state.json: listener is damaged: path"],
  ["listener.metadata", [null, 0], "state.json: listener is damaged: metadata"],
  ["ownPidNamespace", [null, 1], "state.json is damaged: ownPidNamespace"],
  ["newKeyring", [null, 1], "state.json is damaged: newKeyring"],
  ["exitStatus", [-1, "0", 0.5], "state.json is damaged: exitStatus"],
  ["uid", [null, -1, "0", 0.5], "state.json is damaged: uid"],
  ["hooks", [null, 1, []], "state.json: hooks is damaged: not an object"],
  ["hooks.poststart", [null, {}, 1], "state.json: hooks is damaged: poststart"],
  ["hooks.poststop", [null, {}, 1], "state.json: hooks is damaged: poststop"],
  ["hooks.poststart.0", [null, 1], "state.json: hooks: poststart[0] is damaged: not an object"],
  ["hooks.poststart.0.where", [null, 1], "state.json: hooks: poststart[0] is damaged: where"],
  ["hooks.poststart.0.path", [null, 1], "state.json: hooks: poststart[0] is damaged: path"],
  ["hooks.poststart.0.args", [null, "x", [1]], "state.json: hooks: poststart[0] is damaged: args"],
  ["hooks.poststart.0.env", [null, "x", [1]], "state.json: hooks: poststart[0] is damaged: env"],
  ["hooks.poststart.0.timeout", [null, "5", -1, 0.5], "state.json: hooks: poststart[0] is damaged: timeout"],
];

for (const [path, wrong, named] of fields) {
  test(`parseRecord() names ${path} when it is missing or wrong`, () => {
    const steps = path.split(".");
    const isNullable = ["owner", "init", "initFile", "cgroup"].includes(path);
    const isOptional =
      path.endsWith("timeout") ||
      path.endsWith(".0") ||
      ["exitStatus", "init.inode", "listener", "newKeyring", "resctrl", "resctrl.monitoring"].includes(path);
    for (const value of isNullable || !isOptional ? [undefined, ...wrong] : wrong) {
      const said = refusal(damagedAt(steps, value));
      assert.ok(said.startsWith(named), `${JSON.stringify(value)}: ${said}`);
    }
  });
}

test("parseRecord() reads a record from before there were listeners, or groups of resctrl", () => {
  assert.deepEqual(parseRecord(damagedAt(["listener"], undefined)), { ...full, listener: null });
  assert.deepEqual(parseRecord(damagedAt(["resctrl"], undefined)), { ...full, resctrl: null });
});

test("parseRecord() refuses text that is no record at all", () => {
  const cases: [string, RegExp][] = [
    ["", /invalid JSON/],
    ["{", /invalid JSON/],
    [stringifyJson(full).slice(0, -1), /invalid JSON/],
    ["null", /^state\.json is damaged: not an object$/],
    ["[]", /^state\.json is damaged: not an object$/],
    ["1", /^state\.json is damaged: not an object$/],
    ['"x"', /^state\.json is damaged: not an object$/],
    ["{}", /^state\.json is damaged: version is missing or wrong$/],
    [`${"[".repeat(100_000)}`, /nested deeper/],
    ["\0\0\0\0", /invalid JSON/],
  ];
  for (const [text, said] of cases) assert.match(refusal(text), said);
});

test("parseRecord() takes fields from the record alone, not from its prototype", () => {
  const text = JSON.stringify({ ...JSON.parse(stringifyJson(full)), id: undefined }).replace(
    "{",
    '{"__proto__":{"id":"x"},',
  );
  assert.match(refusal(text), /id is missing or wrong/);
});

test("parseRecord() reads as much as the largest configuration's annotations take", () => {
  const record = { ...full, annotations: { big: "x".repeat(4 * 1024 * 1024) } };
  assert.deepEqual(parseRecord(stringifyJson(record)), record);
});

/** A record of a later box: fields of today may be gone, others have come. */
const newer = {
  version: recordVersion + 1,
  init: { pid: 34, startTime: "56", pidfdInode: "99" },
  bootId: full.bootId,
  cgroup: { ...full.cgroup, delegated: true },
  state: { lately: ["invented"] },
};

test("parseRecord() understands of a newer record what kill and delete --force need", () => {
  assert.deepEqual(parseRecord(JSON.stringify(newer)), {
    newer: true,
    version: recordVersion + 1,
    init: { pid: 34, startTime: "56" },
    bootId: full.bootId,
    cgroup: full.cgroup,
    resctrl: null,
  });
});

test("parseRecord() checks what it uses of a newer record", () => {
  const cases: [Json, RegExp][] = [
    [{ bootId: 5 }, /damaged: bootId/],
    [{ init: { pid: -1, startTime: "1" } }, /init is damaged: pid/],
    [{ cgroup: { ...full.cgroup, path: "/../x" } }, /cgroup is damaged: path/],
  ];
  for (const [change, said] of cases) assert.match(refusal(JSON.stringify({ ...newer, ...change })), said);
});

/** Documents that are nearly right: one or several places of a record replaced by anything. */
const nearly = fc
  .array(fc.tuple(fc.constantFrom(...fields.map(([path]) => path)), fc.jsonValue()), { maxLength: 3 })
  .map((changes) => {
    const copy = JSON.parse(stringifyJson(full)) as Json;
    for (const [path, value] of changes) {
      const steps = path.split(".");
      let parent: unknown = copy;
      for (const step of steps.slice(0, -1)) parent = typeof parent === "object" ? (parent as Json)?.[step] : undefined;
      if (typeof parent === "object" && parent !== null) (parent as Json)[steps.at(-1) as string] = value;
    }
    return JSON.stringify(copy);
  });

test("parseRecord() gives a record or a BoxError, whatever the text", () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.json(), fc.string()), (text) => {
      try {
        const record = parseRecord(text);
        assert.ok(Number.isSafeInteger(record.version));
      } catch (thrown) {
        assert.ok(thrown instanceof BoxError, String(thrown));
      }
    }),
    { numRuns: 300 },
  );
});

test("parseRecord() never names a cgroup outside the hierarchies, whatever the text", () => {
  const part = fc.constantFrom("..", ".", "a", "", "box", "sys", "fs", "cgroup", "unified");
  const path = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/"));
  const absolute = fc.oneof(
    path,
    path.map((text) => `/${text}`),
    path.map((text) => `/sys/fs/cgroup/${text}`),
  );
  fc.assert(
    fc.property(absolute, absolute, (where, mount) => {
      const cgroup = { path: where, ownParent: true, directories: [{ mount, version: 2, controllers: [] }] };
      try {
        parseRecord(JSON.stringify({ ...newer, cgroup }));
      } catch {
        return;
      }
      assert.ok(!where.split("/").includes(".."), where);
      assert.ok(mount === "/sys/fs/cgroup" || /^\/sys\/fs\/cgroup\/(?!\.\.$)[^/]+$/.test(mount), mount);
    }),
    { numRuns: 500 },
  );
});
