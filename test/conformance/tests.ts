/**
 * The names of all tests, without running one: `feature: name` of the acceptance suite, `src/…/x.test.ts: name` of the
 * others. The files are loaded with a runner that only takes names down; those that only the engine can load are read.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { register } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const names = new Set<string>();
/** The file that is being loaded, and the groups around the test that is being declared. */
let around: string[] = [];

function take(name: string): void {
  names.add([...around, name].join(": "));
}

function group(name: string, declare: () => void): void {
  around.push(name);
  declare();
  around.pop();
}

/** What a test file imports in place of node:test. */
const runner = `const { test, describe } = globalThis.namesOfTests;
export { describe, test, test as default, test as it };
export const [after, afterEach, before, beforeEach] = Array(4).fill(() => {});`;

const hooks = `export const resolve = (name, context, next) => name === "node:test"
  ? { url: "data:text/javascript,${encodeURIComponent(runner).replaceAll("'", "%27")}", shortCircuit: true }
  : next(name, context);`;

/** Reads every test file. Once in a process. */
export async function namesOfTests(): Promise<ReadonlySet<string>> {
  (globalThis as { namesOfTests?: object }).namesOfTests = { test: take, describe: group };
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
  const directory = mkdtempSync(join(tmpdir(), "box-conformance-"));
  try {
    const context = join(directory, "context.json");
    writeFileSync(
      context,
      JSON.stringify({ token: "x", dir: directory, runtime: { name: "box" }, facts: {}, only: "" }),
    );
    process.env["ACCEPTANCE_CONTEXT"] = context;
    for (const file of testFiles("test/acceptance")) {
      around = [];
      await import(pathToFileURL(file).href);
    }
    for (const file of [...testFiles("src"), ...testFiles("test/golden"), ...testFiles("test/schema")]) {
      around = [file];
      if (file.endsWith(".kernel.test.ts")) takeLiterals(readFileSync(file, "utf8"));
      else await import(pathToFileURL(file).href);
    }
    for (const file of testFiles("test/host")) {
      around = [file];
      takeLiterals(readFileSync(file, "utf8"));
    }
    return names;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function testFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(directory, name));
}

function takeLiterals(source: string): void {
  for (const [, name] of source.matchAll(/\btest\(\s*"([^"]+)"/g)) if (name !== undefined) take(name);
}
