// @ts-check
/**
 * TypeScript → modules → bytecode → an assembler file that embeds it: `bundle.mjs MODE`.
 *
 * Each entry point becomes a module of its own that is read only when it is asked for; what several of them use goes
 * into shared chunks. So a command pays for its own code only. Of the release all that is in the image is one module
 * (docs/decisions/0012-heap-image.md).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { build } from "esbuild";

/** What TypeScript loads by name (`load` of the native module) besides the commands: what few commands need. */
const lazyModules = [
  "cli/help",
  "cli/log-service",
  "cli/recovery",
  "spec/decode",
  "facts/systemd",
  "fs/remount",
  "namespaces/net-devices",
  "console/apply",
  "console/relay",
  "resctrl/apply",
  "rootfs/copy",
  "rootfs/host-views",
  "seccomp/compile",
  "cgroups/systemd/scope",
  "container/agent",
  "container/lock-holder",
  "container/service-manager",
  "linux/trace",
];

/** Left out of the image of the release, as bytecode, which is smaller: what is asked for now and then, and may be waited for. */
const seldom = [
  ...[
    "doctor",
    "events",
    "features",
    "list",
    "mounts",
    "pause",
    "ps",
    "resume",
    "spec",
    "trace",
    "update",
    "validate",
    "wait",
  ].map((command) => `cli/commands/${command}`),
  // Every start reads a configuration.
  ...lazyModules.filter((name) => name !== "spec/decode"),
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
  const names = ["globals", "main", ...commands, ...lazyModules];
  const entries = Object.fromEntries(names.map((name) => [name, `${source}/${name}.ts`]));
  if (mode === "faults") return { ...entries, main: "test/faults/main.ts" };
  if (mode !== "release") return entries;
  const held = names.filter((name) => !["globals", "main", ...seldom].includes(name));
  const apart = Object.entries(entries).filter(([name]) => !held.includes(name));
  return { ...Object.fromEntries(apart), main: holder(held) };
}

/**
 * A main that brings modules along which others load by name: in one module they need no exports and imports between them,
 * which are a tenth of the image.
 * @param {string[]} names
 */
function holder(names) {
  mkdirSync(output, { recursive: true });
  const imports = names.map((name, i) => `import * as m${i} from "../../${source}/${name}.ts";`);
  const table = names.map((name, i) => `${JSON.stringify(name)}: m${i}`).join(", ");
  const lines = [`import { hold } from "../../${source}/linux/engine.ts";`, ...imports, `hold({ ${table} });`];
  writeFileSync(`${output}/main.ts`, [...lines, `export { main } from "../../${source}/main.ts";`, ""].join("\n"));
  return `${output}/main.ts`;
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

const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";

/** What a module of constants exports. @param {string} file @returns {Promise<Record<string, unknown>>} */
async function exportsOf(file) {
  const { outputFiles } = await build({ entryPoints: [file], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`);
}

/** The numbers among them, as esbuild's `define` takes them. @param {Record<string, unknown>} values @param {string} before */
const numbersIn = (values, before) =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (typeof value === "number" ? [[before + name, `${value}`]] : [])),
  );

const constants = numbersIn(await exportsOf(`${source}/linux/constants.ts`), "");
const callNumbers = numbersIn(await exportsOf(`${source}/linux/nr/${architecture}.ts`), "NR.");

/**
 * Puts the kernel's constants where they are used. esbuild leaves them variables of the modules that export them: a look-up
 * for each use, and a place in every function that has one. Without their imports they are names that nobody has bound, and
 * those `define` replaces.
 * @type {import("esbuild").Plugin}
 */
const inlineConstants = {
  name: "constants",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const withoutNumbers = text.replace(/^import \* as NR from "#nr";$/m, "");
      // Who does more with them than name one keeps them.
      const usesNames = !/\bNR\b(?!\.\w)/.test(withoutNumbers);
      const contents = (usesNames ? withoutNumbers : text).replace(
        /^import \{([^}]*)\} from ("[^"]*\/constants\.ts");$/gm,
        (whole, /** @type {string} */ list, from) => {
          const kept = list.split(",").filter((name) => name.trim() !== "" && constants[name.trim()] === undefined);
          const lines = "\n".repeat(whole.split("\n").length - 1);
          return kept.length === 0 ? lines : `import {${kept.join(",").replace(/\s+/g, " ")}} from ${from};${lines}`;
        },
      );
      return { contents, loader: "ts" };
    });
  },
};

/** @type {import("esbuild").BuildOptions & { metafile: true }} */
const options = {
  outdir: `${output}/js`,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2023",
  external: ["host"],
  conditions: [architecture],
  define: { ...constants, ...callNumbers },
  plugins: [inlineConstants],
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
};

/** Names and imports of every output. */
const outputs =
  mode === "release"
    ? await bundleAroundMain()
    : (await build({ ...options, entryPoints: entryPoints() })).metafile.outputs;

/**
 * The release: all of the image is one module, for exports and imports between many would be a tenth of it. The others
 * import from it what they share with it.
 */
async function bundleAroundMain() {
  const { globals, main, ...others } = entryPoints();
  const entries = { globals: /** @type {string} */ (globals), main: /** @type {string} */ (main) };
  const { metafile } = await build({ ...options, entryPoints: entries, write: false });
  const held = new Set(Object.keys(metafile.inputs).map((path) => resolve(path)));
  const apart = await build({
    ...options,
    entryPoints: others,
    plugins: [
      inlineConstants,
      {
        name: "held",
        setup({ onResolve, resolve: find }) {
          onResolve({ filter: /^\./ }, async ({ path, ...rest }) => {
            if (rest.pluginData === "found") return undefined;
            const found = await find(path, { ...rest, pluginData: "found" });
            return held.has(found.path) ? { path: found.path, external: true } : found;
          });
        },
      },
    ],
  });
  const shared = new Map();
  for (const file of Object.keys(apart.metafile.outputs).filter((name) => name.endsWith(".js"))) {
    const up = relative(dirname(file), options.outdir ?? "") || ".";
    const text = readFileSync(file, "utf8").replace(/import\{([^}]*)\}from"(\/[^"]+)"/g, (_, names, path) => {
      const renamed = names.split(",").map((/** @type {string} */ one) => {
        const [name, local = name] = one.split(" as ");
        const key = `${path} ${name}`;
        if (!shared.has(key)) shared.set(key, `s${shared.size}`);
        return `${shared.get(key)} as ${local}`;
      });
      return `import{${renamed.join(",")}}from"${up}/main.js"`;
    });
    if (/from"\//.test(text)) throw new Error(`${file}: something of main is imported whole`);
    writeFileSync(file, text);
  }
  const exports = Array.from(shared, ([key, name]) => {
    const [path, own] = key.split(" ");
    return `export { ${own} as ${name} } from ${JSON.stringify(path)};\n`;
  });
  writeFileSync(entries.main, exports.join(""), { flag: "a" });
  const whole = await build({ ...options, entryPoints: entries });
  return { ...apart.metafile.outputs, ...whole.metafile.outputs };
}

const modules = Object.keys(outputs)
  .filter((name) => name.endsWith(".js"))
  .map((name) => name.slice(`${output}/js/`.length))
  .sort();
for (const name of modules) mkdirSync(dirname(`${output}/bytecode/${name}`), { recursive: true });
const plainHelpers = `
var __dispose = Symbol.dispose;
__using = (stack, value) => {
  if (value != null) stack[stack.length] = value;
  return value;
};
__callDispose = (stack, error, failed) => {
  for (let index = stack.length - 1; index >= 0; index--) {
    try {
      stack[index][__dispose]();
    } catch (thrown) {
      if (!failed) error = thrown;
      failed = true;
    }
  }
  if (failed) throw error;
};
`;

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
  const holders = [...helpers, ...minified];
  // In the release main has its own, and so has what lies beside it.
  if (holders.length !== (mode === "release" ? 2 : 1) && !mode?.startsWith("probe"))
    throw new Error("the helpers of `using` are not where they are looked for");
  for (const holder of holders) writeFileSync(`${output}/js/${holder}`, plainHelpers, { flag: "a" });
}

/** The modules that `names` are made of. @param {readonly string[]} names */
function withImports(names) {
  const reached = new Set(names.map((name) => `${output}/js/${name}.js`));
  for (const file of reached)
    for (const { path } of outputs[file]?.imports ?? []) if (path !== "host") reached.add(path);
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

const held = mode === "release" || mode === "probe" ? withImports(["globals", "main"]) : [];
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
