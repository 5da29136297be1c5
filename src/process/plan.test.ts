import assert from "node:assert/strict";
import { test } from "node:test";
import type { Process } from "../spec/types.ts";
import { planProcess } from "./plan.ts";

const process: Process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } };

test("planProcess() fills in what the configuration leaves out", () => {
  assert.deepEqual(planProcess(process), {
    args: ["sh"],
    env: [],
    activated: undefined,
    cwd: "/",
    uid: 0,
    gid: 0,
    groups: [],
    umask: 0o022,
    limits: [],
    oomScoreAdj: undefined,
    terminal: undefined,
    scheduler: undefined,
    ioPriority: undefined,
    affinity: undefined,
    memoryPolicy: undefined,
    personality: undefined,
  });
});

test("planProcess() hands on what is given", () => {
  const plan = planProcess({
    args: ["/bin/prog", "", "-x"],
    cwd: "/work",
    env: ["A=1", "B="],
    user: { uid: 1, gid: 2, umask: 0, additionalGids: [5, 4, 5] },
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
    oomScoreAdj: 0,
  });
  assert.deepEqual(plan, {
    args: ["/bin/prog", "", "-x"],
    env: ["A=1", "B="],
    activated: undefined,
    cwd: "/work",
    uid: 1,
    gid: 2,
    groups: [5, 4, 5],
    umask: 0,
    limits: [{ type: "RLIMIT_NOFILE", soft: "10", hard: "20" }],
    oomScoreAdj: 0,
    terminal: undefined,
    scheduler: undefined,
    ioPriority: undefined,
    affinity: undefined,
    memoryPolicy: undefined,
    personality: undefined,
  });
});

test("planProcess() sets no groups where the caller's are kept", () => {
  const user = { uid: 1, gid: 2, additionalGids: [3] };
  assert.equal(planProcess({ ...process, user }, {}, { activated: false, groups: true }).groups, undefined);
  assert.deepEqual(planProcess({ ...process, user }, {}, { activated: false, groups: false }).groups, [3]);
});

test("planProcess() keeps every bit of a limit", () => {
  const plan = planProcess({
    ...process,
    rlimits: [{ type: "RLIMIT_CORE", soft: 2n ** 53n + 1n, hard: 2n ** 64n - 1n }],
  });
  assert.deepEqual(plan.limits, [{ type: "RLIMIT_CORE", soft: "9007199254740993", hard: "18446744073709551615" }]);
});

test("planProcess() lets the last value of a variable count", () => {
  const cases: [string[], string[]][] = [
    [
      ["A=1", "B=2", "A=3"],
      ["A=3", "B=2"],
    ],
    [["A=", "A=x=y"], ["A=x=y"]],
    [
      ["A=1", "a=2", "AB=3"],
      ["A=1", "a=2", "AB=3"],
    ],
    [
      ["__proto__=1", "constructor=2"],
      ["__proto__=1", "constructor=2"],
    ],
  ];
  for (const [env, exact] of cases) assert.deepEqual(planProcess({ ...process, env }).env, exact);
});

test("planProcess() gives a terminal its size only where there is one", () => {
  const consoleSize = { height: 24, width: 80 };
  const sizeOf = (change: Partial<Process>) => planProcess({ ...process, ...change }, {}).terminal;
  assert.equal(sizeOf({ consoleSize }), undefined);
  assert.equal(sizeOf({ terminal: false, consoleSize }), undefined);
  assert.deepEqual(sizeOf({ terminal: true }), { size: undefined });
  assert.deepEqual(sizeOf({ terminal: true, consoleSize }), { size: { rows: 24, columns: 80 } });
  assert.deepEqual(sizeOf({ terminal: true, consoleSize: { height: 0, width: 0 } }), { size: undefined });
});

test("planProcess() fills in the attributes that the scheduler's policy leaves out, and keeps every bit", () => {
  const scheduler = (given: Process["scheduler"]) =>
    planProcess({ ...process, ...(given && { scheduler: given }) }, {}).scheduler;
  assert.deepEqual(scheduler({ policy: "SCHED_BATCH", nice: 5 }), {
    ...{ policy: "SCHED_BATCH", nice: 5, priority: 0, flags: [] },
    ...{ runtime: "0", deadline: "0", period: "0" },
  });
  const exact = { runtime: 2n ** 63n - 1n, deadline: 2n ** 63n, period: 2n ** 64n - 1n };
  assert.deepEqual(scheduler({ policy: "SCHED_DEADLINE", flags: ["SCHED_FLAG_RECLAIM"], ...exact }), {
    ...{ policy: "SCHED_DEADLINE", nice: 0, priority: 0, flags: ["SCHED_FLAG_RECLAIM"] },
    ...{ runtime: `${exact.runtime}`, deadline: `${exact.deadline}`, period: `${exact.period}` },
  });
  assert.throws(() => scheduler({ policy: "SCHED_ISO" }), {
    message: "process.scheduler.policy: SCHED_ISO is a name that Linux keeps free",
  });
});

test("planProcess() plans processors only where some are named", () => {
  const affinity = (execCPUAffinity: Process["execCPUAffinity"]) =>
    planProcess({ ...process, ...(execCPUAffinity && { execCPUAffinity }) }, {}).affinity;
  assert.equal(affinity({}), undefined);
  assert.equal(affinity({ initial: "", final: " " }), undefined);
  assert.deepEqual(affinity({ initial: "0-2" }), { initial: [0, 1, 2], final: undefined });
  assert.deepEqual(affinity({ final: "1,3" }), { initial: undefined, final: [1, 3] });
  assert.throws(() => affinity({ initial: "0-8192" }), {
    message: "process.execCPUAffinity.initial: must not go beyond 8191",
  });
});

test("planProcess() takes what the container's every program has", () => {
  const plan = planProcess(process, {
    memoryPolicy: { mode: "MPOL_BIND", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"] },
    personality: { domain: "LINUX32" },
  });
  assert.deepEqual(plan.memoryPolicy, { mode: "MPOL_BIND", nodes: [0, 1], flags: ["MPOL_F_STATIC_NODES"] });
  assert.equal(plan.personality, "LINUX32");
  assert.deepEqual(planProcess(process, { memoryPolicy: { mode: "MPOL_LOCAL" } }).memoryPolicy, {
    ...{ mode: "MPOL_LOCAL", nodes: [], flags: [] },
  });
  assert.throws(() => planProcess(process, { memoryPolicy: { mode: "MPOL_BIND", nodes: "1024" } }), {
    message: "linux.memoryPolicy.nodes: must not go beyond 1023",
  });
});
