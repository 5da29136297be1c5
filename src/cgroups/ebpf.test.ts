import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { deviceProgram } from "./ebpf.ts";
import type { DeviceRuleOp } from "./ops.ts";

interface Access {
  readonly type: "char" | "block";
  readonly major: number;
  readonly minor: number;
  /** Letters of r, w, m. */
  readonly access: string;
}

/** linux/bpf.h, struct bpf_cgroup_dev_ctx: BPF_DEVCG_DEV_BLOCK 1, CHAR 2; ACC_MKNOD 1, READ 2, WRITE 4. */
function contextOf({ type, major, minor, access }: Access): DataView {
  const context = new DataView(new ArrayBuffer(12));
  const bits = (access.includes("m") ? 1 : 0) + (access.includes("r") ? 2 : 0) + (access.includes("w") ? 4 : 0);
  context.setUint32(0, bits * 65536 + (type === "block" ? 1 : 2), true);
  context.setUint32(4, major, true);
  context.setUint32(8, minor, true);
  return context;
}

/**
 * A machine for the instructions that a device program may use, after the kernel's instruction set document: registers
 * of 64 bits, immediates sign-extended, 32-bit operations clearing the upper half. Stricter than the kernel: a register
 * that was never written, a jump backwards and a read outside the context are errors.
 */
function run(program: Uint8Array, context: DataView): bigint {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers = new Map<number, bigint | "context">([[1, "context"]]);
  const valueOf = (register: number): bigint => {
    const value = registers.get(register);
    assert.ok(typeof value === "bigint", `r${register} is read before it is written`);
    return value;
  };
  assert.equal(program.length % 8, 0);
  for (let at = 0; ; at++) {
    assert.ok((at + 1) * 8 <= program.length, "the program runs past its end");
    const opcode = code.getUint8(at * 8);
    const [dst, src] = [code.getUint8(at * 8 + 1) & 15, code.getUint8(at * 8 + 1) >> 4];
    const offset = code.getInt16(at * 8 + 2, true);
    const immediate = BigInt(code.getInt32(at * 8 + 4, true));
    const jumpIf = (condition: boolean): void => {
      assert.ok(offset >= 0, "a jump backwards");
      if (condition) at += offset;
    };
    switch (opcode) {
      case 0x61: // load 32 bits
        assert.equal(registers.get(src), "context");
        registers.set(dst, BigInt(context.getUint32(offset, true)));
        break;
      case 0x54: // and, 32 bits
        registers.set(dst, BigInt.asUintN(32, valueOf(dst) & immediate));
        break;
      case 0x74: // logical shift right, 32 bits
        registers.set(dst, BigInt.asUintN(32, valueOf(dst)) >> immediate);
        break;
      case 0xbc: // move a register, 32 bits
        registers.set(dst, BigInt.asUintN(32, valueOf(src)));
        break;
      case 0xb7: // move an immediate
        registers.set(dst, BigInt.asUintN(64, immediate));
        break;
      case 0x64: // logical shift left, 32 bits
        registers.set(dst, BigInt.asUintN(32, valueOf(dst) << immediate));
        break;
      case 0x4c: // or, 32 bits
        registers.set(dst, BigInt.asUintN(32, valueOf(dst) | valueOf(src)));
        break;
      case 0x05: // jump
        jumpIf(true);
        break;
      case 0x46: // jump if bits of an immediate are set, 32 bits
        jumpIf((low(valueOf(dst)) & low(immediate)) !== 0n);
        break;
      case 0x56: // jump if not equal to an immediate, 32 bits
        jumpIf(low(valueOf(dst)) !== low(immediate));
        break;
      case 0x95:
        return valueOf(0);
      default:
        assert.fail(`opcode 0x${opcode.toString(16)}`);
    }
  }
}

function low(value: bigint): bigint {
  return BigInt.asUintN(32, value);
}

function isAllowed(rules: readonly DeviceRuleOp[], access: Access): boolean {
  const answer = run(deviceProgram(rules), contextOf(access));
  assert.ok(answer === 0n || answer === 1n, `answer ${answer}`);
  return answer === 1n;
}

/** What the rules say, read one by one. */
function judge(rules: readonly DeviceRuleOp[], wanted: Access): boolean {
  for (const { allow, type, major, minor, access } of [...rules].reverse()) {
    if (type !== "all") {
      if (type !== wanted.type) continue;
      if (major !== undefined && major !== wanted.major) continue;
      if (minor !== undefined && minor !== wanted.minor) continue;
    }
    const letters = [...wanted.access];
    if (allow ? letters.every((one) => access.includes(one)) : letters.some((one) => access.includes(one)))
      return allow;
  }
  return true;
}

const denyAll: DeviceRuleOp = { allow: false, type: "all", major: undefined, minor: undefined, access: "rwm" };

function rule(allow: boolean, type: "char" | "block", numbers: string, access: string): DeviceRuleOp {
  const [major, minor] = numbers.split(":").map((text) => (text === "*" ? undefined : Number(text)));
  return { allow, type, major, minor, access };
}

function access(type: "char" | "block", numbers: string, letters: string): Access {
  const [major = 0, minor = 0] = numbers.split(":").map(Number);
  return { type, major, minor, access: letters };
}

describe("deviceProgram()", () => {
  test("allows everything where there is no rule", () => {
    assert.equal(isAllowed([], access("char", "1:3", "rwm")), true);
  });

  test("refuses everything where all is denied", () => {
    for (const type of ["char", "block"] as const) {
      for (const letters of ["r", "w", "m", "rw", "rwm"]) {
        assert.equal(isAllowed([denyAll], access(type, "1:3", letters)), false);
      }
    }
  });

  test("lets the last rule that matches decide", () => {
    const [allow, deny] = [rule(true, "char", "1:3", "rwm"), rule(false, "char", "1:3", "rwm")];
    assert.equal(isAllowed([denyAll, allow], access("char", "1:3", "rw")), true);
    assert.equal(isAllowed([allow, denyAll], access("char", "1:3", "rw")), false);
    assert.equal(isAllowed([denyAll, allow, deny], access("char", "1:3", "rw")), false);
    assert.equal(isAllowed([denyAll, deny, allow], access("char", "1:3", "rw")), true);
  });

  test("distinguishes type, major and minor", () => {
    const rules = [denyAll, rule(true, "char", "5:1", "rw")];
    const others = [access("block", "5:1", "r"), access("char", "6:1", "r"), access("char", "5:2", "r")];
    assert.equal(isAllowed(rules, access("char", "5:1", "r")), true);
    for (const other of others) assert.equal(isAllowed(rules, other), false);
  });

  test("takes a missing number for every number", () => {
    const rules = [denyAll, rule(true, "char", "136:*", "rw"), rule(true, "block", "*:0", "r")];
    assert.equal(isAllowed(rules, access("char", "136:0", "rw")), true);
    assert.equal(isAllowed(rules, access("char", "136:1048575", "rw")), true);
    assert.equal(isAllowed(rules, access("char", "137:0", "rw")), false);
    assert.equal(isAllowed(rules, access("block", "259:0", "r")), true);
    assert.equal(isAllowed(rules, access("block", "259:1", "r")), false);
  });

  test("wants an allowing rule to cover all that is asked for, and a denying one any of it", () => {
    const readable = [denyAll, rule(true, "char", "1:3", "r")];
    assert.equal(isAllowed(readable, access("char", "1:3", "r")), true);
    assert.equal(isAllowed(readable, access("char", "1:3", "rw")), false);
    const unwritable = [rule(false, "char", "1:3", "w")];
    assert.equal(isAllowed(unwritable, access("char", "1:3", "r")), true);
    assert.equal(isAllowed(unwritable, access("char", "1:3", "rw")), false);
  });

  test("matches no device by numbers that no device has", () => {
    for (const number of [0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const rules = [denyAll, rule(true, "char", `${number}:${number}`, "rwm")];
      for (const numbers of ["0:0", "4095:1048575", "1:3"]) {
        assert.equal(isAllowed(rules, access("char", numbers, "r")), false);
      }
    }
  });

  test("knows numbers of all bits that a device has", () => {
    const rules = [denyAll, rule(true, "char", "4095:1048575", "rwm"), rule(true, "block", "2048:*", "r")];
    assert.equal(isAllowed(rules, access("char", "4095:1048575", "rwm")), true);
    assert.equal(isAllowed(rules, access("char", "4095:1048574", "rwm")), false);
    assert.equal(isAllowed(rules, access("block", "2048:7", "r")), true);
  });

  test("takes more rules than a jump can pass", () => {
    const many = Array.from({ length: 30_000 }, (_, minor) => rule(minor % 3 === 0, "char", `9:${minor}`, "rw"));
    for (const minor of [0, 1, 9999, 29_998, 29_999])
      assert.equal(isAllowed([denyAll, ...many], access("char", `9:${minor}`, "r")), minor % 3 === 0);
    assert.equal(isAllowed([denyAll, ...many], access("char", "9:30000", "r")), false);
  });

  test("drops rules that a later one for everything hides", () => {
    const hidden = Array.from({ length: 1000 }, (_, minor) => rule(true, "char", `9:${minor}`, "rw"));
    assert.deepEqual(deviceProgram([...hidden, denyAll]), deviceProgram([denyAll]));
  });

  test("stays right with hundreds of rules", () => {
    const rules = Array.from({ length: 500 }, (_, minor) => rule(minor % 2 === 0, "char", `9:${minor}`, "rw"));
    for (const minor of [0, 1, 250, 251, 498, 499]) {
      assert.equal(isAllowed([denyAll, ...rules], access("char", `9:${minor}`, "r")), minor % 2 === 0);
    }
    assert.equal(isAllowed([denyAll, ...rules], access("char", "9:500", "r")), false);
  });
});

const letters = fc.subarray(["r", "w", "m"], { minLength: 1 }).map((list) => list.join(""));
const number = fc.constantFrom(0, 1, 3, 136, 4095, 1048575);
const anyRule: fc.Arbitrary<DeviceRuleOp> = fc.record({
  allow: fc.boolean(),
  type: fc.constantFrom("all", "char", "block"),
  major: fc.option(number, { nil: undefined }),
  minor: fc.option(number, { nil: undefined }),
  access: letters,
});
const anyAccess: fc.Arbitrary<Access> = fc.record({
  type: fc.constantFrom("char", "block"),
  // A device's has twelve bits.
  major: number.filter((one) => one < 4096),
  minor: number,
  access: letters,
});

test("deviceProgram() says of any access what its rules say", () => {
  const accesses = fc.array(anyAccess, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 12 }), accesses, (rules, wanted) => {
      const program = deviceProgram(rules);
      for (const one of wanted)
        assert.equal(run(program, contextOf(one)) === 1n, judge(rules, one), JSON.stringify(one));
    }),
    { numRuns: 500 },
  );
});
