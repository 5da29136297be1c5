/** Every property that config.json may have for Linux, as the schema knows them: `mounts[].options`, `linux.sysctl.*`. */
import { Spec } from "../../src/spec/schema/spec.ts";

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** Properties whose value is a word, a number or a list of those; objects are named by what is in them. */
export function leafProperties(node: Node = Spec as Node, path = ""): string[] {
  if (node.items !== undefined) return leavesBelow(node.items, `${path}[]`, path);
  const entries = Object.values(node.patternProperties ?? {});
  if (entries[0] !== undefined) return leavesBelow(entries[0], `${path}.*`, path);
  if (node.properties === undefined) return [path];
  return Object.entries(node.properties).flatMap(([name, child]) =>
    leafProperties(child, path === "" ? name : `${path}.${name}`),
  );
}

/** A list or a map of plain values is one property. */
function leavesBelow(child: Node, path: string, plain: string): string[] {
  const isPlain = child.properties === undefined && child.items === undefined && child.patternProperties === undefined;
  return isPlain ? [plain] : leafProperties(child, path);
}
