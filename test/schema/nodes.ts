/** Documents made from the schema: random right ones, a full one, and every place in them that can be spoilt. */
import * as fc from "fast-check";
import { type Node, nodes } from "../../tools/gen-validators.ts";

/** The schema of a named part. */
export function nodeOf(name: string): Node {
  const node = nodes[name];
  if (node === undefined) throw new Error(`the schema has no ${name}`);
  return node;
}

/** An integer as the decoder gives it: a number while that is exact. */
export function exact(integer: bigint): number | bigint {
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

function bounds(node: Node): readonly [min: bigint, max: bigint] {
  return [BigInt(node.integer?.min ?? 0), BigInt(node.integer?.max ?? 0)];
}

function valuesOf(node: Node): Node | undefined {
  return Object.values(node.patternProperties ?? {})[0];
}

/** Values that the schema allows. */
export function arbitrary(node: Node): fc.Arbitrary<unknown> {
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (node.integer !== undefined) {
    const [min, max] = bounds(node);
    return fc.oneof(fc.constantFrom(min, max), fc.bigInt({ min, max })).map(exact);
  }
  if (node.type === "string")
    return fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("/", "1.0.0", "0-3", "MB:0=1"));
  if (node.type === "boolean") return fc.boolean();
  if (node.items !== undefined) {
    return fc.array(arbitrary(node.items), { minLength: node.minItems ?? 0, maxLength: 3 });
  }
  const values = valuesOf(node);
  if (values !== undefined)
    return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), arbitrary(values), { maxKeys: 3 });
  const properties = node.properties ?? {};
  const parts = Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, arbitrary(child)]));
  return fc.record(parts, { requiredKeys: [...(node.required ?? [])] });
}

/** A value that has every property, and one item of every array and map. */
export function full(node: Node): unknown {
  if (node.enum !== undefined) return node.enum[0];
  if (node.integer !== undefined) return exact(bounds(node)[1]);
  if (node.type === "string") return "/x";
  if (node.type === "boolean") return true;
  if (node.items !== undefined) return [full(node.items)];
  const values = valuesOf(node);
  if (values !== undefined) return { key: full(values) };
  return Object.fromEntries(Object.entries(node.properties ?? {}).map(([key, child]) => [key, full(child)]));
}

/** One place in a full document. */
export interface Place {
  /** As the findings write it. */
  readonly path: string;
  readonly steps: readonly (string | number)[];
  readonly node: Node;
  readonly required: boolean;
  /** Where the flag is without which nothing is judged here. */
  readonly onlyWith?: readonly (string | number)[];
}

/** Every place in the full document of a node, the document itself first. */
export function places(node: Node, path = "", steps: readonly (string | number)[] = [], required = true): Place[] {
  const here: Place = { path: path.replace(/^\./, ""), steps, node, required };
  if (node.items !== undefined) return [here, ...places(node.items, `${path}[0]`, [...steps, 0])];
  const values = valuesOf(node);
  if (values !== undefined) return [here, ...places(values, `${path}["key"]`, [...steps, "key"])];
  const children = Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const wanted = (node.required?.includes(key) ?? false) && child.default === undefined;
    const inner = places(child, `${path}.${key}`, [...steps, key], wanted);
    const { onlyWith } = child;
    return onlyWith === undefined ? inner : inner.map((place) => ({ ...place, onlyWith: [...steps, onlyWith] }));
  });
  return [here, ...children];
}

/** A copy of `document` with `value` at `steps`; without the property or item when it is undefined. */
export function spoilt(document: unknown, steps: readonly (string | number)[], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  const copy = (Array.isArray(document) ? [...document] : { ...(document as object) }) as Record<
    string | number,
    unknown
  >;
  const inner = spoilt(copy[step], rest, value);
  if (inner === undefined && Array.isArray(copy)) copy.splice(Number(step), 1);
  else if (inner === undefined) delete copy[step];
  else copy[step] = inner;
  return copy;
}

/** Values of which none is right at a place. */
export function wrongValues(node: Node): unknown[] {
  if (node.enum !== undefined) return [`${node.enum[0]} `, "", 0, null, [node.enum[0]], {}];
  if (node.integer !== undefined) {
    const [min, max] = bounds(node);
    return [exact(min - 1n), exact(max + 1n), 0.5, -0, Number.NaN, "1", null, true, [], {}];
  }
  if (node.type === "string") return [0, null, true, ["x"], {}, "a\0b", "a\ud800"];
  if (node.type === "boolean") return ["true", 0, 1, null, [], {}];
  if (node.items !== undefined) return [{}, { length: 0 }, "x", 0, null, ...(node.minItems === undefined ? [] : [[]])];
  return [[], "x", 0, null, true];
}
