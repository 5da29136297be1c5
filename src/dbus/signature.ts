/** Types of D-Bus as their signatures write them: `a(sv)` (D-Bus specification, "Type System"). */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

export type Basic = "y" | "b" | "n" | "q" | "i" | "u" | "x" | "t" | "d" | "s" | "o" | "g" | "h";

export type Type =
  | { readonly kind: Basic }
  | { readonly kind: "v" }
  | { readonly kind: "a"; readonly of: Type }
  /** A struct, or an entry of a dictionary. */
  | { readonly kind: "("; readonly fields: readonly Type[] };

/** Containers in containers, at most: the specification allows 32 arrays and 32 structs. */
const maxDepth = 64;
const maxLength = 255;

/** Reads a signature of any number of complete types. @throws BoxError when it is none */
export function parseSignature(text: string): readonly Type[] {
  if (text.length > maxLength) throw new BoxError(`D-Bus: a signature of ${text.length} characters`);
  const types: Type[] = [];
  for (let at = 0; at < text.length; ) {
    const { type, end } = parseType(text, at, 0);
    types.push(type);
    at = end;
  }
  return types;
}

/** Reads a signature of one complete type. */
export function parseSingle(text: string): Type {
  const [type, ...more] = parseSignature(text);
  if (type === undefined || more.length > 0) throw notASignature(text);
  return type;
}

interface Parsed {
  readonly type: Type;
  /** Where the next type begins. */
  readonly end: number;
}

function parseType(text: string, at: number, depth: number): Parsed {
  const kind = text.charAt(at);
  if (depth > maxDepth) throw notASignature(text);
  if (kind === "a") {
    const { type, end } = parseType(text, at + 1, depth + 1);
    return { type: { kind, of: type }, end };
  }
  if (kind === "(" || kind === "{") return parseFields(text, at, depth, kind === "(" ? ")" : "}");
  if (kind === "v") return { type: { kind }, end: at + 1 };
  if (isBasic(kind)) return { type: { kind }, end: at + 1 };
  throw notASignature(text);
}

function parseFields(text: string, at: number, depth: number, close: string): Parsed {
  const fields: Type[] = [];
  let end = at + 1;
  while (text.charAt(end) !== close) {
    const field = parseType(text, end, depth + 1);
    fields.push(field.type);
    end = field.end;
  }
  const isEntry = close === "}";
  if (fields.length === 0 || (isEntry && (fields.length !== 2 || text.charAt(at - 1) !== "a")))
    throw notASignature(text);
  return { type: { kind: "(", fields }, end: end + 1 };
}

function isBasic(kind: string): kind is Basic {
  return kind !== "" && "ybnqiuxtdsogh".includes(kind);
}

function notASignature(text: string): BoxError {
  return new BoxError(`D-Bus: ${quote(text)} is not a signature`);
}

/** The boundary on which a value of this type begins. */
export function alignmentOf({ kind }: Type): number {
  if (kind === "y" || kind === "g" || kind === "v") return 1;
  if (kind === "n" || kind === "q") return 2;
  return kind === "x" || kind === "t" || kind === "d" || kind === "(" ? 8 : 4;
}
