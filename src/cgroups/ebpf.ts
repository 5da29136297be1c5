/**
 * The device filter of cgroup v2: rules to an eBPF program. Pure.
 *
 * The kernel calls it with struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; } where access_type holds
 * the type in its low and the access in its high 16 bits, and refuses where the answer is 0. linux/bpf.h
 *
 * Before it takes a program the kernel walks every way through it, at each start of a container. So a rule is one
 * comparison if it can be, and nothing is known on the way to the next rule that would make that another way.
 */

import {
  BPF_DEVCG_ACC_MKNOD,
  BPF_DEVCG_ACC_READ,
  BPF_DEVCG_ACC_WRITE,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
} from "../linux/constants.ts";
import type { DeviceRuleOp } from "./ops.ts";

/** Opcodes, from linux/bpf.h: class | size or operation | source. Comparisons are of 32 bits, Linux 5.1. */
const LDX_W = 0x61;
const ALU32_AND_K = 0x54;
const ALU32_LSH_K = 0x64;
const ALU32_RSH_K = 0x74;
const ALU32_OR_X = 0x4c;
const MOV32_X = 0xbc;
const MOV64_K = 0xb7;
const JA = 0x05;
const JSET32_K = 0x46;
const JNE32_K = 0x56;
const EXIT = 0x95;

/** Registers: r1 is the context; the others are ours. `DEVICE` is major and minor in one. */
const [R0, R1, TYPE, ACCESS, MAJOR, MINOR, DEVICE] = [0, 1, 2, 3, 4, 5, 6] as const;

/** How the kernel packs a device's numbers: kdev_t.h. */
const minorBits = 20;
const maxMajor = 0xfff;
const maxMinor = 0xfffff;

const accessBits: Readonly<Record<string, number>> = {
  m: BPF_DEVCG_ACC_MKNOD,
  r: BPF_DEVCG_ACC_READ,
  w: BPF_DEVCG_ACC_WRITE,
};
const everyAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
const typeBits = { char: BPF_DEVCG_DEV_CHAR, block: BPF_DEVCG_DEV_BLOCK } as const;

/** So many rules, of five instructions at most each, a jump can pass: its offset has 16 bits. */
const reach = 4096;

/** The program: the last rule that matches decides; where none does, everything is allowed. */
export function deviceProgram(rules: readonly DeviceRuleOp[]): Uint8Array {
  const program = new Program();
  program.add(LDX_W, TYPE, R1);
  program.add(LDX_W, MAJOR, R1, 4);
  program.add(LDX_W, MINOR, R1, 8);
  program.add(MOV32_X, ACCESS, TYPE);
  program.add(ALU32_RSH_K, ACCESS, 0, 0, 16);
  program.add(ALU32_AND_K, TYPE, 0, 0, 0xffff);
  program.add(MOV32_X, DEVICE, MAJOR);
  program.add(ALU32_LSH_K, DEVICE, 0, 0, minorBits);
  program.add(ALU32_OR_X, DEVICE, MINOR);
  for (let last = rules.length - 1; last >= 0; ) {
    // Rules of one type that follow each other share its comparison.
    const { type } = rules[last] as DeviceRuleOp;
    const pass = type === "all" ? undefined : program.jump(JNE32_K, TYPE, typeBits[type]);
    let decided = false;
    for (let count = 0; count < reach && rules[last]?.type === type; count++, last--)
      decided ||= addRule(program, rules[last] as DeviceRuleOp);
    if (pass !== undefined) program.land(pass);
    else if (decided) return program.bytes();
  }
  program.answer(true);
  return program.bytes();
}

/** @returns whether it decides of all devices of its type */
function addRule(program: Program, { type, major, minor, access, allow }: DeviceRuleOp): boolean {
  let bits = 0;
  for (const letter of access) bits |= accessBits[letter] ?? 0;
  // A rule for every type names no numbers that count.
  const numbers = type === "all" ? undefined : comparisonOf(major, minor);
  if (numbers === "of no device") return false;
  const leaving: number[] = [];
  if (bits !== everyAccess) {
    // An allowing rule must cover all that is asked for; a forbidding one, any of it.
    if (allow) leaving.push(program.jump(JSET32_K, ACCESS, everyAccess & ~bits));
    else {
      const hit = program.jump(JSET32_K, ACCESS, bits);
      leaving.push(program.jump(JA, 0, 0));
      program.land(hit);
    }
  }
  if (numbers !== undefined) leaving.push(program.jump(JNE32_K, ...numbers));
  program.answer(allow);
  for (const jump of leaving) program.land(jump);
  return leaving.length === 0;
}

/** What tells the devices of a rule from others of their type; undefined for one that is of all. */
function comparisonOf(
  major: number | undefined,
  minor: number | undefined,
): readonly [register: number, value: number] | "of no device" | undefined {
  if ((major ?? 0) > maxMajor || (minor ?? 0) > maxMinor) return "of no device";
  if (major === undefined) return minor === undefined ? undefined : [MINOR, minor];
  return minor === undefined ? [MAJOR, major] : [DEVICE, (major << minorBits) | minor];
}

/** Instructions, each a struct bpf_insn: opcode, registers, 16-bit offset, 32-bit value; as two little-endian words. */
class Program {
  readonly #words: number[] = [];

  /** @param offset of what is loaded in the context, or in instructions after this one */
  add(op: number, dst: number, src = 0, offset = 0, value = 0): void {
    this.#words.push(op | (dst << 8) | (src << 12) | (offset << 16), value);
  }

  /** @returns the jump, for `land` */
  jump(op: number, dst: number, value: number): number {
    this.add(op, dst, 0, 0, value);
    return this.#words.length;
  }

  /** Points a jump to what comes next. */
  land(jump: number): void {
    this.#words[jump - 2] = (this.#words[jump - 2] as number) | (((this.#words.length - jump) / 2) << 16);
  }

  answer(allow: boolean): void {
    this.add(MOV64_K, R0, 0, 0, allow ? 1 : 0);
    this.add(EXIT, 0);
  }

  bytes(): Uint8Array {
    return new Uint8Array(new Uint32Array(this.#words).buffer);
  }
}
