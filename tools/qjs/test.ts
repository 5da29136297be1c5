/**
 * node:test for the engine, as far as tests of pure code need it: nested, synchronous tests, told to stdout as they fail.
 * The same files run in Node, so a difference between the engines shows.
 */
import { encodeUtf8, build as hostBuild, syscall } from "host";

type Body = (context: Context) => unknown;
interface Context {
  readonly name: string;
  test(name: string, body: Body): void;
  skip(reason?: string): void;
  diagnostic(message: string): void;
}
interface Options {
  readonly skip?: boolean | string;
}

const path: string[] = [];
const counts = { passed: 0, failed: 0, skipped: 0 };

function print(line: string): void {
  const bytes = encodeUtf8(`${line}\n`);
  syscall("write", hostBuild.arch === "x86_64" ? 1 : 64, 1, bytes, bytes.length);
}

function run(name: string, options: Options, body: Body): void {
  path.push(name);
  let skipped = options.skip !== undefined && options.skip !== false;
  try {
    const skip = () => {
      skipped = true;
    };
    const context: Context = { name, test, skip, diagnostic: print };
    const result = skipped ? undefined : body(context);
    if (result instanceof Promise) throw new Error("tests that also run in the engine are synchronous");
    counts[skipped ? "skipped" : "passed"]++;
  } catch (thrown) {
    counts.failed++;
    const stack = thrown instanceof Error ? `\n${thrown.stack}` : "";
    print(`not ok ${path.join(" > ")}\n${thrown}${stack}`);
  }
  path.pop();
}

export function test(name: string, body: Body): void;
export function test(name: string, options: Options, body: Body): void;
export function test(name: string, second: Options | Body, third?: Body): void {
  if (typeof second === "function") run(name, {}, second);
  else if (third !== undefined) run(name, second, third);
}

export const it = test;
export const describe = test;
export const suite = test;
// biome-ignore lint/style/noDefaultExport: node:test has one
export default test;

/** The main of the test binary; by then the imported files have run their tests. */
export function main(): number {
  print(`engine: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}
