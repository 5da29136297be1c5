/**
 * Structs of the kernel as data: a layout names C's fields in order, and gives offsets, an encoder and a decoder.
 *
 * test/host/abi.test.ts checks every layout against the C headers. Both architectures are little-endian and 64-bit.
 */
import { address } from "host";

/** A field's type: a plain integer, `buffer` (a pointer to a buffer, or 0), or a run of bytes. */
export type FieldType = "u8" | "u16" | "s16" | "u32" | "s32" | "u64" | "s64" | "pointer" | `${number} bytes`;

type Value<T extends FieldType> = T extends "pointer"
  ? ArrayBuffer | ArrayBufferView | null
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
}

function sizeOf(type: FieldType): { size: number; align: number } {
  switch (type) {
    case "u8":
      return { size: 1, align: 1 };
    case "u16":
    case "s16":
      return { size: 2, align: 2 };
    case "u32":
    case "s32":
      return { size: 4, align: 4 };
    case "u64":
    case "s64":
    case "pointer":
      return { size: 8, align: 8 };
    default:
      return { size: Number.parseInt(type, 10), align: 1 };
  }
}

/** Offsets of the fields, the struct's size and its alignment. */
function measure<F extends Record<string, FieldType>>(types: F): { fields: Record<keyof F, Field>; size: number } {
  let end = 0;
  let alignment = 1;
  const fields = {} as Record<keyof F, Field>;
  for (const key in types) {
    const type = types[key] as FieldType;
    const { size, align } = sizeOf(type);
    const offset = Math.ceil(end / align) * align;
    fields[key] = { type, offset, size };
    end = offset + size;
    alignment = Math.max(alignment, align);
  }
  return { fields, size: Math.ceil(end / alignment) * alignment };
}

/**
 * Declares the layout of a C struct: fields in C's order and spelling, natural alignment.
 * Measured when it is first used: a command uses few of them.
 */
export function struct<F extends Record<string, FieldType>>(name: string, types: F): Layout<F> {
  return new StructLayout(name, types);
}

class StructLayout<F extends Record<string, FieldType>> implements Layout<F> {
  readonly name: string;
  readonly #types: F;
  #measured: ReturnType<typeof measure<F>> | undefined;

  constructor(name: string, types: F) {
    this.name = name;
    this.#types = types;
  }

  #get(): ReturnType<typeof measure<F>> {
    this.#measured ??= measure(this.#types);
    return this.#measured;
  }

  get size(): number {
    return this.#get().size;
  }

  get fields(): Readonly<Record<keyof F, Field>> {
    return this.#get().fields;
  }

  encode(values: { readonly [K in keyof F]?: Value<F[K]> }): Uint8Array {
    const { fields, size } = this.#get();
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    for (const key in values) {
      const value = values[key];
      // Zero is there already.
      if (value !== undefined && value !== 0) put(view, bytes, fields[key], value);
    }
    return bytes;
  }

  get<K extends keyof F>(buffer: Uint8Array, field: K, start = 0): Decoded<F[K]> {
    const { type, offset, size } = this.#get().fields[field];
    return take(buffer, type, start + offset, size) as Decoded<F[K]>;
  }
}

/** Checks the width: a register or a field never narrows a number silently. */
function integer(value: number, bits: number, signed: boolean, what: FieldType): number {
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const max = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`${value} does not fit in ${what}`);
  return value;
}

function put(view: DataView, bytes: Uint8Array, { type, offset, size }: Field, value: unknown): void {
  switch (type) {
    case "u64":
      putU64(view, offset, value as number | bigint);
      break;
    case "u32":
      view.setUint32(offset, integer(value as number, 32, false, type), true);
      break;
    case "pointer":
      putU64(view, offset, value === null ? 0 : address(value as ArrayBuffer));
      break;
    case "s32":
      view.setInt32(offset, integer(value as number, 32, true, type), true);
      break;
    case "u8":
      view.setUint8(offset, integer(value as number, 8, false, type));
      break;
    case "u16":
      view.setUint16(offset, integer(value as number, 16, false, type), true);
      break;
    case "s16":
      view.setInt16(offset, integer(value as number, 16, true, type), true);
      break;
    case "s64": {
      const wide = BigInt(value as number | bigint);
      if (BigInt.asIntN(64, wide) !== wide) throw new RangeError(`${wide} does not fit in s64`);
      view.setBigInt64(offset, wide, true);
      break;
    }
    default: {
      const run = value as Uint8Array;
      if (run.byteLength > size) throw new RangeError(`${run.byteLength} bytes do not fit in ${size}`);
      bytes.set(run, offset);
    }
  }
}

function putU64(view: DataView, offset: number, value: number | bigint): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} does not fit in u64`);
    view.setUint32(offset, value % 2 ** 32, true);
    view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
    return;
  }
  // Not asUintN(): this release of QuickJS turns 2^63 and more into a negative number there.
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${value} does not fit in u64`);
  view.setBigUint64(offset, value, true);
}

function take(buffer: Uint8Array, type: FieldType, at: number, size: number): unknown {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "s16":
      return view.getInt16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "s32":
      return view.getInt32(at, true);
    case "u64":
    case "pointer":
      return view.getBigUint64(at, true);
    case "s64":
      return view.getBigInt64(at, true);
    default:
      return buffer.slice(at, at + size);
  }
}
