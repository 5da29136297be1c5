// @ts-check
/**
 * Turns the positions of a stack into those of the sources: `build/box-asan --debug … 2>&1 | node tools/stack.mjs`.
 *
 * The release is stripped: its stacks name functions only. build/box-asan (and box-probe, box-test) keep line numbers,
 * those of the bundled modules, whose source maps lie beside them in build/asan/js.
 */
import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";

const folder = process.argv[2] ?? "build/asan/js";

/** @param {string} text @param {string} file @param {string} line @param {string} column */
function translate(text, file, line, column) {
  const path = `${folder}/${file}.map`;
  if (!existsSync(path)) return text;
  const map = new SourceMap(JSON.parse(readFileSync(path, "utf8")));
  const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
  if (!("originalSource" in entry)) return text;
  return `${entry.originalSource.replace(/^(\.\.\/)+/, "")}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

process.stdout.write(readFileSync(0, "utf8").replace(/([\w./-]+\.js):(\d+):(\d+)/g, translate));
