import assert from "node:assert/strict";
import { test } from "node:test";
import { seccompActions, seccompOperators } from "../spec/vocabulary.ts";
import type { FilterProfile, FilterRule } from "./ops.ts";
import { actionValue, expandRules } from "./rules.ts";

const profile = (syscalls: readonly FilterRule[], change: Partial<FilterProfile> = {}): FilterProfile => ({
  defaultAction: "SCMP_ACT_ALLOW",
  defaultErrnoRet: undefined,
  architectures: [],
  syscalls,
  ...change,
});

test("actionValue() gives every action the kernel's value, and an errno to those that carry one", () => {
  assert.deepEqual(
    seccompActions.map((action) => actionValue(action, 38)),
    [0, 0x8000_0000, 0, 0x3_0000, 0x5_0026, 0x7ff0_0026, 0x7fff_0000, 0x7ffc_0000, 0x7fc0_0000],
  );
  assert.equal(actionValue("SCMP_ACT_ERRNO"), 0x5_0001, "EPERM");
  assert.equal(actionValue("SCMP_ACT_ERRNO", 0), 0x5_0000, "0 is a value as well");
});

test("expandRules() makes a rule of every name", () => {
  assert.deepEqual(expandRules(profile([{ names: ["read", "write"], action: "SCMP_ACT_KILL_PROCESS" }])), [
    { name: "read", action: 0x8000_0000, args: [] },
    { name: "write", action: 0x8000_0000, args: [] },
  ]);
});

test("expandRules() leaves out what the default says anyway, but not the same action with another errno", () => {
  const names = ["read"];
  const syscalls: FilterRule[] = [
    { names, action: "SCMP_ACT_ERRNO" },
    { names, action: "SCMP_ACT_ERRNO", errnoRet: 1 },
    { names, action: "SCMP_ACT_ERRNO", errnoRet: 2 },
    { names, action: "SCMP_ACT_ALLOW" },
  ];
  const left = (change: Partial<FilterProfile>) => expandRules(profile(syscalls, change)).map(({ action }) => action);
  assert.deepEqual(left({ defaultAction: "SCMP_ACT_ERRNO" }), [0x5_0002, 0x7fff_0000]);
  assert.deepEqual(left({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 2 }), [0x5_0001, 0x5_0001, 0x7fff_0000]);
  assert.deepEqual(left({}), [0x5_0001, 0x5_0001, 0x5_0002]);
});

test("expandRules() hands comparisons on with every bit", () => {
  const args = seccompOperators.map((op, index) => ({ index: index % 6, op, value: 2n ** 64n - 1n, valueTwo: 5 }));
  const [rule] = expandRules(profile([{ names: ["a"], action: "SCMP_ACT_TRAP", args: args.slice(0, 6) }]));
  assert.deepEqual(
    rule?.args,
    [1, 2, 3, 4, 5, 6].map((op, index) => [index, op, 2n ** 64n - 1n, 5n]),
  );
  const masked = { index: 0, op: "SCMP_CMP_MASKED_EQ", value: 1 } as const;
  assert.deepEqual(
    expandRules(profile([{ names: ["a"], action: "SCMP_ACT_TRAP", args: [masked] }])).map((one) => one.args),
    [[[0, 7, 1n, 0n]]],
  );
});

test("expandRules() makes comparisons of one argument rules of their own, all of the rule's", () => {
  const is = (index: number, value: number) => ({ index, op: "SCMP_CMP_EQ", value }) as const;
  const shapes = (...args: ReturnType<typeof is>[]) =>
    expandRules(profile([{ names: ["a"], action: "SCMP_ACT_TRAP", args }])).map((rule) =>
      rule.args.map(([index, , value]) => `${index}=${value}`).join("&"),
    );
  assert.deepEqual(shapes(is(0, 1), is(1, 2)), ["0=1&1=2"]);
  assert.deepEqual(shapes(is(0, 1), is(0, 2)), ["0=1", "0=2"]);
  assert.deepEqual(shapes(is(0, 1), is(1, 3), is(0, 2)), ["0=1", "1=3", "0=2"]);
});
