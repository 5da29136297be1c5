import assert from "node:assert/strict";
import { test } from "node:test";
import { noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { withoutLeaks } from "../../test/kernel/scratch.ts";
import { detachDeviceProgram, findDeviceProgram } from "../linux/bpf.ts";
import type { Fd } from "../linux/fd.ts";
import { attachDeviceRules, changeDeviceProgram } from "./device-filter.ts";
import type { DeviceRuleOp } from "./ops.ts";

const rules: readonly DeviceRuleOp[] = [
  { allow: false, type: "all", major: undefined, minor: undefined, access: "rwm" },
];

/** Detaches box's programs one by one and counts them. */
function countPrograms(cgroup: Fd, detach: (program: Fd) => void): number {
  for (let count = 0; ; count++) {
    using program = findDeviceProgram(cgroup);
    if (program === undefined) return count;
    detach(program);
  }
}

test("changeDeviceProgram() leaves one program, whatever was before, and takes it back", { skip: noCgroups }, () => {
  withoutLeaks(() => {
    withCgroup((make) => {
      using cgroup = make();
      const { v2 } = cgroup;
      if (v2 === undefined) return;
      const held: Fd[] = [];
      const change = () => changeDeviceProgram(v2, rules, (program) => held.push(program));
      const count = () => countPrograms(v2, (program) => detachDeviceProgram(v2, program));
      assert.equal(count(), 0);
      // None before: taken back, there is none again.
      change()();
      assert.equal(count(), 0);
      attachDeviceRules(v2, rules);
      for (let round = 0; round < 70; round++) change();
      assert.equal(count(), 1);
      attachDeviceRules(v2, rules);
      change()();
      assert.equal(count(), 1);
      for (const program of held) program.close();
    });
  });
});

test("attachDeviceRules() takes ten thousand rules of every kind: what the kernel walks grows with their number alone", {
  skip: noCgroups,
}, () => {
  withCgroup((make) => {
    using cgroup = make();
    const { v2 } = cgroup;
    if (v2 === undefined) return;
    const many = Array.from({ length: 10_000 }, (_, number): DeviceRuleOp => {
      const type = number % 7 === 0 ? "block" : "char";
      const access = number % 3 === 0 ? "r" : "rwm";
      return { allow: number % 5 !== 0, type, major: 9 + (number >> 10), minor: number & 1023, access };
    });
    attachDeviceRules(v2, [...rules, ...many]);
    assert.equal(
      countPrograms(v2, (program) => detachDeviceProgram(v2, program)),
      1,
    );
  });
});
