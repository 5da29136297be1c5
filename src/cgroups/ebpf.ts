/**
 * The device filter of cgroup v2: rules to an eBPF program. Pure.
 *
 * The kernel calls it with struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; } where access_type holds
 * the type in its low and the access in its high 16 bits, and refuses where the answer is 0. linux/bpf.h
 */

import {
  BPF_DEVCG_ACC_MKNOD,
  BPF_DEVCG_ACC_READ,
  BPF_DEVCG_ACC_WRITE,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
} from "../linux/constants.ts";
import type { DeviceRuleOp } from "./ops.ts";

/** Opcodes, from linux/bpf.h: class | size or operation | source. */
const LDX_W = 0x61;
const ALU32_AND_K = 0x54;
const ALU32_RSH_K = 0x74;
const MOV32_X = 0xbc;
const MOV64_K = 0xb7;
const JEQ_K = 0x15;
const JNE_K = 0x55;
const JNE_X = 0x5d;
const EXIT = 0x95;

/** Registers: r1 is the context; the others are ours. */
const [R0, R1, TYPE, ACCESS, MAJOR, MINOR, WANTED] = [0, 1, 2, 3, 4, 5, 6] as const;

const accessBits: Readonly<Record<string, number>> = {
  m: BPF_DEVCG_ACC_MKNOD,
  r: BPF_DEVCG_ACC_READ,
  w: BPF_DEVCG_ACC_WRITE,
};
const everyAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
const typeBits = { char: BPF_DEVCG_DEV_CHAR, block: BPF_DEVCG_DEV_BLOCK } as const;

/** The program: the last rule that matches decides; where none does, everything is allowed. */
export function deviceProgram(rules: readonly DeviceRuleOp[]): Uint8Array {
  const program = new Program();
  program.add(LDX_W, TYPE, R1);
  program.add(MOV32_X, ACCESS, TYPE);
  program.add(ALU32_AND_K, TYPE, 0, 0, 0xffff);
  program.add(ALU32_RSH_K, ACCESS, 0, 0, 16);
  program.add(LDX_W, MAJOR, R1, 4);
  program.add(LDX_W, MINOR, R1, 8);
  let decided = false;
  for (let index = rules.length - 1; index >= 0 && !decided; index--)
    decided = addRule(program, rules[index] as DeviceRuleOp);
  if (!decided) program.answer(true);
  return program.bytes();
}

/** @returns whether it decides whatever comes */
function addRule(program: Program, { type, major, minor, access, allow }: DeviceRuleOp): boolean {
  // A rule for every type names no numbers that count.
  const numbers = type === "all" ? [] : [major, minor];
  let bits = 0;
  for (const letter of access) bits |= accessBits[letter] ?? 0;
  const isForAll = bits === everyAccess;
  const conditions =
    (type === "all" ? 0 : 1) + (isForAll ? 0 : 3) + numbers.filter((number) => number !== undefined).length;
  let left = conditions;
  // Where it does not hold the rule is left: behind what is left of the conditions, and the two steps of the answer.
  const condition = (op: number, dst: number, src: number, value: number): void =>
    program.add(op, dst, src, --left + 2, value);
  if (type !== "all") condition(JNE_K, TYPE, 0, typeBits[type]);
  if (!isForAll) {
    left -= 2;
    program.add(MOV32_X, WANTED, ACCESS);
    program.add(ALU32_AND_K, WANTED, 0, 0, bits);
    // An allowing rule must cover all that is asked for; a forbidding one, any of it.
    if (allow) condition(JNE_X, WANTED, ACCESS, 0);
    else condition(JEQ_K, WANTED, 0, 0);
  }
  numbers.forEach((number, index) => {
    if (number !== undefined) condition(JNE_K, index === 0 ? MAJOR : MINOR, 0, number);
  });
  program.answer(allow);
  return conditions === 0;
}

/** Instructions, each a struct bpf_insn: opcode, registers, 16-bit offset, 32-bit value; as two little-endian words. */
class Program {
  readonly #words: number[] = [];

  /** @param offset of what is loaded in the context, or in instructions after this one */
  add(op: number, dst: number, src = 0, offset = 0, value = 0): void {
    this.#words.push(op | (dst << 8) | (src << 12) | (offset << 16), value);
  }

  answer(allow: boolean): void {
    this.add(MOV64_K, R0, 0, 0, allow ? 1 : 0);
    this.add(EXIT, R0);
  }

  bytes(): Uint8Array {
    return new Uint8Array(new Uint32Array(this.#words).buffer);
  }
}
