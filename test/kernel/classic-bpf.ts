/** Runs a seccomp filter as the kernel does: classic BPF over struct seccomp_data, the instructions that filters have. */

/** What a filter sees of one call. */
export interface Call {
  /** AUDIT_ARCH_* */
  readonly arch: number;
  readonly number: number;
  /** Up to six arguments, 64 bits each. */
  readonly args?: readonly bigint[];
}

/** The value that the program returns for a call. */
export function judge(program: Uint8Array, { arch, number, args = [] }: Call): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, number, true);
  data.setUint32(4, arch, true);
  args.forEach((value, index) => {
    data.setUint32(16 + 8 * index, Number(value & 0xffff_ffffn), true);
    data.setUint32(20 + 8 * index, Number((value >> 32n) & 0xffff_ffffn), true);
  });
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  let a = 0;
  for (let at = 0; ; at++) {
    const [opcode, jt, jf] = [code.getUint16(8 * at, true), code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const k = code.getUint32(8 * at + 4, true);
    const jump = (taken: boolean): void => {
      at += taken ? jt : jf;
    };
    switch (opcode) {
      case 0x20: // load a word of the data
        a = data.getUint32(k, true);
        break;
      case 0x54: // and
        a = (a & k) >>> 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        jump(a === k);
        break;
      case 0x25:
        jump(a > k);
        break;
      case 0x35:
        jump(a >= k);
        break;
      case 0x45:
        jump((a & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${at} is ${opcode.toString(16)}, which no filter has`);
    }
  }
}
