import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter } from "./verdict.ts";

const seccomp = (profile: object) =>
  verdictAfter(put("linux.seccomp", { defaultAction: "SCMP_ACT_ALLOW", ...profile }));
const call = (action: string, errnoRet?: number) => ({
  names: ["bpf"],
  action,
  ...(errnoRet === undefined ? {} : { errnoRet }),
});

test("seccompRule() refuses SCMP_ACT_NOTIFY as the default", () => {
  assert.match(
    seccomp({ defaultAction: "SCMP_ACT_NOTIFY" }).join(),
    /^linux.seccomp.defaultAction: must not be SCMP_ACT_NOTIFY/,
  );
});

test("seccompRule() takes an errno only where the action returns one", () => {
  for (const action of ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"]) {
    assert.deepEqual(seccomp({ defaultAction: action, defaultErrnoRet: 38, syscalls: [call(action, 4095)] }), []);
  }
  for (const action of ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]) {
    const text = `must be absent with ${action}, which returns no errno`;
    assert.deepEqual(seccomp({ defaultAction: action, defaultErrnoRet: 0 }), [
      `linux.seccomp.defaultErrnoRet: ${text}`,
    ]);
    assert.deepEqual(seccomp({ syscalls: [call(action), call(action, 1)] }), [
      `linux.seccomp.syscalls[1].errnoRet: ${text}`,
    ]);
  }
  assert.deepEqual(seccomp({ syscalls: [call("SCMP_ACT_ERRNO", 4096), call("SCMP_ACT_TRACE", 65536)] }), [
    "linux.seccomp.syscalls[0].errnoRet: must be an integer from 0 to 4095, not 4096",
    "linux.seccomp.syscalls[1].errnoRet: must be an integer from 0 to 65535, not 65536",
  ]);
});

test("seccompRule() refuses a system call without a name", () => {
  assert.deepEqual(seccomp({ syscalls: [{ names: ["", "a"], action: "SCMP_ACT_ALLOW" }] }), [
    "linux.seccomp.syscalls[0].names[0]: must not be empty",
  ]);
});

test("seccompRule() wants a listener with SCMP_ACT_NOTIFY, and ignores one without", () => {
  const syscalls = [call("SCMP_ACT_NOTIFY")];
  assert.deepEqual(seccomp({ syscalls, listenerPath: "/run/agent", listenerMetadata: "x" }), []);
  assert.deepEqual(seccomp({ listenerPath: "ignored" }), []);
  assert.deepEqual(seccomp({ syscalls, listenerPath: "agent" }), [
    'linux.seccomp.listenerPath: must be an absolute path, not "agent"',
  ]);
  assert.deepEqual(seccomp({ syscalls }), [
    "linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY in linux.seccomp.syscalls[0]",
  ]);
  assert.deepEqual(seccomp({ listenerMetadata: "x" }), ["linux.seccomp.listenerMetadata: needs listenerPath"]);
});
