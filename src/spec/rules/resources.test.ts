import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter } from "./verdict.ts";

/** What is said of resources, without the path that all share. */
function said(resources: object): string[] {
  const prefix = "linux.resources.";
  return verdictAfter(put("linux.resources", resources)).map((text) => {
    const own = text.replace(/^warning: /, "");
    assert.ok(own.startsWith(prefix));
    return own.slice(prefix.length);
  });
}

test("resourceRules() want memory with -1 as the only negative number", () => {
  for (const name of ["limit", "reservation", "kernel", "kernelTCP"]) {
    assert.deepEqual(said({ memory: { [name]: -1 } }), []);
    assert.deepEqual(said({ memory: { [name]: -2 } }), [
      `memory.${name}: must be a number of bytes, or -1 for no limit, not -2`,
    ]);
  }
});

test("resourceRules() want swap that includes a memory limit", () => {
  assert.deepEqual(said({ memory: { limit: 10, swap: 10n } }), []);
  assert.deepEqual(said({ memory: { limit: 10, swap: -1 } }), []);
  assert.deepEqual(said({ memory: { limit: 10, swap: 0 } }), []);
  assert.deepEqual(said({ memory: { limit: 1, swap: 1 } }), []);
  assert.deepEqual(said({ memory: { swap: 0 } }), []);
  assert.equal(said({ memory: { swap: 1 } }).length, 1);
  assert.equal(said({ memory: { limit: 2, swap: 1 } }).length, 1);
  assert.deepEqual(said({ memory: { limit: 9007199254740993n, swap: 9007199254740992n } }), [
    "memory.swap: must be at least memory.limit 9007199254740993, which it includes, not 9007199254740992",
  ]);
  for (const limit of [{}, { limit: -1 }, { limit: 0 }]) {
    assert.deepEqual(said({ memory: { ...limit, swap: 5 } }), ["memory.swap: needs memory.limit, which it includes"]);
  }
});

test("resourceRules() want a burst up to the quota", () => {
  assert.deepEqual(said({ cpu: { quota: 100, burst: 100n } }), []);
  for (const quota of [-1, 0]) assert.deepEqual(said({ cpu: { quota, burst: 100 } }), []);
  assert.deepEqual(said({ cpu: { quota: 100n, burst: 101 } }), ["cpu.burst: must be at most the quota 100, not 101"]);
});

test("resourceRules() want lists of CPUs and memory nodes", () => {
  assert.deepEqual(said({ cpu: { cpus: "0-3,7", mems: "0" } }), []);
  assert.deepEqual(said({ cpu: { cpus: "x", mems: "1-0" } }), [
    'cpu.cpus: must be a list of numbers and ranges such as 0-3,7, not "x"',
    'cpu.mems: must be a list of numbers and ranges such as 0-3,7, not "1-0"',
  ]);
});

test("resourceRules() warn of numbers of devices without a type that has some", () => {
  const text = "major and minor mean nothing without type c or b: the rule is for every device";
  const rule = (rest: object) => said({ devices: [{ allow: false, access: "rwm", ...rest }] });
  for (const rest of [{}, { major: -1, minor: -1 }, { type: "c", major: 1 }, { type: "a" }])
    assert.deepEqual(rule(rest), [], JSON.stringify(rest));
  for (const rest of [{ major: 1 }, { minor: 0 }, { type: "a", major: 1, minor: 3 }])
    assert.deepEqual(rule(rest), [`devices[0]: ${text}`], JSON.stringify(rest));
});

test("resourceRules() want r, w and m as access to devices", () => {
  const rule = (access: string) => ({ devices: [{ allow: true }, { allow: true, access }] });
  for (const access of ["r", "rwm", "mw"]) assert.deepEqual(said(rule(access)), []);
  for (const access of ["", "x", "rwx", "r w", "rw\n"]) {
    const text = `devices[1].access: must be made of the letters r, w and m, not ${JSON.stringify(access)}`;
    assert.deepEqual(said(rule(access)), [text]);
  }
});

test("resourceRules() want a weight in every entry of weightDevice", () => {
  const number = { major: 8, minor: 0 };
  const weights = [{ ...number, weight: 10 }, { ...number, leafWeight: 10 }, number];
  assert.deepEqual(said({ blockIO: { weightDevice: weights } }), [
    "blockIO.weightDevice[2]: needs weight or leafWeight",
  ]);
});

test("resourceRules() want page sizes such as 2MB", () => {
  for (const pageSize of ["64KB", "2MB", "1GB", "100000000KB"])
    assert.deepEqual(said({ hugepageLimits: [{ pageSize, limit: 1 }] }), []);
  for (const pageSize of ["", "0MB", "1000000000KB", "2M", "2mb", "2TB", "2MB\n", "../2MB"]) {
    assert.equal(said({ hugepageLimits: [{ pageSize, limit: 1 }] }).length, 1, pageSize);
  }
});

test("resourceRules() want rdma limits, and names that are one word", () => {
  assert.deepEqual(
    said({ rdma: { mlx5_1: { hcaHandles: 1 } }, network: { priorities: [{ name: "eth0", priority: 1 }] } }),
    [],
  );
  assert.deepEqual(said({ rdma: { mlx5_1: {} } }), ['rdma["mlx5_1"]: needs hcaHandles or hcaObjects']);
  assert.deepEqual(said({ rdma: { "a b": { hcaObjects: 1 } } }), ['rdma["a b"]: must be the name of a device']);
  assert.deepEqual(said({ network: { priorities: [{ name: "a\nb", priority: 1 }] } }), [
    'network.priorities[0].name: must be the name of a network device, not "a\\nb"',
  ]);
});

test("resourceRules() want keys of unified that stay in the cgroup", () => {
  assert.deepEqual(said({ unified: { "memory.high": "1\n2" } }), []);
  for (const key of ["", ".", "..", "../memory.max", "a/b"]) {
    const text = `unified["${key}"]: must be the name of a cgroup file without "/", such as memory.high`;
    assert.deepEqual(said({ unified: { [key]: "1" } }), [text]);
  }
});

test("resourceRules() keep the files out of unified that act on processes", () => {
  for (const file of ["procs", "threads", "kill", "freeze", "subtree_control", "type"]) {
    const text = `unified["cgroup.${file}"]: is no limit: box itself writes this file`;
    assert.deepEqual(said({ unified: { [`cgroup.${file}`]: "1" } }), [text]);
  }
  assert.deepEqual(said({ unified: { "cgroup.max.depth": "1", "cgroup.pressure": "0" } }), []);
});
