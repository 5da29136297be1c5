import assert from "node:assert/strict";
import { test } from "node:test";
import type { Process } from "../spec/types.ts";
import { planProcess } from "./plan.ts";

const process: Process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } };

test("planProcess() fills in what the configuration leaves out", () => {
  assert.deepEqual(planProcess(process), {
    args: ["sh"],
    env: [],
    cwd: "/",
    uid: 0,
    gid: 0,
    groups: [],
    umask: 0o022,
    limits: [],
    oomScoreAdj: undefined,
    terminal: undefined,
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
    cwd: "/work",
    uid: 1,
    gid: 2,
    groups: [5, 4, 5],
    umask: 0,
    limits: [{ type: "RLIMIT_NOFILE", soft: "10", hard: "20" }],
    oomScoreAdj: 0,
    terminal: undefined,
  });
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
  const sizeOf = (change: Partial<Process>) => planProcess({ ...process, ...change }).terminal;
  assert.equal(sizeOf({ consoleSize }), undefined);
  assert.equal(sizeOf({ terminal: false, consoleSize }), undefined);
  assert.deepEqual(sizeOf({ terminal: true }), { size: undefined });
  assert.deepEqual(sizeOf({ terminal: true, consoleSize }), { size: { rows: 24, columns: 80 } });
  assert.deepEqual(sizeOf({ terminal: true, consoleSize: { height: 0, width: 0 } }), { size: undefined });
});
