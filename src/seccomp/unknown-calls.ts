/**
 * What stands before a filter that forbids what it does not name: system calls that are newer than the profile.
 *
 * A C library that tries a new call (clone3, faccessat2) falls back to the old one when the kernel says ENOSYS, but takes
 * EPERM for an answer. A profile cannot name what came after it; so calls above the largest number that it names for an
 * architecture get ENOSYS, whatever its default action is.
 */
import { ENOSYS, SECCOMP_RET_ERRNO } from "../linux/constants.ts";

/** The calls of one architecture. */
export interface KnownCalls {
  /** libseccomp's name and token of it: for all but x32 the kernel's AUDIT_ARCH_*. */
  readonly name: string;
  readonly token: number;
  /** The numbers that the profile names. */
  readonly numbers: readonly number[];
}

/** One instruction of classic BPF: code, jump if true, jump if false, constant. struct sock_filter */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

const LD_W_ABS = 0x20;
const JA = 0x05;
const JEQ_K = 0x15;
const JGT_K = 0x25;
const JGE_K = 0x35;
const RET_K = 0x06;
/** struct seccomp_data */
const numberOffset = 0;
const archOffset = 4;

/** x32 is an x86_64 whose calls have this bit. */
const x32Bit = 0x4000_0000;
/** arm's own calls begin here, far above those that all architectures share. */
const armPrivate = 0x0f_0000;

/** Numbers above `last` are unknown, but those from `end` on are another range's. */
interface Range {
  readonly last: number;
  readonly end: number | undefined;
}

/** The instructions; none where the profile names no call of any architecture. They fall through to the filter. */
export function unknownCallsPrefix(architectures: readonly KnownCalls[]): Instruction[] {
  const byToken = new Map<number, Range[]>();
  const x86 = architectures.find(({ name }) => name === "x86_64")?.token;
  for (const { name, token, numbers } of architectures) {
    const end = name === "x86_64" ? x32Bit : name === "arm" ? armPrivate : undefined;
    const known = numbers.filter((number) => number < (end ?? Number.POSITIVE_INFINITY));
    const kernelToken = name === "x32" ? x86 : token;
    if (known.length === 0 || kernelToken === undefined) continue;
    const ranges = [...(byToken.get(kernelToken) ?? []), { last: Math.max(...known), end }];
    byToken.set(
      kernelToken,
      ranges.sort((a, b) => a.last - b.last),
    );
  }
  return byToken.size === 0 ? [] : assemble(byToken);
}

/**
 *     for each architecture A:
 *       arch ≠ A → next architecture
 *       for each range: number ≥ end → next range, or the filter; number > last → ENOSYS, else → the filter
 *     → the filter
 *     ENOSYS
 *     the filter …
 */
function assemble(byToken: ReadonlyMap<number, readonly Range[]>): Instruction[] {
  const blocks = [...byToken].map(([token, ranges]) => {
    return { token, ranges, length: 2 + ranges.length + ranges.filter(({ end }) => end !== undefined).length };
  });
  const enosys = blocks.reduce((at, { length }) => at + length, 2);
  const filter = enosys + 1;
  const program: Instruction[] = [[LD_W_ABS, 0, 0, archOffset]];
  const to = (target: number): number => target - program.length - 1;

  for (const { token, ranges, length } of blocks) {
    program.push([JEQ_K, 0, length - 1, token], [LD_W_ABS, 0, 0, numberOffset]);
    ranges.forEach(({ last, end }, index) => {
      if (end !== undefined) program.push([JGE_K, index + 1 < ranges.length ? 1 : to(filter), 0, end]);
      program.push([JGT_K, to(enosys), to(filter), last]);
    });
  }
  program.push([JA, 0, 0, to(filter)], [RET_K, 0, 0, SECCOMP_RET_ERRNO + ENOSYS]);
  return program;
}

/** The bytes of instructions, little-endian as both architectures of box are. */
export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, jt, jf, k], index) => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  });
  return bytes;
}
