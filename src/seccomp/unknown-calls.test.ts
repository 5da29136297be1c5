import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { judge } from "../../test/kernel/classic-bpf.ts";
import { encodeInstructions, type KnownCalls, unknownCallsPrefix } from "./unknown-calls.ts";

const X86_64 = 0xc000_003e;
const I386 = 0x4000_0003;
const ARM = 0x4000_0028;
const x32Bit = 0x4000_0000;

/** What the prefix says of a call: 38, or "filter" where it leaves it to the filter behind it. */
function verdict(architectures: readonly KnownCalls[], arch: number, number: number): number | "filter" {
  const prefix = encodeInstructions([...unknownCallsPrefix(architectures), [0x06, 0, 0, 0x7fff_0000]]);
  const value = judge(prefix, { arch, number });
  if (value === 0x7fff_0000) return "filter";
  assert.equal(value & 0xffff_0000, 0x5_0000);
  return value & 0xffff;
}

const x86_64: KnownCalls = { name: "x86_64", token: X86_64, numbers: [0, 59, 202, 1] };
const x86: KnownCalls = { name: "x86", token: I386, numbers: [300] };
const x32: KnownCalls = { name: "x32", token: 0x4000_003e, numbers: [x32Bit + 59, x32Bit + 520] };
const arm: KnownCalls = { name: "arm", token: ARM, numbers: [4, 0x0f_0005] };

test("unknownCallsPrefix() answers ENOSYS above the largest number of an architecture, and only there", () => {
  const cases: [KnownCalls[], number, number, number | "filter"][] = [
    [[x86_64], X86_64, 0, "filter"],
    [[x86_64], X86_64, 100, "filter"],
    [[x86_64], X86_64, 202, "filter"],
    [[x86_64], X86_64, 203, 38],
    [[x86_64], X86_64, x32Bit - 1, 38],
    [[x86_64], X86_64, x32Bit, "filter"],
    [[x86_64], X86_64, -1, "filter"],
    [[x86_64], I386, 4000, "filter"],
    [[x86_64, x86], X86_64, 203, 38],
    [[x86_64, x86], I386, 203, "filter"],
    [[x86_64, x86], I386, 301, 38],
    [[x86_64, x86, x32], X86_64, 202, "filter"],
    [[x86_64, x86, x32], X86_64, 203, 38],
    [[x86_64, x86, x32], X86_64, x32Bit + 520, "filter"],
    [[x86_64, x86, x32], X86_64, x32Bit + 521, 38],
    [[x86_64, x86, x32], I386, 301, 38],
    [[x86_64, x86, x32], ARM, 301, "filter"],
    [[arm], ARM, 4, "filter"],
    [[arm], ARM, 5, 38],
    [[arm], ARM, 0x0f_0002, "filter"],
  ];
  for (const [architectures, arch, number, expected] of cases) {
    const names = architectures.map(({ name }) => name).join();
    assert.equal(verdict(architectures, arch, number), expected, `${names}: ${arch.toString(16)} ${number}`);
  }
});

test("unknownCallsPrefix() is empty where no architecture has a call of the profile's", () => {
  assert.deepEqual(unknownCallsPrefix([]), []);
  assert.deepEqual(unknownCallsPrefix([{ ...x86_64, numbers: [] }]), []);
  assert.deepEqual(unknownCallsPrefix([x32]), [], "x32 is a mode of x86_64");
});

test("unknownCallsPrefix() holds for any set of architectures", () => {
  const one = fc.record({
    name: fc.constant("any"),
    token: fc.integer({ min: 0, max: 30 }),
    numbers: fc.array(fc.nat(5000), { maxLength: 5 }),
  });
  const some = fc.uniqueArray(one, { selector: ({ token }) => token, maxLength: 23 });
  fc.assert(
    fc.property(some, fc.nat(30), fc.nat(6000), (architectures, arch, number) => {
      const numbers = architectures.find(({ token }) => token === arch)?.numbers ?? [];
      const isNewer = numbers.length > 0 && number > Math.max(...numbers);
      assert.equal(verdict(architectures, arch, number), isNewer ? 38 : "filter");
    }),
  );
});
