/**
 * Keeps the rooms of src apart: who may import whom (docs/architecture.md says why).
 *
 * A target is a room ("linux"), a file ("seccomp/compile") or one file of every subject ("*" + "/plan"). Where only
 * types may be imported, it must be an `import type`. Tests beside the sources and generated modules (#…) are free.
 * Besides: no constant of the kernel is kept that nobody uses.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

interface Rule {
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

/** One kernel topic each. Nothing of a subject but its doors (plan, apply) and its ops is seen from outside. */
const subjects = ["namespaces", "rootfs", "process", "console", "security", "seccomp", "hooks", "cgroups", "resctrl"];

const rooms: Readonly<Record<string, Rule>> = {
  globals: { values: [] },
  main: { values: ["cli", "linux", "base"] },
  cli: { values: ["spec", "facts", "plan", "preflight", "doctor", "container", "linux", "fs", "base"] },
  spec: { values: ["base", "typebox"] },
  facts: { values: ["dbus", "linux", "fs", "base"] },
  doctor: { values: ["facts", "linux", "base"] },
  preflight: { values: ["spec", "facts", "fs", "linux", "base"] },
  plan: { values: ["spec", "*/plan", "base"], types: ["facts", "linux", "*/ops"] },
  container: {
    values: [
      "handshake",
      "init/run",
      "init/exec",
      "init/mounts",
      "cgroups",
      "hooks",
      "console",
      "seccomp/obtain",
      "process/priority",
      "rootfs/sources",
      "namespaces/net-devices",
      "resctrl",
      "fs",
      "linux",
      "base",
    ],
    types: ["plan", "spec", "*/ops"],
  },
  handshake: { values: ["namespaces/apply", "linux", "base"], types: ["*/ops", "plan"] },
  init: { values: ["handshake", "*/apply", "rootfs/live", "fs", "linux", "base"], types: ["plan", "*/ops"] },
  dbus: { values: ["linux", "base"] },
  fs: { values: ["linux", "base"] },
  linux: { values: ["host", "base"] },
  base: { values: [] },
};

/** Inside a subject: what `plan` leads to is pure, `ops` is the data between, everything else performs. */
const planning: Rule = { values: ["spec", "base"], types: ["facts", "linux"] };
const data: Rule = { values: ["base"], types: ["linux", "spec"] };
const performing: Rule = { values: ["dbus", "linux", "fs", "base"] };

interface Import {
  readonly line: number;
  readonly target: string;
  readonly typeOnly: boolean;
}

/** The imports of a file, each target as its path below src without the extension: "rootfs/plan". */
function importsOf(file: string): Import[] {
  const text = readFileSync(`src/${file}.ts`, "utf8");
  const pattern = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...text.matchAll(pattern)].map((found) => {
    const specifier = found[2] ?? found[3] ?? "";
    const target = specifier.startsWith(".")
      ? normalize(join(dirname(file), specifier)).replace(/\.ts$/, "")
      : specifier;
    return { line: text.slice(0, found.index).split("\n").length, target, typeOnly: found[1] !== undefined };
  });
}

function roomOf(file: string): string {
  return file.split("/")[0] ?? file;
}

function matches(target: string, pattern: string): boolean {
  if (pattern.startsWith("*/")) return subjects.includes(roomOf(target)) && target.endsWith(pattern.slice(1));
  return target === pattern || roomOf(target) === pattern;
}

/** The files of the same subject that a door leads to by imports of values, itself included. */
function reachedFrom(door: string, imports: ReadonlyMap<string, readonly Import[]>): Set<string> {
  const reached = new Set([door]);
  for (const file of reached)
    for (const { target, typeOnly } of imports.get(file) ?? [])
      if (!typeOnly && roomOf(target) === roomOf(door)) reached.add(target);
  return reached;
}

function ruleFor(file: string, imports: ReadonlyMap<string, readonly Import[]>): Rule {
  const room = roomOf(file);
  if (!subjects.includes(room)) return rooms[room] ?? { values: [] };
  if (file === `${room}/ops`) return data;
  return reachedFrom(`${room}/plan`, imports).has(file) ? planning : performing;
}

function problemOf(file: string, { target, typeOnly }: Import, { values, types = [] }: Rule): string | undefined {
  if (target.startsWith("#") || roomOf(target) === roomOf(file)) return undefined;
  const inTypes = types.some((pattern) => matches(target, pattern));
  if ((typeOnly && inTypes) || values.some((pattern) => matches(target, pattern))) return undefined;
  return `${file} may import ${inTypes ? "only types" : "nothing"} of ${target}`;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith(".d.ts"))
  .map((name) => name.slice(0, -".ts".length))
  .sort();
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const problems = [...imports].flatMap(([file, list]) => {
  const rule = ruleFor(file, imports);
  return list.flatMap((one) => {
    const problem = problemOf(file, one, rule);
    return problem === undefined ? [] : [`src/${file}.ts:${one.line}: ${problem}`];
  });
});
/** Of hundreds of constants nobody would notice one that has lost its last use. */
function unusedConstants(): string[] {
  const constants = "src/linux/constants.ts";
  const names = [...readFileSync(constants, "utf8").matchAll(/^export const (\w+)/gm)].map(
    ([, name]) => name as string,
  );
  const sources = ["src", "test", "bench"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );
  const words = new Set(
    sources
      .filter((path) => path !== constants)
      .flatMap((path) => readFileSync(path, "utf8").match(/\b[A-Z_]\w+/g) ?? []),
  );
  return names.filter((name) => !words.has(name)).map((name) => `${constants}: nobody uses ${name}`);
}

problems.push(...unusedConstants());
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
