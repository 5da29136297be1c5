import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeProcess, decodeSpec, validateProcess } from "../spec/decode.ts";
import { defaultSpec } from "../spec/default.ts";
import type { Process, ValidSpec } from "../spec/types.ts";
import {
  completeProcess,
  type ExecFacts,
  type ExecPlan,
  isCommandOnly,
  type ProcessOptions,
  planExec,
  processOf,
} from "./exec.ts";

const options: ProcessOptions = {
  args: ["id"],
  terminal: false,
  cwd: undefined,
  env: [],
  user: undefined,
  additionalGids: [],
  capabilities: [],
  noNewPrivileges: false,
  apparmorProfile: undefined,
  selinuxLabel: undefined,
};

const facts: ExecFacts = {
  modules: { apparmor: false, selinux: false },
  capabilities: 2n ** 41n - 1n,
  joins: ["mnt", "pid"],
  cgroup: null,
  creator: 0,
  newKeyring: true,
};

function specWith(process: Partial<Process>): ValidSpec {
  const spec = defaultSpec();
  return decodeSpec(JSON.stringify({ ...spec, process: { ...spec.process, ...process } }));
}

function planWith(spec: ValidSpec, more: Partial<ProcessOptions>, host: Partial<ExecFacts> = {}): ExecPlan {
  const process = validateProcess(processOf(spec, { ...options, ...more }), spec);
  const addedCapabilities = more.capabilities ?? [];
  return planExec(
    process,
    spec,
    { ...facts, ...host },
    { preserveFds: 0, activation: [], cgroups: [], addedCapabilities },
  );
}

test("processOf() is the container's process with another command, and no terminal", () => {
  const spec = specWith({ terminal: true, consoleSize: { height: 3, width: 4 }, oomScoreAdj: 7, cwd: "/srv" });
  const process = processOf(spec, options);
  assert.deepEqual(process.args, ["id"]);
  assert.deepEqual([process.terminal, process.consoleSize], [false, undefined]);
  assert.deepEqual([process.cwd, process.oomScoreAdj], ["/srv", 7]);
  assert.deepEqual(process.rlimits, spec.process?.rlimits);
  assert.deepEqual(process.capabilities, spec.process?.capabilities);
});

test("processOf() works without a process in the configuration", () => {
  const { process: _, ...rest } = defaultSpec();
  const process = processOf(decodeSpec(JSON.stringify(rest)), { ...options, env: ["A=1"] });
  assert.deepEqual(process, {
    args: ["id"],
    terminal: false,
    cwd: "/",
    env: ["A=1"],
    user: { uid: 0, gid: 0, additionalGids: [] },
  });
});

test("processOf() leaves what the options leave out, group and groups included", () => {
  const spec = specWith({ user: { uid: 1, gid: 2, umask: 0o77, additionalGids: [3] }, env: ["A=1", "B=2"] });
  const user = (more: Partial<ProcessOptions>) => processOf(spec, { ...options, ...more }).user;
  assert.deepEqual(user({}), { uid: 1, gid: 2, umask: 0o77, additionalGids: [3] });
  assert.deepEqual(user({ user: { uid: 9, gid: undefined } }), { uid: 9, gid: 2, umask: 0o77, additionalGids: [3] });
  assert.deepEqual(user({ user: { uid: 9, gid: 0 }, additionalGids: [4] }).additionalGids, [3, 4]);
  const { program } = planWith(spec, { env: ["B=3", "C=4"] });
  assert.deepEqual(program.process.env, ["A=1", "B=3", "C=4"]);
});

test("processOf() adds capabilities to three sets and takes none away", () => {
  const spec = specWith({ capabilities: { bounding: ["CAP_KILL"], inheritable: ["CAP_KILL"] } });
  assert.deepEqual(processOf(spec, { ...options, capabilities: ["CAP_CHOWN"] }).capabilities, {
    bounding: ["CAP_KILL", "CAP_CHOWN"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN"],
    inheritable: ["CAP_KILL"],
  });
});

test("isCommandOnly() holds of a command with or without a terminal, and of nothing else", () => {
  assert.equal(isCommandOnly(options), true);
  assert.equal(isCommandOnly({ ...options, terminal: true, args: ["sh", "-c", "id"] }), true);
  const others: Partial<ProcessOptions>[] = [
    { cwd: "/" },
    { env: ["A=1"] },
    { user: { uid: 0, gid: undefined } },
    { additionalGids: [1] },
    { capabilities: ["CAP_KILL"] },
    { noNewPrivileges: true },
    { apparmorProfile: "" },
    { selinuxLabel: "" },
  ];
  for (const other of others) assert.equal(isCommandOnly({ ...options, ...other }), false, JSON.stringify(other));
});

test("processOf() lets an added capability survive execve where the configuration lets it be inherited", () => {
  const spec = specWith({ capabilities: { inheritable: ["CAP_KILL", "CAP_CHOWN"], ambient: ["CAP_KILL"] } });
  const process = processOf(spec, { ...options, capabilities: ["CAP_CHOWN", "CAP_SYSLOG"] });
  assert.deepEqual(process.capabilities?.ambient, ["CAP_KILL", "CAP_CHOWN"]);
  assert.deepEqual(process.capabilities?.inheritable, ["CAP_KILL", "CAP_CHOWN"]);
});

test("completeProcess() takes what confines the container, and nothing else, where the file is silent", () => {
  const own = { noNewPrivileges: true, oomScoreAdj: 5, user: { uid: 7, gid: 7, umask: 0o77, additionalGids: [7] } };
  const spec = specWith({ ...own, env: ["SECRET=1"], terminal: true, cwd: "/srv" });
  const silent = completeProcess(spec, decodeProcess('{"cwd":"/","args":["id"]}', spec));
  assert.deepEqual([silent.noNewPrivileges, silent.oomScoreAdj], [true, 5]);
  assert.deepEqual(silent.capabilities, spec.process?.capabilities);
  assert.deepEqual([silent.env, silent.terminal, silent.cwd], [undefined, undefined, "/"]);
  assert.deepEqual(silent.user, { uid: 0, gid: 0, umask: 0o77 });
  const text = '{"cwd":"/","args":["id"],"noNewPrivileges":false,"capabilities":{},"user":{"uid":1,"gid":1,"umask":2}}';
  const loud = completeProcess(spec, decodeProcess(text, spec));
  assert.deepEqual([loud.noNewPrivileges, loud.capabilities, loud.user.umask], [false, {}, 2]);
});

test("planExec() enters the user namespace first only where nothing else gives the right to", () => {
  const spec = specWith({});
  const sysAdmin = 2n ** 21n;
  assert.equal(planWith(spec, {}, { capabilities: 0n }).userFirst, false);
  assert.equal(planWith(spec, {}, { capabilities: 0n, joins: ["user", "pid"] }).userFirst, true);
  assert.equal(planWith(spec, {}, { capabilities: sysAdmin, joins: ["user", "pid"] }).userFirst, false);
});

test("planExec() refuses a capability of the command line that cannot be granted", () => {
  const spec = specWith({});
  const without = { capabilities: 2n ** 41n - 1n - 1n };
  assert.throws(() => planWith(spec, { capabilities: ["CAP_CHOWN"] }, without), {
    message: "--cap: cannot be granted here: CAP_CHOWN",
  });
  const inUserNamespace = planWith(spec, { capabilities: ["CAP_CHOWN"] }, { ...without, joins: ["user"] });
  assert.equal(BigInt(inUserNamespace.program.security.capabilities.effective) & 1n, 1n);
});
