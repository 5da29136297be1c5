import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, verdictAfter, without } from "./verdict.ts";

const process = (change: object) => verdictAfter((spec) => Object.assign(spec.process, change));

test("processRules() wants an absolute cwd", () => {
  assert.deepEqual(process({ cwd: "tmp" }), ['process.cwd: must be an absolute path, not "tmp"']);
  assert.deepEqual(process({ cwd: "" }), ['process.cwd: must be an absolute path, not ""']);
});

test("processRules() wants NAME=value in the environment", () => {
  assert.deepEqual(process({ env: ["A=1", "B=", "C==", "D=a=b"] }), []);
  assert.deepEqual(process({ env: ["A=1", "PATH", "=x"] }), [
    'process.env[1]: must be of the form NAME=value, not "PATH"',
    'process.env[2]: must be of the form NAME=value, not "=x"',
  ]);
});

test("processRules() wants ids that the new user namespace maps", () => {
  const user = { uid: 1, gid: 2, additionalGids: [0, 3] };
  const mapped = (spec: Draft) => {
    spec.process.user = user;
    spec.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
  };
  assert.deepEqual(verdictAfter(mapped), [
    "process.user.uid: must be mapped by linux.uidMappings, but 1 is not",
    "process.user.gid: must be mapped by linux.gidMappings, but 2 is not",
    "process.user.additionalGids[1]: must be mapped by linux.gidMappings, but 3 is not",
  ]);
  const kept = (spec: Draft) => {
    mapped(spec);
    spec.annotations = { "run.oci.keep_original_groups": "1" };
  };
  assert.equal(verdictAfter(kept).length, 2);
  assert.deepEqual(process({ user }), []);
  const joined = (spec: Draft) => {
    mapped(spec);
    spec.linux.namespaces[5].path = "/proc/1/ns/user";
  };
  assert.deepEqual(verdictAfter(joined), []);
});

test("processRules() refuses a limit that is given twice or has soft above hard", () => {
  const limit = (type: string, soft: number | bigint, hard: number | bigint) => ({ type, soft, hard });
  assert.deepEqual(process({ rlimits: [limit("RLIMIT_CPU", 5, 2n ** 64n - 1n), limit("RLIMIT_AS", 5, 5)] }), []);
  assert.deepEqual(process({ rlimits: [limit("RLIMIT_CPU", 5, 5), limit("RLIMIT_CPU", 5, 5)] }), [
    "process.rlimits[1].type: must be given once, but RLIMIT_CPU is there twice",
  ]);
  assert.deepEqual(process({ rlimits: [limit("RLIMIT_CPU", 9007199254740993n, 9007199254740992n)] }), [
    "process.rlimits[0].soft: must be at most the hard limit 9007199254740992, not 9007199254740993",
  ]);
});

test("processRules() warns of capabilities that are unknown or cannot be granted", () => {
  const sets = { permitted: ["CAP_KILL", "CAP_BPF"], inheritable: ["CAP_KILL"], bounding: ["CAP_NOPE"] };
  assert.deepEqual(process({ capabilities: { ...sets, effective: ["CAP_CHOWN"], ambient: ["CAP_KILL", "CAP_BPF"] } }), [
    'warning: process.capabilities.bounding[0]: unknown capability "CAP_NOPE"',
    'warning: process.capabilities.effective[0]: "CAP_CHOWN" is not permitted',
    'warning: process.capabilities.ambient[1]: "CAP_BPF" is not both permitted and inheritable',
  ]);
});

test("processRules() wants lists of CPUs", () => {
  assert.deepEqual(process({ execCPUAffinity: { initial: "", final: "0-3, 7" } }), []);
  assert.deepEqual(process({ execCPUAffinity: { initial: "3-1", final: "a" } }), [
    'process.execCPUAffinity.initial: must be a list of numbers and ranges such as 0-3,7, not "3-1"',
    'process.execCPUAffinity.final: must be a list of numbers and ranges such as 0-3,7, not "a"',
  ]);
  for (const list of ["1,", ",1", "1-2-3", "-1", "1-", "0x1", "1\n2", "9999999999"]) {
    assert.equal(process({ execCPUAffinity: { initial: list } }).length, 1, list);
  }
});

test("processRules() wants labels of one line", () => {
  assert.deepEqual(process({ apparmorProfile: "a\nb", selinuxLabel: "c\nd" }), [
    'process.apparmorProfile: must be a single line, not "a\\nb"',
    'process.selinuxLabel: must be a single line, not "c\\nd"',
  ]);
});

test("schedulerRule() knows which attribute belongs to which policy", () => {
  const scheduler = (attributes: object) => process({ scheduler: attributes });
  for (const right of [
    { policy: "SCHED_OTHER", nice: -20 },
    { policy: "SCHED_BATCH", nice: 19, priority: 0 },
    { policy: "SCHED_FIFO", priority: 1 },
    { policy: "SCHED_RR", priority: 99 },
    { policy: "SCHED_IDLE", runtime: 0n },
    { policy: "SCHED_DEADLINE", runtime: 1024, deadline: 2000n, period: 2000 },
    { policy: "SCHED_DEADLINE", runtime: 1024, deadline: 1024 },
    { policy: "SCHED_DEADLINE", runtime: 1024, deadline: 1024, period: 0 },
  ]) {
    assert.deepEqual(scheduler(right), []);
  }
  assert.deepEqual(scheduler({ policy: "SCHED_OTHER", nice: 20 }), [
    "process.scheduler.nice: must be from -20 to 19, not 20",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_OTHER", nice: -21 }), [
    "process.scheduler.nice: must be from -20 to 19, not -21",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_FIFO" }), [
    "process.scheduler.priority: must be from 1 to 99 with SCHED_FIFO, not 0",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_RR", priority: 100 }), [
    "process.scheduler.priority: must be from 1 to 99 with SCHED_RR, not 100",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_BATCH", priority: 1 }), [
    "process.scheduler.priority: must be 0 or absent with SCHED_BATCH, not 1",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_OTHER", runtime: 1, deadline: 1n, period: 1 }), [
    "process.scheduler.runtime: needs the policy SCHED_DEADLINE, not SCHED_OTHER",
    "process.scheduler.deadline: needs the policy SCHED_DEADLINE, not SCHED_OTHER",
    "process.scheduler.period: needs the policy SCHED_DEADLINE, not SCHED_OTHER",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_DEADLINE" }), [
    "process.scheduler.runtime: must be at least 1024 ns, not 0",
  ]);
  assert.deepEqual(scheduler({ policy: "SCHED_DEADLINE", runtime: 3000, deadline: 2000, period: 1999 }), [
    "process.scheduler.deadline: must be at least the runtime 3000, not 2000",
    "process.scheduler.period: must be at least the deadline 2000, not 1999",
  ]);
});

test("processRules() does not ask about mappings when there is no user namespace", () => {
  const said = verdictAfter((spec) => {
    without(spec, "user");
    spec.process.user.uid = 5;
  });
  assert.deepEqual(said, []);
});
