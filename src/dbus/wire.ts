/** Values of D-Bus as bytes (D-Bus specification, "Marshaling (Wire Format)"); what comes in is not trusted. */
import { BoxError } from "../base/errors.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import { alignmentOf, parseSignature, parseSingle, type Type } from "./signature.ts";

/** A value with its type: `v`. */
export interface Variant {
  /** Of one complete type. */
  readonly signature: string;
  readonly value: Value;
}

/** x and t are read as bigint, and written from either; structs and entries of dictionaries are lists, `ay` is bytes. */
export type Value = boolean | number | bigint | string | Uint8Array | Variant | readonly Value[];

/** Of a message in either direction: what we ask for and are told is a few hundred bytes. */
export const maxMessage = 1 << 20;

/** Integers by type: size in bytes, and whether they have a sign. */
const integers = { y: [1, false], n: [2, true], q: [2, false], i: [4, true], u: [4, false], h: [4, false] } as const;

/** Bytes of these values, one for each complete type of the signature. @throws RangeError when one does not fit its type */
export function marshal(signature: string, values: readonly Value[]): Uint8Array {
  const types = parseSignature(signature);
  if (types.length !== values.length) throw new RangeError(`${values.length} values for the signature ${signature}`);
  const writer = new Writer();
  types.forEach((type, index) => {
    writer.value(type, values[index] as Value);
  });
  return writer.bytes();
}

class Writer {
  #buffer = new Uint8Array(512);
  #length = 0;

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Room for `size` more bytes, which are zero; returns where it begins. */
  #grow(size: number): number {
    const start = this.#length;
    this.#length += size;
    if (this.#length > maxMessage) throw new BoxError(`D-Bus: a message of more than ${maxMessage} bytes`);
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#buffer.length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return start;
  }

  #view(size: number): [DataView, number] {
    const at = this.#grow(size);
    return [new DataView(this.#buffer.buffer), at];
  }

  align(boundary: number): void {
    this.#grow(-this.#length & (boundary - 1));
  }

  value(type: Type, value: Value): void {
    this.align(alignmentOf(type));
    switch (type.kind) {
      case "b":
        this.#integer("u", asBoolean(value) ? 1 : 0);
        return;
      case "x":
      case "t":
        this.#wide(type.kind, value);
        return;
      case "d": {
        const [view, at] = this.#view(8);
        view.setFloat64(at, asNumber(value), true);
        return;
      }
      case "s":
      case "o":
        this.#text(asText(value), "u");
        return;
      case "g":
        this.#text(asText(value), "y");
        return;
      case "v":
        this.#variant(value as Variant);
        return;
      case "a":
        this.#array(type.of, value);
        return;
      case "(":
        this.#struct(type.fields, asList(value));
        return;
      default:
        this.#integer(type.kind, asNumber(value));
    }
  }

  #integer(kind: keyof typeof integers, value: number): void {
    const [size, signed] = integers[kind];
    const [low, high] = signed ? [-(2 ** (8 * size - 1)), 2 ** (8 * size - 1)] : [0, 2 ** (8 * size)];
    if (!Number.isInteger(value) || value < low || value >= high)
      throw new RangeError(`${value} does not fit in "${kind}"`);
    const [view, at] = this.#view(size);
    for (let index = 0, rest = value < 0 ? value + 2 ** (8 * size) : value; index < size; index++) {
      view.setUint8(at + index, rest % 256);
      rest = Math.floor(rest / 256);
    }
  }

  #wide(kind: "x" | "t", value: Value): void {
    if (typeof value !== "bigint" && !Number.isSafeInteger(value))
      throw new RangeError(`"${kind}" from ${typeof value}`);
    const number = BigInt(value as bigint | number);
    const [low, high] = kind === "x" ? [-(2n ** 63n), 2n ** 63n] : [0n, 2n ** 64n];
    if (number < low || number >= high) throw new RangeError(`${number} does not fit in "${kind}"`);
    const [view, at] = this.#view(8);
    if (kind === "x") view.setBigInt64(at, number, true);
    else view.setBigUint64(at, number, true);
  }

  #text(text: string, length: "u" | "y"): void {
    if (text.includes("\0")) throw new RangeError("a D-Bus string with a NUL character");
    const bytes = encodeUtf8(text);
    this.#integer(length, bytes.length);
    // And the NUL that ends it.
    const at = this.#grow(bytes.length + 1);
    this.#buffer.set(bytes, at);
  }

  #variant({ signature, value }: Variant): void {
    this.#text(signature, "y");
    this.value(parseSingle(signature), value);
  }

  #array(of: Type, value: Value): void {
    const [, lengthAt] = this.#view(4);
    // Not part of the length, and there even when the array is empty.
    this.align(alignmentOf(of));
    const start = this.#length;
    if (value instanceof Uint8Array && of.kind === "y") this.#buffer.set(value, this.#growFor(value));
    else for (const element of asList(value)) this.value(of, element);
    new DataView(this.#buffer.buffer).setUint32(lengthAt, this.#length - start, true);
  }

  #growFor(bytes: Uint8Array): number {
    return this.#grow(bytes.length);
  }

  #struct(fields: readonly Type[], values: readonly Value[]): void {
    if (fields.length !== values.length) throw new RangeError(`${values.length} values for ${fields.length} fields`);
    fields.forEach((field, index) => {
      this.value(field, values[index] as Value);
    });
  }
}

function asBoolean(value: Value): boolean {
  if (typeof value !== "boolean") throw new RangeError(`a boolean from ${typeof value}`);
  return value;
}

function asNumber(value: Value): number {
  if (typeof value !== "number") throw new RangeError(`a number from ${typeof value}`);
  return value;
}

function asText(value: Value): string {
  if (typeof value !== "string") throw new RangeError(`a string from ${typeof value}`);
  return value;
}

function asList(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new RangeError(`a list from ${typeof value}`);
  return value;
}

/** The values of a signature. @throws BoxError for bytes that are not exactly those values */
export function unmarshal(signature: string, bytes: Uint8Array): readonly Value[] {
  const reader = new Reader(bytes);
  const values = parseSignature(signature).map((type) => reader.value(type));
  reader.end();
  return values;
}

/** Reads values from the beginning of `bytes`, and tells how long they were. */
export function unmarshalPrefix(
  signature: string,
  bytes: Uint8Array,
): { readonly values: readonly Value[]; readonly length: number } {
  const reader = new Reader(bytes);
  const values = parseSignature(signature).map((type) => reader.value(type));
  return { values, length: reader.at };
}

/** Variants in variants, at most. */
const maxNesting = 32;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;
  #nesting = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  end(): void {
    if (this.at !== this.#bytes.length) throw malformed("bytes are left over");
  }

  /** Passes `size` bytes, which must be there; returns where they begin. */
  #take(size: number): number {
    const start = this.at;
    if (size > this.#bytes.length - start) throw malformed("cut short");
    this.at += size;
    return start;
  }

  #align(boundary: number): void {
    this.#take(-this.at & (boundary - 1));
  }

  value(type: Type): Value {
    this.#align(alignmentOf(type));
    switch (type.kind) {
      case "b": {
        const flag = this.#integer("u");
        if (flag > 1) throw malformed("a boolean that is neither 0 nor 1");
        return flag === 1;
      }
      case "x":
        return this.#view.getBigInt64(this.#take(8), true);
      case "t":
        return this.#view.getBigUint64(this.#take(8), true);
      case "d":
        return this.#view.getFloat64(this.#take(8), true);
      case "s":
      case "o":
        return this.#text(this.#integer("u"));
      case "g":
        return this.#text(this.#integer("y"));
      case "v":
        return this.#variant();
      case "a":
        return this.#array(type.of);
      case "(":
        return type.fields.map((field) => this.value(field));
      default:
        return this.#integer(type.kind);
    }
  }

  #integer(kind: keyof typeof integers): number {
    const [size, signed] = integers[kind];
    const at = this.#take(size);
    let value = 0;
    for (let index = size - 1; index >= 0; index--) value = value * 256 + (this.#bytes[at + index] as number);
    return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
  }

  #text(length: number): string {
    const start = this.#take(length + 1);
    const bytes = this.#bytes.subarray(start, start + length);
    if (this.#bytes[start + length] !== 0 || bytes.includes(0)) throw malformed("a string without its end");
    try {
      return decodeUtf8(bytes);
    } catch {
      throw malformed("a string that is not UTF-8");
    }
  }

  #variant(): Variant {
    if (++this.#nesting > maxNesting) throw malformed(`more than ${maxNesting} variants in one another`);
    const signature = this.#text(this.#integer("y"));
    const value = this.value(parseSingle(signature));
    this.#nesting--;
    return { signature, value };
  }

  #array(of: Type): Value {
    const length = this.#integer("u");
    this.#align(alignmentOf(of));
    const end = this.at + length;
    if (end > this.#bytes.length) throw malformed("cut short");
    if (of.kind === "y") return this.#bytes.slice(this.#take(length), end);
    const values: Value[] = [];
    while (this.at < end) values.push(this.value(of));
    if (this.at !== end) throw malformed("an array of another length than it says");
    return values;
  }
}

function malformed(how: string): BoxError {
  return new BoxError(`D-Bus: malformed message: ${how}`);
}
