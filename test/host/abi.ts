/**
 * Asks the C compiler what the headers say: the values of constants, the sizes and offsets of structs.
 *
 * Headers that cannot be included together (libc's and the kernel's of one subject) are asked in units of their own.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One C program: what it includes, and what it prints, one expression a question. */
export interface Unit {
  readonly include: readonly string[];
  /** Options of gcc before the source. */
  readonly options: readonly string[];
}

/** The values of C integer expressions, in order. A name that the headers do not know is gcc's error. */
export function evaluate(unit: Unit, expressions: readonly string[]): bigint[] {
  const folder = mkdtempSync(join(tmpdir(), "box-abi-"));
  try {
    // printf is declared here because the kernel's headers alone, which a foreign architecture is asked by, lack it.
    const source = [
      "#define _GNU_SOURCE",
      ...unit.include.map((header) => `#include <${header}>`),
      "extern int printf(const char *, ...);",
      "int main(void) {",
      ...expressions.map((expression) => `  printf("%lld\\n", (long long)(${expression}));`),
      "  return 0;",
      "}",
      "",
    ].join("\n");
    writeFileSync(join(folder, "abi.c"), source);
    const program = join(folder, "abi");
    execFileSync("gcc", [...unit.options, "-w", "-o", program, join(folder, "abi.c")], {
      stdio: "pipe",
      encoding: "utf8",
    });
    return (execFileSync(program, { encoding: "utf8" }).match(/.+/g) ?? []).map(BigInt);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The names of all macros that a unit's headers define. */
export function macros(unit: Unit): Set<string> {
  const input = unit.include.map((header) => `#include <${header}>\n`).join("");
  const text = execFileSync("gcc", [...unit.options, "-E", "-dM", "-"], { input, encoding: "utf8" });
  return new Set(Array.from(text.matchAll(/^#define (\w+)/gm), (match) => match[1] as string));
}
