import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeKept,
  decodeMounts,
  decodeProcess,
  decodeResources,
  decodeSpec,
  inspectSpec,
  validateProcess,
  validateResources,
} from "./decode.ts";
import { defaultSpec } from "./default.ts";
import { format } from "./findings.ts";

const spec = defaultSpec();
const text = JSON.stringify(spec);

/** The text of the default configuration after a change. */
// biome-ignore lint/suspicious/noExplicitAny: a test writes what the types forbid.
function changed(change: (draft: any) => void): string {
  const draft = JSON.parse(text);
  change(draft);
  return JSON.stringify(draft);
}

test("decodeSpec() returns what the text says", () => {
  assert.deepEqual(decodeSpec(text), JSON.parse(text));
});

test("decodeSpec() keeps every bit of 64-bit integers", () => {
  const limits = '[{"type":"RLIMIT_NOFILE","soft":9007199254740993,"hard":18446744073709551615}]';
  const rlimits = decodeSpec(text.replace(/"rlimits":\[.*?\]/, `"rlimits":${limits}`)).process?.rlimits;
  assert.deepEqual(rlimits, [{ type: "RLIMIT_NOFILE", soft: 9007199254740993n, hard: 18446744073709551615n }]);
  const over = text.replace(/"hard":1024/, '"hard":18446744073709551616');
  assert.throws(() => decodeSpec(over), {
    message: "process.rlimits[0].hard: must be an integer from 0 to 18446744073709551615, not 18446744073709551616",
  });
  const uid = text.replace('"uid":0', '"uid":18446744073709551616');
  assert.throws(() => decodeSpec(uid), {
    message: "process.user.uid: must be an integer from 0 to 4294967294, not 18446744073709551616",
  });
});

test("decodeKept() gives what decodeSpec() gave, and asks for the shape", () => {
  const limits = text.replace('"hard":1024', '"hard":18446744073709551615');
  for (const kept of [limits, changed((draft) => delete draft.process.user)])
    assert.deepEqual(decodeKept(kept), decodeSpec(kept));
  assert.throws(() => decodeKept("{}"), { message: /^root: is required|^ociVersion: is required/ });
  assert.throws(() => decodeKept(text.slice(1)), { message: /^invalid JSON/ });
});

test("decodeSpec() names the property and what is allowed", () => {
  const cases: [(draft: ReturnType<typeof JSON.parse>) => void, string][] = [
    [(draft) => delete draft.root, "root: is required"],
    [(draft) => delete draft.process.cwd, "process.cwd: is required"],
    [(draft) => delete draft.process.args, "process.args: is required"],
    [(draft) => draft.process.args.pop(), "process.args: must not be empty"],
    [(draft) => Object.assign(draft.process, { cwd: "tmp" }), 'process.cwd: must be an absolute path, not "tmp"'],
    [
      (draft) => Object.assign(draft.process.user, { gid: -1 }),
      "process.user.gid: must be an integer from 0 to 4294967294, not -1",
    ],
    [
      (draft) => Object.assign(draft.process.user, { gid: 4294967295 }),
      "process.user.gid: must be an integer from 0 to 4294967294, not 4294967295",
    ],
    [
      (draft) => Object.assign(draft.linux.namespaces[2], { type: "foo" }),
      'linux.namespaces[2].type: must be one of mount, pid, network, uts, ipc, user, cgroup, time, not "foo"',
    ],
    [(draft) => Object.assign(draft, { mounts: { length: 0 } }), "mounts: must be an array, not an object"],
    [(draft) => Object.assign(draft, { hostname: "a\0b" }), 'hostname: must not contain a NUL character: "a\\u0000b"'],
    [(draft) => Object.assign(draft, { annotations: { "a\n": 1 } }), 'annotations["a\\n"]: must be a string, not 1'],
  ];
  for (const [change, message] of cases)
    assert.throws(() => decodeSpec(changed(change)), { name: "BoxError", message });
});

test("decodeSpec() refuses a document that is no object", () => {
  assert.throws(() => decodeSpec("[]"), { message: "must be an object, not an array" });
  assert.throws(() => decodeSpec("null"), { message: "must be an object, not null" });
  assert.throws(() => decodeSpec(""), { message: /^invalid JSON at line 1, column 1/ });
  assert.throws(() => decodeSpec(" ".repeat(16 * 1024 * 1024 + 1)), { message: /longer than 16777216/ });
});

test("decodeSpec() ignores what it does not know, at every level", () => {
  const unknown = { anything: [1, null, { "\ud800": "\0" }], big: 1e300 };
  const strange = changed((draft) => {
    Object.assign(draft, { unknown, windows: 5, vm: [] });
    for (const part of [draft.process, draft.linux, draft.root, draft.mounts[0], draft.process.user]) {
      Object.assign(part, { unknown, commandLine: 5 });
    }
  });
  assert.equal(decodeSpec(strange).hostname, "box");
});

test("decodeSpec() is not misled by names that objects have by nature", () => {
  const strange = text.replace(
    "{",
    '{"__proto__":{"root":{"path":"x"}},"constructor":1,"annotations":{"__proto__":"a"},',
  );
  const decoded = decodeSpec(strange);
  assert.deepEqual(Object.entries(decoded.annotations ?? {}), [["__proto__", "a"]]);
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
  assert.throws(() => decodeSpec('{"__proto__":{"root":{"path":"x"}},"ociVersion":"1.0.0"}'), {
    message: "root: is required",
  });
});

test("decodeSpec() takes a missing user for root of the container", () => {
  assert.deepEqual(decodeSpec(changed((draft) => delete draft.process.user)).process?.user, { uid: 0, gid: 0 });
});

test("decodeSpec() hands over warnings, and only when nothing is refused", () => {
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const odd = changed((draft) => draft.process.capabilities.bounding.push("CAP_X\n"));
  decodeSpec(odd, warn);
  assert.deepEqual(warnings, ['process.capabilities.bounding[3]: unknown capability "CAP_X\\n"']);
  assert.throws(() => decodeSpec(odd.replace('"cwd":"/"', '"cwd":"x"'), warn));
  assert.equal(warnings.length, 1);
});

test("inspectSpec() reports everything, also of a text that is not JSON", () => {
  const { findings } = inspectSpec(
    changed((draft) => {
      Object.assign(draft.process, { cwd: "x", env: ["y"] });
      draft.process.capabilities.bounding.push("CAP_X");
    }),
  );
  assert.deepEqual(findings.problems.map(format), [
    'process.cwd: must be an absolute path, not "x"',
    'process.env[0]: must be of the form NAME=value, not "y"',
  ]);
  assert.equal(findings.warnings.length, 1);
  assert.match(inspectSpec("{").findings.problems.map(format).join(), /^invalid JSON at line 1, column 2/);
});

test("decodeProcess() judges a process of exec by the container's configuration", () => {
  assert.deepEqual(decodeProcess(JSON.stringify(spec.process), spec), spec.process);
  assert.throws(() => decodeProcess('{"args":["a"],"cwd":"x","user":{"uid":0,"gid":0}}', spec), {
    message: 'cwd: must be an absolute path, not "x"',
  });
  assert.throws(() => decodeProcess("{}", spec), { message: "args: is required; cwd: is required" });
  const rootless = defaultSpec({ uid: 1000, gid: 1000 });
  assert.throws(() => decodeProcess('{"args":["a"],"cwd":"/","user":{"uid":5,"gid":0}}', rootless), {
    message: "user.uid: must be mapped by linux.uidMappings, but 5 is not",
  });
  assert.throws(() => decodeProcess(" ".repeat(1024 * 1024 + 1), spec), { message: /longer than 1048576/ });
});

test("decodeResources() and decodeMounts() apply their own rules", () => {
  assert.deepEqual(decodeResources('{"memory":{"swap":5},"pids":{"limit":-1}}'), {
    memory: { swap: 5 },
    pids: { limit: -1 },
  });
  assert.throws(() => decodeResources('{"pids":{}}'), { message: "pids.limit: is required" });
  assert.throws(() => decodeResources('{"cpu":{"quota":1,"burst":2}}'), {
    message: "cpu.burst: must be at most the quota 1, not 2",
  });
  assert.deepEqual(decodeMounts('[{"destination":"/a"}]', spec), [{ destination: "/a" }]);
  assert.throws(() => decodeMounts('[{"destination":"/a"},{}]', spec), { message: "[1].destination: is required" });
  assert.throws(() => decodeMounts('[{"destination":"/a","options":["bind"]}]', spec), {
    message: "[0].source: is required for a bind mount",
  });
});

test("validateProcess() and validateResources() judge values as decoding does", () => {
  const process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } };
  assert.equal(validateProcess(process, spec), process);
  assert.throws(() => validateProcess({ ...process, cwd: "a\0" }, spec), {
    message: /^process.cwd: must not contain a NUL/,
  });
  assert.throws(() => validateProcess({ ...process, user: { uid: 2 ** 32, gid: 0 } }, spec), {
    message: /^process.user.uid: /,
  });
  assert.throws(() => validateResources({ memory: { limit: 2 ** 60 } }), {
    message: /^resources.memory.limit: must be an integer/,
  });
  assert.throws(() => validateResources({ unified: { "a/b": "1" } }), {
    message: /^resources.unified\["a\/b"\]: must be the name/,
  });
});
