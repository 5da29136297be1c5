// @ts-check
/**
 * The loader behind ts-loader.mjs: esbuild turns each .ts file into what Node understands (`using` is lowered). What was
 * turned once is kept in build/ts, so that of many test processes one pays, and a slow machine can be given all of it.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const kept = fileURLToPath(new URL("../build/ts/", import.meta.url));

/** @type {import("node:module").LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  return { format: "module", source: await transformed(fileURLToPath(url)), shortCircuit: true };
}

/** The JavaScript of a TypeScript file. @param {string} path absolute */
export async function transformed(path) {
  const source = readFileSync(path, "utf8");
  const head = `// ${createHash("sha256").update(path).update(source).digest("hex")}`;
  const file = `${kept}${path.replaceAll("/", "+")}.mjs`;
  const before = readIfThere(file);
  if (before?.startsWith(head)) return before;
  const { transformSync } = await import("esbuild");
  const { code } = transformSync(source, {
    loader: "ts",
    format: "esm",
    target: "node20",
    sourcefile: path,
    sourcemap: "inline",
    banner: head,
  });
  mkdirSync(kept, { recursive: true });
  // Several processes may do the same at once: each reader sees a whole file.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, code);
  renameSync(own, file);
  return code;
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
