// @ts-check
/**
 * TypeScript → modules → bytecode → an assembler file that embeds it: `bundle.mjs MODE`.
 *
 * Each entry point becomes a module of its own that is read only when it is asked for; what several of them use goes
 * into shared chunks. So a command pays for its own code only.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { build } from "esbuild";

/** What TypeScript loads by name (`load` of the native module) besides the commands: what few commands need. */
const lazyModules = [
  "cli/help",
  "cli/log-service",
  "cli/recovery",
  "spec/decode",
  "facts/systemd",
  "fs/remount",
  "rootfs/host-views",
  "cgroups/systemd/scope",
  "container/service-manager",
  "linux/trace",
];

const mode = process.argv[2];
const modes = ["release", "asan", "probe", "probe-asan", "test", "mutants", "faults"];
if (mode === undefined || !modes.includes(mode)) throw new Error(`usage: bundle.mjs ${modes.join("|")}`);
const output = `build/${mode}`;
const stripped = mode === "release" || mode === "mutants";
const source = mode === "mutants" ? `${output}/src` : "src";

/** @param {string} directory @param {RegExp} pattern */
function filesBelow(directory, pattern) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name}`)
    .filter((name) => pattern.test(name))
    .sort();
}

/** @returns {Record<string, string>} name of the module → its source */
function entryPoints() {
  const globals = "src/globals.ts";
  if (mode === "test") return { globals, main: testRunner() };
  if (mode?.startsWith("probe"))
    return { globals, main: "test/native/probe.ts", lazy: "test/native/lazy.ts", bad: "test/native/bad.ts" };
  const commands = filesBelow(`${source}/cli/commands`, /(?<!\.test)\.ts$/).map((path) =>
    path.slice(`${source}/`.length, -".ts".length),
  );
  return {
    ...Object.fromEntries(
      ["globals", "main", ...commands, ...lazyModules].map((name) => [name, `${source}/${name}.ts`]),
    ),
    ...(mode === "faults" && { main: "test/faults/main.ts" }),
  };
}

/**
 * One entry that imports every test file; node:test and node:assert are small replacements made for the engine. A test
 * that needs more of Node (files, processes) runs there only, one that needs the kernel (*.kernel.test.ts) only here.
 */
function testRunner() {
  const foreign = /from "node:(?!test"|assert\/strict")/;
  const tests = [...filesBelow("src", /\.test\.ts$/), ...filesBelow("test/golden", /\.test\.ts$/)].filter(
    (path) => !foreign.test(readFileSync(path, "utf8")),
  );
  const imports = ["../../tools/qjs/globals.ts", ...tests.map((name) => `../../${name}`)].map(
    (path) => `import "${path}";`,
  );
  mkdirSync(output, { recursive: true });
  writeFileSync(`${output}/main.ts`, [...imports, `export { main } from "../../tools/qjs/test.ts";`, ""].join("\n"));
  return `${output}/main.ts`;
}

rmSync(`${output}/js`, { recursive: true, force: true });
rmSync(`${output}/bytecode`, { recursive: true, force: true });
const result = await build({
  entryPoints: entryPoints(),
  outdir: `${output}/js`,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2023",
  external: ["host"],
  conditions: [process.arch === "arm64" ? "aarch64" : "x86_64"],
  ...(mode === "test" && {
    alias: { "node:test": "./tools/qjs/test.ts", "node:assert/strict": "./tools/qjs/assert.ts" },
  }),
  // Names stay: they are all that a stack of the stripped binary shows, and cost a few kilobytes.
  minifySyntax: stripped,
  minifyWhitespace: stripped,
  sourcemap: "linked",
  metafile: true,
  logLevel: "warning",
  tsconfig: "tsconfig.json",
});

const modules = Object.keys(result.metafile.outputs)
  .filter((name) => name.endsWith(".js"))
  .map((name) => name.slice(`${output}/js/`.length))
  .sort();
for (const name of modules) mkdirSync(dirname(`${output}/bytecode/${name}`), { recursive: true });
lightenUsing();
execFileSync("build/compile", [...(stripped ? ["--strip"] : []), `${output}/js`, `${output}/bytecode`, ...modules]);

/**
 * esbuild lowers `using` to two helpers that serve every case of the proposal (promises, suppressed errors) and cost 4
 * microseconds a block; box has about 90 blocks between start and program, all plain. These do the plain case in one:
 * what is disposed of last comes first, and an error that is under way goes before one of the disposal.
 */
function lightenUsing() {
  const helpers = modules.filter((name) => readFileSync(`${output}/js/${name}`, "utf8").includes("__callDispose ="));
  const minified = modules.filter((name) => readFileSync(`${output}/js/${name}`, "utf8").includes("__callDispose=("));
  const [holder, ...others] = [...helpers, ...minified];
  if (holder === undefined && mode?.startsWith("probe")) return;
  if (holder === undefined || others.length > 0)
    throw new Error("the helpers of `using` are not where they are looked for");
  writeFileSync(
    `${output}/js/${holder}`,
    `
__using = (stack, value) => {
  if (value != null) stack.push(value);
  return value;
};
__callDispose = (stack, error, failed) => {
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    try {
      value[Symbol.dispose]();
    } catch (thrown) {
      if (!failed) error = thrown;
      failed = true;
    }
  }
  if (failed) throw error;
};
`,
    { flag: "a" },
  );
}

/** Left out of the image of the release, as bytecode, which is smaller: what is asked for now and then, and may be waited for. */
const seldom = [
  ...["doctor", "events", "features", "mounts", "ps", "spec", "trace", "update", "validate"].map(
    (command) => `cli/commands/${command}`,
  ),
  // Every start reads a configuration.
  ...lazyModules.filter((name) => name !== "spec/decode"),
];
const besides = ["globals", "main", ...seldom];
const image = mode === "release" ? Object.keys(entryPoints()).filter((name) => !besides.includes(name)) : [];
writeFileSync(`${output}/image.json`, JSON.stringify(image));

/** The modules that `names` are made of. @param {readonly string[]} names */
function withImports(names) {
  const reached = new Set(names.map((name) => `${output}/js/${name}.js`));
  for (const file of reached)
    for (const { path } of result.metafile.outputs[file]?.imports ?? []) if (path !== "host") reached.add(path);
  return modules.filter((name) => reached.has(`${output}/js/${name}`));
}

/** The bytecode of modules with the table of native/host.h. @param {readonly string[]} names */
function bytecode(names) {
  return `.balign 4
bytecode:
${names.map((_, i) => `.long name${i} - bytecode, start${i} - bytecode, end${i} - bytecode`).join("\n")}
.long 0, 0, 0
${names.map((name, i) => `name${i}: .asciz "${name}"\nstart${i}: .incbin "${output}/bytecode/${name}"\nend${i}:`).join("\n")}
`;
}

const held = mode === "release" || mode === "probe" ? withImports(["globals", "main", ...image]) : [];
// tools/image.mjs puts them behind the image.
writeFileSync(`${output}/besides.S`, bytecode(modules.filter((name) => !held.includes(name))));
writeFileSync(
  `${output}/modules.S`,
  `.section .payload, "aw"
.balign 8
.global payload
payload: .quad 0, 0, bytecode - payload
${bytecode(modules)}
.section .note.GNU-stack, "", %progbits
`,
);
