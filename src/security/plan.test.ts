import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Capabilities, Process } from "../spec/types.ts";
import { capabilityNames } from "../spec/vocabulary.ts";
import { planSecurity, type SecurityPlan } from "./plan.ts";

const every = 2n ** 41n - 1n;
const modules = { apparmor: false, selinux: false };

function plan(capabilities: Capabilities | undefined, grantable = every, change: Partial<Process> = {}): SecurityPlan {
  const process: Process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, ...change };
  const given = capabilities === undefined ? process : { ...process, capabilities };
  return planSecurity(given, { grantable, newKeyring: false, filtered: false, modules });
}

const nothing = { bounding: "0", effective: "0", permitted: "0", inheritable: "0", ambient: "0", untilExecution: "0" };

test("planSecurity() leaves the program without any capability unless the configuration names some", () => {
  for (const capabilities of [undefined, {}, { bounding: [] }]) {
    const { ops, warnings } = plan(capabilities);
    assert.deepEqual(ops, { capabilities: nothing, noNewPrivileges: false, newKeyring: false, labels: [] });
    assert.deepEqual(warnings, []);
  }
});

test("planSecurity() makes each set the mask of exactly its own names", () => {
  const sets = {
    bounding: ["CAP_CHOWN"],
    effective: ["CAP_DAC_OVERRIDE"],
    permitted: ["CAP_SYS_ADMIN"],
    inheritable: ["CAP_AUDIT_READ"],
    ambient: ["CAP_CHECKPOINT_RESTORE", "CAP_CHOWN", "CAP_CHOWN"],
  };
  assert.deepEqual(plan(sets).ops.capabilities, {
    bounding: "1",
    effective: "2",
    permitted: `${2n ** 21n}`,
    inheritable: `${2n ** 37n}`,
    ambient: `${2n ** 40n + 1n}`,
    untilExecution: "0",
  });
});

test("planSecurity() knows every capability by its number", () => {
  capabilityNames.forEach((name, number) => {
    assert.equal(plan({ permitted: [name] }).ops.capabilities.permitted, `${2n ** BigInt(number)}`, name);
  });
  assert.equal(plan({ permitted: [...capabilityNames] }).ops.capabilities.permitted, `${every}`);
});

test("planSecurity() leaves out what cannot be granted, and warns of it by set and name", () => {
  const { ops, warnings } = plan({ bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_BPF"], effective: ["CAP_KILL"] }, 1n);
  assert.deepEqual(ops.capabilities, { ...nothing, bounding: "1" });
  assert.deepEqual(warnings, [
    { path: "process.capabilities.bounding", message: "cannot be granted here: CAP_KILL, CAP_BPF" },
    { path: "process.capabilities.effective", message: "cannot be granted here: CAP_KILL" },
  ]);
});

test("planSecurity() leaves out unknown names, of which the rules have warned", () => {
  const names = ["CAP_FLY", "CHOWN", "cap_chown", "", "constructor", "0"];
  const { ops, warnings } = plan({ bounding: [...names, "CAP_CHOWN"] });
  assert.equal(ops.capabilities.bounding, "1");
  assert.deepEqual(warnings, []);
});

test("planSecurity() hands on noNewPrivileges and the wish for a keyring", () => {
  assert.equal(plan({}, every, { noNewPrivileges: true }).ops.noNewPrivileges, true);
  const process: Process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } };
  assert.equal(
    planSecurity(process, { grantable: every, newKeyring: true, filtered: false, modules }).ops.newKeyring,
    true,
  );
});

test("planSecurity() never plans more than was asked for and can be granted", () => {
  const names = fc.array(fc.oneof(fc.constantFrom(...capabilityNames), fc.string()), { maxLength: 8 });
  fc.assert(
    fc.property(names, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (permitted, grantable) => {
      const mask = BigInt(plan({ permitted }, grantable).ops.capabilities.permitted);
      const asked = permitted.filter((name) => (capabilityNames as readonly string[]).includes(name));
      capabilityNames.forEach((name, number) => {
        const bit = 2n ** BigInt(number);
        assert.equal((mask & bit) !== 0n, asked.includes(name) && (grantable & bit) !== 0n, name);
      });
      assert.equal(mask & ~every, 0n);
    }),
  );
});

test("planSecurity() holds CAP_SYS_ADMIN up to execve for a filter without no_new_privs, and refuses one without it", () => {
  const held = (noNewPrivileges: boolean, filtered: boolean, grantable = every): string => {
    const process: Process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, noNewPrivileges };
    return planSecurity(process, { grantable, newKeyring: false, filtered, modules }).ops.capabilities.untilExecution;
  };
  assert.equal(held(false, true), `${2n ** 21n}`);
  assert.equal(held(true, true), "0");
  assert.equal(held(false, false), "0");
  assert.throws(() => held(false, true, every - 2n ** 21n), {
    message: "linux.seccomp: needs process.noNewPrivileges, or CAP_SYS_ADMIN of the caller",
  });
});

test("planSecurity() plans the labels of modules that are in force, and refuses others", () => {
  const process: Process = {
    ...{ args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } },
    ...{ apparmorProfile: "engine-default", selinuxLabel: "system_u:system_r:container_t:s0" },
  };
  const plan = (force: { apparmor: boolean; selinux: boolean }, one: Process = process) =>
    planSecurity(one, { grantable: every, newKeyring: false, filtered: false, modules: force }).ops.labels;
  assert.deepEqual(plan({ apparmor: true, selinux: true }), [
    { module: "apparmor", label: "engine-default", property: "process.apparmorProfile" },
    { module: "selinux", label: "system_u:system_r:container_t:s0", property: "process.selinuxLabel" },
  ]);
  assert.throws(() => plan({ apparmor: false, selinux: true }), {
    message: "process.apparmorProfile: AppArmor is not in force on this host",
  });
  assert.throws(() => plan({ apparmor: true, selinux: false }), {
    message: "process.selinuxLabel: SELinux is not in force on this host",
  });
  assert.deepEqual(plan(modules, { ...process, apparmorProfile: "", selinuxLabel: "" }), []);
});
