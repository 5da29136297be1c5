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

interface Instruction {
  readonly op: number;
  readonly dst: number;
  readonly src?: number;
  /** In instructions after this one. */
  readonly jump?: number;
  readonly value?: number;
}

const accessBits: Readonly<Record<string, number>> = {
  m: BPF_DEVCG_ACC_MKNOD,
  r: BPF_DEVCG_ACC_READ,
  w: BPF_DEVCG_ACC_WRITE,
};
const typeBits = { char: BPF_DEVCG_DEV_CHAR, block: BPF_DEVCG_DEV_BLOCK } as const;

/** The program: the last rule that matches decides; where none does, everything is allowed. */
export function deviceProgram(rules: readonly DeviceRuleOp[]): Uint8Array {
  const program: Instruction[] = [
    { op: LDX_W, dst: TYPE, src: R1 },
    { op: MOV32_X, dst: ACCESS, src: TYPE },
    { op: ALU32_AND_K, dst: TYPE, value: 0xffff },
    { op: ALU32_RSH_K, dst: ACCESS, value: 16 },
    { op: LDX_W, dst: MAJOR, src: R1, jump: 4 },
    { op: LDX_W, dst: MINOR, src: R1, jump: 8 },
  ];
  let decided = false;
  for (const rule of [...rules].reverse()) {
    const conditions = conditionsOf(rule);
    program.push(...withExits(conditions), { op: MOV64_K, dst: R0, value: rule.allow ? 1 : 0 }, { op: EXIT, dst: 0 });
    if (conditions.length > 0) continue;
    decided = true;
    break;
  }
  if (!decided) program.push({ op: MOV64_K, dst: R0, value: 1 }, { op: EXIT, dst: 0 });
  return encode(program);
}

/** Instructions of which each jump leaves the rule; `jump` is filled in by withExits. */
function conditionsOf({ type, major, minor, access, allow }: DeviceRuleOp): Instruction[] {
  const result: Instruction[] = [];
  if (type !== "all") result.push({ op: JNE_K, dst: TYPE, value: typeBits[type] });
  const bits = [...access].reduce((sum, letter) => sum | (accessBits[letter] ?? 0), 0);
  if (bits !== 7) result.push(...accessConditions(bits, allow));
  // A rule for every type names no numbers that count.
  if (type !== "all" && major !== undefined) result.push({ op: JNE_K, dst: MAJOR, value: major });
  if (type !== "all" && minor !== undefined) result.push({ op: JNE_K, dst: MINOR, value: minor });
  return result;
}

/** An allowing rule must cover all that is asked for; a forbidding one, any of it. */
function accessConditions(bits: number, allow: boolean): Instruction[] {
  const masked: Instruction[] = [
    { op: MOV32_X, dst: WANTED, src: ACCESS },
    { op: ALU32_AND_K, dst: WANTED, value: bits },
  ];
  return allow
    ? [...masked, { op: JNE_X, dst: WANTED, src: ACCESS }]
    : [...masked, { op: JEQ_K, dst: WANTED, value: 0 }];
}

/** Points the conditional jumps behind the rule: its two last instructions come after the conditions. */
function withExits(conditions: readonly Instruction[]): Instruction[] {
  return conditions.map((instruction, index) => {
    const isJump = instruction.op === JNE_K || instruction.op === JNE_X || instruction.op === JEQ_K;
    return isJump ? { ...instruction, jump: conditions.length - index - 1 + 2 } : instruction;
  });
}

/** struct bpf_insn: opcode, registers, 16-bit offset, 32-bit value; as two little-endian words. */
function encode(program: readonly Instruction[]): Uint8Array {
  const words = new Uint32Array(program.length * 2);
  let at = 0;
  for (const { op, dst, src = 0, jump = 0, value = 0 } of program) {
    words[at++] = op | (dst << 8) | (src << 12) | (jump << 16);
    words[at++] = value;
  }
  return new Uint8Array(words.buffer);
}
