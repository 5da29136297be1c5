import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../spec/refusal.ts";
import type { Seccomp } from "../spec/types.ts";
import { planSeccomp } from "./plan.ts";

const rule = (names: string[], action: Seccomp["defaultAction"], args?: object[]): object => ({
  names,
  action,
  ...(args === undefined ? {} : { args }),
});
const seccomp = (change: object): Seccomp => ({ defaultAction: "SCMP_ACT_ALLOW", ...change }) as Seccomp;

test("planSeccomp() plans nothing where nothing is asked for", () => {
  assert.equal(planSeccomp(undefined), undefined);
});

test("planSeccomp() takes what decides over the program apart from how it is loaded", () => {
  const syscalls = [rule(["mkdir"], "SCMP_ACT_ERRNO")];
  const plan = planSeccomp(
    seccomp({ defaultErrnoRet: 1, architectures: ["SCMP_ARCH_X86"], syscalls, listenerPath: "/run/agent", flags: [] }),
  );
  assert.deepEqual(plan, {
    profile: { defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1, architectures: ["SCMP_ARCH_X86"], syscalls },
    flags: [],
    listener: undefined,
  });
});

test("planSeccomp() allows speculation unless the configuration has flags, an empty list being some", () => {
  assert.deepEqual(planSeccomp(seccomp({}))?.flags, ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]);
  assert.deepEqual(planSeccomp(seccomp({ flags: ["SECCOMP_FILTER_FLAG_LOG"] }))?.flags, ["SECCOMP_FILTER_FLAG_LOG"]);
});

const agent = { listenerPath: "/run/agent", listenerMetadata: "who" };
const execve = rule(["execve"], "SCMP_ACT_ALLOW");
const notify = rule(["mkdir"], "SCMP_ACT_NOTIFY");

test("planSeccomp() plans a listener where a rule asks the agent", () => {
  const listener = { path: "/run/agent", metadata: "who" };
  assert.deepEqual(planSeccomp(seccomp({ ...agent, syscalls: [notify] }))?.listener, listener);
  const allowing = [notify, rule(["execve", "sendmsg"], "SCMP_ACT_ALLOW")];
  assert.deepEqual(
    planSeccomp(seccomp({ ...agent, defaultAction: "SCMP_ACT_ERRNO", syscalls: allowing }))?.listener,
    listener,
  );
});

test("planSeccomp() refuses a listener that init could not hand over", () => {
  const condition = [{ index: 0, op: "SCMP_CMP_EQ", value: 1 }];
  for (const change of [
    { syscalls: [rule(["mkdir", "sendmsg"], "SCMP_ACT_NOTIFY")] },
    { syscalls: [notify, rule(["sendmsg"], "SCMP_ACT_ERRNO", condition)] },
    { syscalls: [notify, rule(["sendmsg"], "SCMP_ACT_ALLOW"), rule(["sendmsg"], "SCMP_ACT_TRACE", condition)] },
    { defaultAction: "SCMP_ACT_ERRNO", syscalls: [notify, execve] },
    { defaultAction: "SCMP_ACT_ERRNO", syscalls: [notify, execve, rule(["sendmsg"], "SCMP_ACT_ALLOW", condition)] },
  ]) {
    assert.throws(() => planSeccomp(seccomp({ ...agent, ...change })), Refusal, JSON.stringify(change));
  }
});

test("planSeccomp() refuses a filter under which no program could be executed, and no other", () => {
  const condition = [{ index: 0, op: "SCMP_CMP_EQ", value: 1 }];
  const execveBy = (action: Seccomp["defaultAction"], args?: object[]): object => rule(["execve"], action, args);
  const cases: [object, boolean][] = [
    [{ defaultAction: "SCMP_ACT_ERRNO" }, true],
    [{ defaultAction: "SCMP_ACT_KILL", syscalls: [execveBy("SCMP_ACT_TRAP", condition)] }, true],
    [{ syscalls: [execveBy("SCMP_ACT_KILL_PROCESS")] }, true],
    [{ syscalls: [execveBy("SCMP_ACT_ERRNO", condition)] }, false],
    [{ defaultAction: "SCMP_ACT_ERRNO", syscalls: [execveBy("SCMP_ACT_ALLOW", condition)] }, false],
    [{ syscalls: [execveBy("SCMP_ACT_ERRNO"), execveBy("SCMP_ACT_LOG", condition)] }, false],
    [{ defaultAction: "SCMP_ACT_ERRNO", syscalls: [execveBy("SCMP_ACT_TRACE")] }, false],
    [{ defaultAction: "SCMP_ACT_TRACE" }, false],
    [{ defaultAction: "SCMP_ACT_LOG" }, false],
  ];
  for (const [change, isRefused] of cases) {
    const plan = (): unknown => planSeccomp(seccomp(change));
    if (isRefused) assert.throws(plan, Refusal, JSON.stringify(change));
    else assert.notEqual(plan(), undefined, JSON.stringify(change));
  }
});
