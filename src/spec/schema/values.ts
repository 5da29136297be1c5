/**
 * The building blocks of the schema.
 *
 * Build-time only: tools/gen-validators turns the schema into code, and everything else imports its types. Integers
 * carry their exact bounds in the keyword `integer`, as a double cannot hold 2^64-1.
 */
import Type, { type TSchema, type TUnsafe } from "typebox";

/** Bounds of an integer, both inclusive, as decimal digits. */
export interface IntegerBounds {
  readonly min: string;
  readonly max: string;
}

/** A 64-bit integer: a number where that is exact (a safe integer), a bigint beyond. */
export type Int64 = number | bigint;

/** An integer of at most 53 bits. */
export function int(min: number, max: number): TUnsafe<number> {
  return Type.Unsafe<number>({ integer: { min: String(min), max: String(max) } satisfies IntegerBounds });
}

function int64Between(min: bigint, max: bigint): TUnsafe<Int64> {
  return Type.Unsafe<Int64>({ integer: { min: String(min), max: String(max) } satisfies IntegerBounds });
}

export const uint16 = int(0, 0xffff);
export const uint32 = int(0, 0xffff_ffff);
export const int32 = int(-0x8000_0000, 0x7fff_ffff);
export const int64 = int64Between(-(2n ** 63n), 2n ** 63n - 1n);
export const uint64 = int64Between(0n, 2n ** 64n - 1n);

/** A user or group id. 4294967295 is (uid_t)-1, which setresuid(2) and chown(2) read as "leave as it is". */
export const id = int(0, 0xffff_fffe);

export const text = Type.String();
export const texts = Type.Array(text);
export const flag = Type.Boolean();
export const textMap = Type.Record(text, text);

/** One word of a list. */
export function word<const Words extends readonly string[]>(words: Words): TUnsafe<Words[number]> {
  return Type.Unsafe<Words[number]>({ enum: [...words] });
}

/** A property that may be absent. */
export function opt<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(schema);
}

/** Objects and lists; properties that are not named here are ignored, as the specification asks. */
export const object = Type.Object;
export const list = Type.Array;
/** An object whose keys are free and whose values are alike. */
export function mapOf<Schema extends TSchema>(schema: Schema) {
  return Type.Record(text, schema);
}
