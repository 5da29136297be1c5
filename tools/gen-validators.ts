/**
 * Turns the schema of src/spec/schema into code: build/generated/validators.js, imported as "#validators".
 *
 * A general schema compiler brings 64-bit integers, exact bounds and readable messages only with an adapter around it,
 * and ten times the code. Ours knows the dozen forms that the schema uses and emits one function for each named object;
 * the tests compare its verdicts with ajv's on the JSON Schema that it writes beside, build/generated/config-schema.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { stringifyJson } from "../src/base/json.ts";
import * as hooks from "../src/spec/schema/hooks.ts";
import * as linux from "../src/spec/schema/linux.ts";
import * as mounts from "../src/spec/schema/mounts.ts";
import * as processSchema from "../src/spec/schema/process.ts";
import * as resources from "../src/spec/schema/resources.ts";
import * as seccomp from "../src/spec/schema/seccomp.ts";
import * as spec from "../src/spec/schema/spec.ts";
import type { IntegerBounds } from "../src/spec/schema/values.ts";
import * as vocabulary from "../src/spec/vocabulary.ts";

/** The JSON form of a schema node, as far as ours use it. */
export interface Node {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly integer?: IntegerBounds;
  readonly items?: Node;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly default?: unknown;
  /** A flag beside this property that must be true for it to be judged: else it is ignored, whatever it is. */
  readonly onlyWith?: string;
}

const named = { ...hooks, ...linux, ...mounts, ...processSchema, ...resources, ...seccomp, ...spec };

/** Every named part of the schema as plain JSON. */
export const nodes: Readonly<Record<string, Node>> = JSON.parse(JSON.stringify(named));

/** The documents that box reads, and the name of the function that checks each. */
const documents = { Spec: "checkSpec", Process: "checkProcess", Resources: "checkResources", Mounts: "checkMounts" };

const nameOf = new Map(Object.entries(nodes).map(([name, node]) => [JSON.stringify(node), name]));
const vocabularyOf = new Map(Object.entries(vocabulary).map(([name, words]) => [JSON.stringify(words), name]));
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** The source of the validators. */
export function generate(): string {
  const functions = new Map<string, string>();
  const used = new Set<string>();

  function primitive(name: string): string {
    used.add(name);
    return name;
  }

  /** The name of the function that checks an object. */
  function objectFunction(node: Node): string {
    const name = nameOf.get(JSON.stringify(node));
    if (name === undefined) throw new Error(`the schema has an object without a name: ${JSON.stringify(node)}`);
    const checker = `check${name}`;
    if (!functions.has(checker)) {
      functions.set(checker, "");
      functions.set(checker, objectBody(checker, node));
    }
    return checker;
  }

  function objectBody(checker: string, node: Node): string {
    const lines = Object.entries(node.properties ?? {}).map(([key, child]) => {
      const step = JSON.stringify(`.${key}`);
      if (child.default !== undefined) {
        return `  if ((v = x.${key}) === undefined) x.${key} = ${JSON.stringify(child.default)}; else ${call(child, "v", step)};`;
      }
      if (node.required?.includes(key)) return `  ${call(child, `x.${key}`, step)};`;
      const condition = child.onlyWith === undefined ? "" : `x.${child.onlyWith} !== true || `;
      return `  ${condition}(v = x.${key}) === undefined || ${call(child, "v", step)};`;
    });
    const declaration = lines.some((line) => line.includes("v = ")) ? "  let v;\n" : "";
    const guard = `  if (!${primitive("record")}(x, p, s, t)) return;\n  p += s;\n`;
    return `function ${checker}(x, p, s, t) {\n${guard}${declaration}${lines.join("\n")}\n}`;
  }

  /** An expression that checks `value`. */
  function call(node: Node, value: string, step: string): string {
    const at = `${value}, p, ${step}, t`;
    if (node.integer !== undefined) {
      const { min, max } = node.integer;
      if (BigInt(max) <= maxSafe) return `${primitive("int")}(${at}, ${min}, ${max})`;
      return `${primitive("int64")}(${at}, ${min}n, ${max}n)`;
    }
    if (node.enum !== undefined) return `${primitive("word")}(${at}, ${wordList(node.enum)})`;
    if (node.type === "string") return `${primitive("text")}(${at})`;
    if (node.type === "boolean") return `${primitive("flag")}(${at})`;
    if (node.type === "array" && node.items !== undefined) {
      const least = node.minItems === undefined ? "" : `, ${node.minItems}`;
      if (node.items.type === "string") return `${primitive("texts")}(${at}${least})`;
      return `${primitive("list")}(${at}, ${checker(node.items)}${least})`;
    }
    const values = Object.values(node.patternProperties ?? {})[0];
    if (values !== undefined) return `${primitive("map")}(${at}, ${checker(values)})`;
    if (node.properties !== undefined) return `${objectFunction(node)}(${at})`;
    throw new Error(`the schema uses a form that gen-validators does not know: ${JSON.stringify(node)}`);
  }

  /** A function that checks one item. */
  function checker(node: Node): string {
    if (node.type === "string") return primitive("text");
    if (node.properties !== undefined) return objectFunction(node);
    return `(x, p, s, t) => ${call(node, "x", "s")}`;
  }

  function wordList(words: readonly string[]): string {
    const name = vocabularyOf.get(JSON.stringify(words));
    if (name === undefined) throw new Error(`the schema has words that vocabulary.ts has not: ${words.join(", ")}`);
    return `words.${name}`;
  }

  const entries = Object.entries(documents).map(([name, exported]) => {
    const node = nodes[name];
    if (node === undefined) throw new Error(`the schema has no ${name}`);
    if (node.properties !== undefined) return `export { ${objectFunction(node)} };`;
    return `export function ${exported}(x, p, s, t) {\n  ${call(node, "x", "s")};\n}`;
  });
  return [
    "// Generated by tools/gen-validators.ts from src/spec/schema; do not edit.",
    `import { ${[...used].sort().join(", ")} } from "../../src/spec/check.ts";`,
    `import * as words from "../../src/spec/vocabulary.ts";`,
    ...functions.values(),
    ...entries,
    "",
  ].join("\n");
}

/** A schema node as standard JSON Schema. Bounds beyond 2^53 are bigints. */
export function toJsonSchema(node: Node): unknown {
  const { integer, items, properties, required, patternProperties, onlyWith: _, ...rest } = node;
  if (integer !== undefined) {
    const [minimum, maximum] = [integer.min, integer.max].map((bound) =>
      Number.isSafeInteger(Number(bound)) ? Number(bound) : BigInt(bound),
    );
    return { type: "integer", minimum, maximum };
  }
  const values = Object.values(patternProperties ?? {})[0];
  return {
    ...(rest.enum === undefined ? {} : { type: "string" }),
    ...rest,
    ...(items === undefined ? {} : { items: toJsonSchema(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, child]) => [key, child.onlyWith ? {} : toJsonSchema(child)]),
          ),
          required: (required ?? []).filter((key) => properties[key]?.default === undefined),
          ...conditions(properties),
        }),
    ...(values === undefined ? {} : { additionalProperties: toJsonSchema(values) }),
  };
}

/** What is to hold of properties that are judged only with another one. */
function conditions(properties: Readonly<Record<string, Node>>): object {
  const allOf = Object.entries(properties).flatMap(([key, child]) => {
    const { onlyWith } = child;
    if (onlyWith === undefined) return [];
    const type = "object";
    const given = { type, properties: { [onlyWith]: { const: true } }, required: [onlyWith] };
    return [{ anyOf: [{ not: given }, { type, properties: { [key]: toJsonSchema(child) } }] }];
  });
  return allOf.length === 0 ? {} : { allOf };
}

/** Writes the validators and the JSON Schema into `directory`. */
export function writeGenerated(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/validators.js`, generate());
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...(toJsonSchema(nodes["Spec"] ?? {}) as object),
  };
  writeFileSync(`${directory}/config-schema.json`, `${stringifyJson(schema, 2)}\n`);
}

const [, script = "", target] = process.argv;
if (script.endsWith("/gen-validators.ts") && target !== undefined) writeGenerated(target);
