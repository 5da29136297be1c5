import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../test/kernel/classic-bpf.ts";
import { largeProfile } from "../../test/kernel/profile.ts";
import { BoxError } from "../base/errors.ts";
import { build } from "../linux/engine.ts";
import { architectureToken, syscallNumber } from "../linux/seccomp.ts";
import { seccompArchitectures } from "../spec/vocabulary.ts";
import { compileFilter } from "./compile.ts";
import type { FilterProfile, FilterRule } from "./ops.ts";
import { actionValue } from "./rules.ts";

const profile = (syscalls: readonly FilterRule[], change: Partial<FilterProfile> = {}): FilterProfile => ({
  defaultAction: "SCMP_ACT_ALLOW",
  defaultErrnoRet: undefined,
  architectures: [],
  syscalls,
  ...change,
});

const native = architectureToken(build.arch);
const allowed = actionValue("SCMP_ACT_ALLOW");
const killed = actionValue("SCMP_ACT_KILL");

/** What a compiled profile says of a native call. */
function verdictOf(of: FilterProfile): (name: string, ...args: bigint[]) => number {
  const { program } = compileFilter(of);
  return (name, ...args) => judge(program, { arch: native, number: syscallNumber(native, name), args });
}

test("compileFilter() knows every architecture of the specification", () => {
  for (const name of seccompArchitectures) {
    assert.notEqual(architectureToken(name.slice("SCMP_ARCH_".length).toLowerCase()), 0, name);
    const { program } = compileFilter(
      profile([{ names: ["getpid"], action: "SCMP_ACT_TRAP" }], { architectures: [name] }),
    );
    assert.equal(judge(program, { arch: native, number: syscallNumber(native, "read") }), allowed, name);
  }
});

test("compileFilter() does what each action says, on the call that is named and on no other", () => {
  const rules: FilterRule[] = [
    { names: ["mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 99 },
    { names: ["getpid"], action: "SCMP_ACT_KILL_PROCESS" },
    { names: ["getppid"], action: "SCMP_ACT_KILL" },
    { names: ["getuid"], action: "SCMP_ACT_TRAP" },
    { names: ["geteuid"], action: "SCMP_ACT_TRACE", errnoRet: 7 },
    { names: ["getgid"], action: "SCMP_ACT_LOG" },
    { names: ["getegid"], action: "SCMP_ACT_NOTIFY" },
  ];
  const verdict = verdictOf(profile(rules));
  for (const { names, action, errnoRet } of rules)
    for (const name of names) assert.equal(verdict(name), actionValue(action, errnoRet), name);
  assert.equal(verdict("read"), allowed);
});

test("compileFilter() compares arguments in all 64 bits", () => {
  const big = 2n ** 63n + 5n;
  const cases = [
    [
      "SCMP_CMP_NE",
      [
        [big, false],
        [5n, true],
        [2n ** 63n, true],
      ],
    ],
    [
      "SCMP_CMP_LT",
      [
        [big - 1n, true],
        [big, false],
        [2n ** 64n - 1n, false],
        [5n, true],
      ],
    ],
    [
      "SCMP_CMP_LE",
      [
        [big, true],
        [big + 1n, false],
        [0n, true],
      ],
    ],
    [
      "SCMP_CMP_EQ",
      [
        [big, true],
        [5n, false],
        [2n ** 63n, false],
      ],
    ],
    [
      "SCMP_CMP_GE",
      [
        [big, true],
        [big - 1n, false],
        [2n ** 64n - 1n, true],
      ],
    ],
    [
      "SCMP_CMP_GT",
      [
        [big + 1n, true],
        [big, false],
        [6n, false],
      ],
    ],
  ] as const;
  for (const [op, values] of cases) {
    const verdict = verdictOf(
      profile([{ names: ["read"], action: "SCMP_ACT_TRAP", args: [{ index: 2, op, value: big }] }]),
    );
    for (const [value, holds] of values)
      assert.equal(verdict("read", 0n, 0n, value) !== allowed, holds, `${op} ${value}`);
  }
  const masked = { index: 5, op: "SCMP_CMP_MASKED_EQ", value: 0xff00n, valueTwo: 0x1200n } as const;
  const verdict = verdictOf(profile([{ names: ["read"], action: "SCMP_ACT_TRAP", args: [masked] }]));
  for (const [value, holds] of [
    [0x12ffn, true],
    [0xffff_1200n, true],
    [0x1300n, false],
  ] as const)
    assert.equal(verdict("read", 0n, 0n, 0n, 0n, 0n, value) !== allowed, holds, `masked ${value}`);
});

test("compileFilter() lets all comparisons of different arguments hold, and one of the same", () => {
  const is = (index: number, value: number) => ({ index, op: "SCMP_CMP_EQ", value }) as const;
  const both = verdictOf(profile([{ names: ["read"], action: "SCMP_ACT_TRAP", args: [is(0, 1), is(1, 2)] }]));
  assert.deepEqual(
    [both("read", 1n, 2n), both("read", 1n, 3n), both("read", 0n, 2n)].map((v) => v === allowed),
    [false, true, true],
  );
  const either = verdictOf(profile([{ names: ["read"], action: "SCMP_ACT_TRAP", args: [is(0, 1), is(0, 2)] }]));
  assert.deepEqual(
    [either("read", 1n), either("read", 2n), either("read", 3n)].map((v) => v === allowed),
    [false, false, true],
  );
});

test("compileFilter() kills calls of architectures that are not named", () => {
  const only = compileFilter(profile([], { architectures: [] })).program;
  const other = architectureToken(build.arch === "x86_64" ? "x86" : "arm");
  assert.equal(judge(only, { arch: native, number: 1 }), allowed);
  assert.equal(judge(only, { arch: other, number: 1 }), killed);
  if (build.arch === "x86_64") assert.equal(judge(only, { arch: native, number: 0x4000_0001 }), killed, "x32");
});

test("compileFilter() answers ENOSYS to calls that are newer than a profile that forbids", () => {
  const rules: FilterRule[] = [{ names: ["read", "close_range"], action: "SCMP_ACT_ALLOW" }];
  const enosys = actionValue("SCMP_ACT_ERRNO", 38);
  const newer = (change: Partial<FilterProfile>) => verdictOf(profile(rules, change))("faccessat2");
  for (const defaultAction of ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] as const) {
    assert.equal(newer({ defaultAction }), enosys, defaultAction);
    assert.equal(verdictOf(profile(rules, { defaultAction }))("getpid"), actionValue(defaultAction), "older ones");
    assert.equal(verdictOf(profile(rules, { defaultAction }))("close_range"), allowed, "the newest");
  }
  for (const defaultAction of ["SCMP_ACT_LOG", "SCMP_ACT_TRACE"] as const)
    assert.equal(newer({ defaultAction }), actionValue(defaultAction), defaultAction);
});

test("compileFilter() tells of names that it does not know, and of those that it cannot forbid", () => {
  const rules: FilterRule[] = [
    { names: ["no_such_call", "read", "no_such_call"], action: "SCMP_ACT_ERRNO" },
    { names: ["another"], action: "SCMP_ACT_LOG" },
  ];
  assert.deepEqual(
    { ...compileFilter(profile(rules)), program: undefined },
    {
      program: undefined,
      unknown: ["no_such_call", "another"],
      unenforced: ["no_such_call"],
    },
  );
  assert.deepEqual(compileFilter(profile(rules, { defaultAction: "SCMP_ACT_KILL" })).unenforced, []);
});

const twoWays = (number: number): boolean =>
  [337, 345].includes(number) || (number >= 359 && number <= 373) || (number >= 393 && number <= 402);

test("compileFilter() decides a profile of 400 names as the profile says, call by call", () => {
  const { program, unknown } = compileFilter(largeProfile);
  assert.deepEqual(unknown, []);
  const rules: readonly FilterRule[] = largeProfile.syscalls;
  const names = rules.flatMap((rule) => rule.names);
  assert.ok(names.length > 400, `${names.length} names`);
  for (const architecture of ["x86_64", "x86", "x32"]) {
    const token = architectureToken(architecture);
    const arch = architecture === "x32" ? architectureToken("x86_64") : token;
    const numbers = new Map(names.map((name) => [syscallNumber(token, name), name]));
    const first = architecture === "x32" ? 0x4000_0000 : 0;
    for (let number = first; number < first + 600; number++) {
      const rule = rules.find((one) => one.names.includes(numbers.get(number) ?? ""));
      // On x86 sockets and System V IPC have two ways in, of which libseccomp takes one for the number.
      if (rule?.args !== undefined || (architecture === "x86" && twoWays(number))) continue;
      const expected = rule === undefined ? undefined : actionValue(rule.action, rule.errnoRet);
      const value = judge(program, { arch, number });
      const newest = Math.max(...numbers.keys());
      assert.equal(
        value,
        expected ?? actionValue("SCMP_ACT_ERRNO", number > newest ? 38 : 1),
        `${architecture} ${number}`,
      );
    }
  }
  const verdict = verdictOf(largeProfile);
  for (const [name, args, passes] of [
    ["clone", [0x1_1200n], true],
    ["clone", [0x1000_0000n], false],
    ["personality", [8n], true],
    ["personality", [0xffff_ffffn], true],
    ["personality", [0x20_0000n], false],
    ["socket", [1n], true],
    ["socket", [40n], false],
  ] as const)
    assert.equal(verdict(name, ...args) === allowed, passes, `${name} ${args}`);
});

test("compileFilter() refuses a profile that has no room in the kernel", () => {
  const syscalls = Array.from({ length: 3000 }, (_, index) => ({
    names: ["read"],
    action: "SCMP_ACT_TRAP" as const,
    args: [{ index: 1, op: "SCMP_CMP_EQ" as const, value: 0x1_0000_0001 * index }],
  }));
  assert.throws(
    () => compileFilter(profile(syscalls)),
    (thrown) => thrown instanceof BoxError && /^linux\.seccomp: compiles to \d+ instructions/.test(thrown.message),
  );
});
