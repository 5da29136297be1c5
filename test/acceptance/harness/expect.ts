import assert from "node:assert/strict";
import { describeResult, type Result } from "./command.ts";
import { context } from "./context.ts";
import { patient } from "./patience.ts";

export { ok } from "./container.ts";

/** Any runtime: the command fails. box: with status 1 (exec: 255), one line on stderr, nothing on stdout. */
export function refused(result: Result, text?: RegExp): void {
  const words = describeResult(result);
  assert.notEqual(result.status, 0, words);
  if (context.runtime.name !== "box") return;
  assert.equal(result.status, result.argv.includes("exec") ? 255 : 1, words);
  assert.equal(result.stdout, "", words);
  assert.match(result.stderr, /^[^\n]+\n$/, words);
  if (text) assert.match(result.stderr, text, words);
}

/**
 * For what no event tells (the state of a process that is not ours): asks again until it holds. The bound only turns
 * a hang into an error; nothing depends on how long it takes.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = Date.now() + patient(20_000);
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
