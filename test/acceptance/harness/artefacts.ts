/** What a place of the suite's that is not the project's own has not: a compiler, and the right to write below build/. */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformed } from "../../../tools/ts-hooks.mjs";
import { compile, programs } from "./prepare.ts";

/** Translates the suite, and compiles its programs into a directory, for $TOOLS. */
export async function prepareArtefacts(tools: string): Promise<void> {
  mkdirSync(tools, { recursive: true });
  for (const name of programs) compile(name, tools);
  const harness = fileURLToPath(new URL(".", import.meta.url));
  for (const directory of [harness, join(harness, "..")])
    for (const name of readdirSync(directory)) if (name.endsWith(".ts")) await transformed(join(directory, name));
}
