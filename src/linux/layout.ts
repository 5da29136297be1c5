/**
 * Structs of the kernel as data: a layout names C's fields in order, and gives offsets, an encoder and a decoder.
 *
 * test/host/abi.test.ts checks every layout against the C headers. Both architectures are little-endian and 64-bit.
 */
import { address, type Bytes } from "host";

/** A field's type: a plain integer, `pointer` (to a buffer, or 0), or a run of bytes. */
export type FieldType = "u8" | "u16" | "s16" | "u32" | "s32" | "u64" | "s64" | "pointer" | `${number} bytes`;

type Value<T extends FieldType> = T extends "pointer"
  ? Bytes | null
  : T extends `${number} bytes`
    ? Uint8Array
    : T extends "u64" | "s64"
      ? number | bigint
      : number;

type Decoded<T extends FieldType> = T extends `${number} bytes`
  ? Uint8Array
  : T extends "u64" | "s64" | "pointer"
    ? bigint
    : number;

export interface Field {
  readonly type: FieldType;
  readonly offset: number;
  readonly size: number;
  /** Whether it holds a number of 32 bits or more. */
  readonly isWord: boolean;
}

/** A struct's layout. `size` is sizeof in bytes. */
export interface Layout<F extends Record<string, FieldType>> {
  readonly name: string;
  readonly size: number;
  readonly fields: Readonly<Record<keyof F, Field>>;
  /** A new buffer with these fields set and all others 0. The buffer does not keep pointed-to buffers alive. */
  encode(values: { readonly [K in keyof F]?: Value<F[K]> }): Uint8Array;
  /** Reads one field. */
  get<K extends keyof F>(buffer: Uint8Array, field: K, at?: number): Decoded<F[K]>;
  /** Reads a field of 64 bits whose value a number holds exactly. @throws RangeError for others */
  getNumber(buffer: Uint8Array, field: keyof F): number;
}

/** Size, alignment and range of the plain types. `wide` values may be bigints. */
const plainTypes = {
  u8: { size: 1, min: 0, max: 0xff, wide: false },
  u16: { size: 2, min: 0, max: 0xffff, wide: false },
  s16: { size: 2, min: -0x8000, max: 0x7fff, wide: false },
  u32: { size: 4, min: 0, max: 0xffff_ffff, wide: false },
  s32: { size: 4, min: -0x8000_0000, max: 0x7fff_ffff, wide: false },
  u64: { size: 8, min: 0, max: Number.MAX_SAFE_INTEGER, wide: true },
  s64: { size: 8, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, wide: true },
  pointer: { size: 8, min: 0, max: Number.MAX_SAFE_INTEGER, wide: true },
} as const;

type PlainType = keyof typeof plainTypes;

function plain(type: FieldType): (typeof plainTypes)[PlainType] | undefined {
  return Object.hasOwn(plainTypes, type) ? plainTypes[type as PlainType] : undefined;
}

/** Declares the layout of a C struct: fields in C's order and spelling, natural alignment. */
export function struct<F extends Record<string, FieldType>>(name: string, types: F): Layout<F> {
  return new StructLayout(name, types);
}

class StructLayout<F extends Record<string, FieldType>> implements Layout<F> {
  readonly name: string;
  readonly size: number;
  readonly fields: Readonly<Record<keyof F, Field>>;

  constructor(name: string, types: F) {
    let end = 0;
    let alignment = 1;
    const fields = {} as Record<keyof F, Field>;
    for (const key in types) {
      const type = types[key] as FieldType;
      const size = plain(type)?.size ?? Number.parseInt(type, 10);
      const align = plain(type)?.size ?? 1;
      const offset = Math.ceil(end / align) * align;
      fields[key] = { type, offset, size, isWord: plain(type) !== undefined && size >= 4 };
      end = offset + size;
      alignment = Math.max(alignment, align);
    }
    this.name = name;
    this.fields = fields;
    this.size = Math.ceil(end / alignment) * alignment;
  }

  encode(values: { readonly [K in keyof F]?: Value<F[K]> }): Uint8Array {
    const bytes = new Uint8Array(this.size);
    const { fields } = this;
    for (const name in values) {
      const value = values[name];
      // Zero is there already.
      if (value === undefined || value === 0 || value === null) continue;
      const field = fields[name];
      // Most numbers are small.
      if (field.isWord && typeof value === "number" && value === (value & 0x7fff_ffff))
        putNumber(bytes, field.offset, 4, value);
      else put(bytes, field, value);
    }
    return bytes;
  }

  get<K extends keyof F>(buffer: Uint8Array, field: K, start = 0): Decoded<F[K]> {
    const { type, offset, size } = this.fields[field];
    return take(buffer, type, start + offset, size) as Decoded<F[K]>;
  }

  getNumber(buffer: Uint8Array, field: keyof F): number {
    const { offset } = this.fields[field];
    const value = takeNumber(buffer, offset, 4) + takeNumber(buffer, offset + 4, 4) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw new RangeError(`${this.name}: ${String(field)} is beyond 53 bits`);
    return value;
  }
}

/** Writes one field after checking its width: a field never narrows a number silently. */
function put(bytes: Uint8Array, { type, offset, size }: Field, value: number | bigint | Bytes): void {
  if (typeof value === "object") {
    if (type === "pointer") putNumber(bytes, offset, 8, address(value));
    else putRun(bytes, offset, size, value as Uint8Array, type);
    return;
  }
  const range = plain(type);
  if (range === undefined) throw new RangeError(`${value} does not fit in ${type}`);
  if (typeof value === "bigint") {
    putWide(bytes, offset, value, type, range.wide);
    return;
  }
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw new RangeError(`${value} does not fit in ${type}`);
  }
  if (range.wide) putWide(bytes, offset, BigInt(value), type, true);
  else putNumber(bytes, offset, size, value + 256 ** size);
}

/** Little-endian; storing keeps the lowest eight bits. */
function putNumber(bytes: Uint8Array, offset: number, size: number, value: number): void {
  bytes[offset] = value;
  if (size === 1) return;
  bytes[offset + 1] = value >>> 8;
  if (size === 2) return;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
  if (size === 8 && value > 0xffff_ffff) putNumber(bytes, offset + 4, 4, Math.floor(value / 2 ** 32));
}

function putWide(bytes: Uint8Array, offset: number, value: bigint, type: FieldType, wide: boolean): void {
  // Not asUintN(64, …), which in this release of QuickJS makes 2^63 and more negative.
  const fits = type === "s64" ? BigInt.asIntN(64, value) === value : value >= 0n && value <= 0xffff_ffff_ffff_ffffn;
  if (!wide || !fits) throw new RangeError(`${value} does not fit in ${type}`);
  new DataView(bytes.buffer).setBigUint64(offset, value, true);
}

function putRun(bytes: Uint8Array, offset: number, size: number, run: Uint8Array, type: FieldType): void {
  if (run.byteLength === undefined || run.byteLength > size)
    throw new RangeError(`${run.byteLength} bytes do not fit in ${type}`);
  bytes.set(run, offset);
}

function take(buffer: Uint8Array, type: FieldType, at: number, size: number): unknown {
  switch (type) {
    case "u32":
      return takeNumber(buffer, at, 4);
    case "s32":
      return takeNumber(buffer, at, 4) | 0;
    case "u8":
    case "u16":
      return takeNumber(buffer, at, size);
    case "s16":
      return (takeNumber(buffer, at, 2) << 16) >> 16;
    case "u64":
    case "pointer":
      return new DataView(buffer.buffer, buffer.byteOffset).getBigUint64(at, true);
    case "s64":
      return new DataView(buffer.buffer, buffer.byteOffset).getBigInt64(at, true);
    default:
      return buffer.slice(at, at + size);
  }
}

function takeNumber(buffer: Uint8Array, at: number, size: number): number {
  if (size === 4)
    return (
      ((buffer[at] as number) |
        ((buffer[at + 1] as number) << 8) |
        ((buffer[at + 2] as number) << 16) |
        ((buffer[at + 3] as number) << 24)) >>>
      0
    );
  let value = 0;
  for (let index = size - 1; index >= 0; index--) value = value * 256 + (buffer[at + index] as number);
  return value;
}
