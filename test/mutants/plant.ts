/**
 * The sources with every defect of mutants.ts in them, `plant.ts DIRECTORY`: each is chosen at run time by the number
 * that stands in the binary. The result is type-checked: what does not compile would be caught for a wrong reason.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { marker, rewrite } from "./rewrite.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const given = process.argv[2];
if (given === undefined) throw new Error("usage: plant.ts DIRECTORY");
const directory = resolve(given);
const source = join(directory, "src");

const planted = rewrite((file) => readFileSync(join(project, "src", file), "utf8"));
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
cpSync(join(project, "src"), source, { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
cpSync(join(project, "native"), join(directory, "native"), { recursive: true });
for (const [file, text] of planted) writeFileSync(join(source, file), text);
writeFileSync(
  join(directory, "native/mutant.h"),
  `static const volatile char chosen[] = "${marker}000";
#define mutant (100 * chosen[sizeof chosen - 4] + 10 * chosen[sizeof chosen - 3] + chosen[sizeof chosen - 2] - 111 * '0')
`,
);
writeFileSync(
  join(directory, "tsconfig.json"),
  JSON.stringify({
    extends: relative(directory, join(project, "tsconfig.json")),
    compilerOptions: { incremental: false, tsBuildInfoFile: null },
    include: ["src"],
  }),
);
// Written last: it tells make that everything is there.
writeFileSync(
  join(source, "mutant.ts"),
  `/** The number of the chosen defect; 0 for none. */\nexport const mutant = Number("${marker}000".slice(-3));\n`,
);
const { status } = spawnSync(join(project, "node_modules/.bin/tsc"), ["-p", directory], { stdio: "inherit" });
process.exitCode = status ?? 1;
