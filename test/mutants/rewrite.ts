/** Puts the defects of mutants.ts into the sources, of TypeScript and of C. */
import { dirname, relative } from "node:path";
import { type Edit, type Mutant, mutants } from "./mutants.ts";

/** In the mutants binary for each language once, followed by three digits; never in the release. */
export const marker = "number of the chosen mutant: ";

interface Change {
  readonly start: number;
  readonly end: number;
  /** By number, all instead of the same text. */
  readonly mutated: Map<number, string>;
}

/** @returns file below src → its text with all its defects @throws with all that does not fit */
export function rewrite(read: (file: string) => string): Map<string, string> {
  const names = mutants.flatMap((mutant) => editsOf(mutant).map(({ file }) => file));
  const files = new Map([...new Set(names)].map((file) => [file, read(file)]));
  const problems = misfits(files);
  if (problems.length > 0) throw new Error(`test/mutants/mutants.ts is not in step with src:\n${problems.join("\n")}`);
  return new Map([...files].map(([file, text]) => [file, plant(file, text)]));
}

/** Each text must stand exactly once in its file. */
function misfits(files: ReadonlyMap<string, string>): string[] {
  return mutants.flatMap((mutant) =>
    editsOf(mutant).flatMap(({ file, replace }) => {
      const times = (files.get(file) ?? "").split(replace).length - 1;
      return times === 1 ? [] : [`"${mutant.name}": src/${file} has ${times} times: ${replace}`];
    }),
  );
}

function editsOf(mutant: Mutant): readonly Edit[] {
  return [mutant, ...(mutant.and ?? [])];
}

function plant(file: string, text: string): string {
  let result = "";
  let done = 0;
  for (const { start, end, mutated } of changesOf(file, text)) {
    if (start < done) throw new Error(`src/${file}: two mutants overlap at ${text.slice(start, end)}`);
    result += text.slice(done, start) + choice(isC(file) ? "==" : "===", text.slice(start, end), mutated);
    done = end;
  }
  if (isC(file)) return `#include "mutant.h"\n${result}${text.slice(done)}`;
  const module = relative(dirname(file), "mutant.ts");
  return `import { mutant } from "${module.startsWith(".") ? module : `./${module}`}";\n${result}${text.slice(done)}`;
}

function changesOf(file: string, text: string): Change[] {
  const changes = new Map<string, Change>();
  for (const [index, mutant] of mutants.entries()) {
    for (const { file: where, replace, by } of editsOf(mutant)) {
      if (where !== file) continue;
      const start = text.indexOf(replace);
      const change = changes.get(replace) ?? { start, end: start + replace.length, mutated: new Map<number, string>() };
      changes.set(replace, change);
      change.mutated.set(numberOf(index), by);
    }
  }
  return [...changes.values()].sort((a, b) => a.start - b.start);
}

function isC(file: string): boolean {
  return file.endsWith(".c");
}

/** In the words that both languages have. */
function choice(equals: "==" | "===", original: string, mutated: ReadonlyMap<number, string>): string {
  const all = [...mutated];
  if (!original.endsWith(";"))
    return `(${all.map(([number, by]) => `mutant ${equals} ${number} ? (${by}) : `).join("")}(${original}))`;
  return `${all.map(([number, by]) => `if (mutant ${equals} ${number}) { ${by} } else `).join("")}{ ${original} }`;
}

/** What the binary is told; 0 is box as it is. */
export function numberOf(index: number): number {
  return index + 1;
}
