/** Whether every defect has a name and a place of its own in the sources: `make lint` asks. */
import { readFileSync } from "node:fs";
import { mutants } from "./mutants.ts";
import { rewrite } from "./rewrite.ts";

try {
  if (new Set(mutants.map(({ name }) => name)).size < mutants.length) throw new Error("two mutants have the same name");
  rewrite((file) => readFileSync(`src/${file}`, "utf8"));
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = 1;
}
