/**
 * The official JSON Schema of runtime-spec 1.3.0 as a second judge of the same configurations.
 *
 * Where the two differ there is a reason, and it stands here; anything else is a mistake of ours.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv, type ErrorObject } from "ajv";
import * as fc from "fast-check";
import { checkSpec } from "#validators";
import { stringifyJson } from "../../src/base/json.ts";
import { parseExactly } from "../../src/base/json-exact.ts";
import type { Sink } from "../../src/spec/check.ts";
import { inspectSpec } from "../../src/spec/decode.ts";
import { defaultSpec } from "../../src/spec/default.ts";
import { Findings, format } from "../../src/spec/findings.ts";
import { arbitrary, exact, full, nodeOf, places, spoilt } from "./nodes.ts";

const directory = new URL("../../../shared/spec/schema/", import.meta.url);
const skip = existsSync(directory) ? false : "the official schema is not at hand";

/** What we refuse and the official schema accepts: the start of our message, and why. */
const stricter: readonly (readonly [said: RegExp, reason: string])[] = [
  [/^root: is required/, "config.md: required on every platform but Windows"],
  [/^process\.args: (is required|must not be empty)/, "config.md: at least one entry, but on Windows"],
  [/^process\.user\.[ug]id: is required/, "config.md: both are required in a user"],
  [/\.[ug]id: must be an integer .* not 4294967295$/, "(uid_t)-1 means to leave the id as it is"],
  [/additionalGids\[\d+\]: must be an integer .* not 4294967295$/, "as above"],
  [/^process\.user\.umask: must be an integer/, "a umask has nine bits"],
  [/^process\.oomScoreAdj: must be an integer/, "the kernel takes -1000 to 1000"],
  [/^process\.ioPriority\.priority: /, "config.md: required, from 0 to 7"],
  [/^process\.consoleSize\.(height|width): must be an integer/, "struct winsize has 16 bits for each"],
  [/^process\.rlimits\[\d+\]\.type: must be one of/, "config.md: what the kernel does not have must be an error"],
  [/Mappings\[\d+\]\.size: must be an integer .* not 0$/, "an empty range is refused by the kernel"],
  [/^hooks\..*\.timeout: must be an integer/, "seconds in 31 bits"],
  [/^linux\.devices\[\d+\]\.(major|minor): must be an integer/, "the kernel has 12 and 20 bits"],
  [/^linux\.resources\..*\.(major|minor): must be an integer/, "the kernel has 32 bits at most"],
  [/^linux\.resources\.devices\[\d+\]\.type: must be one of/, "config-linux.md: a, c or b"],
  [/^linux\.resources\.memory\.swappiness: must be an integer/, "config-linux.md: from 0 to 100"],
  [/^linux\.resources\.blockIO\.throttle.*\.rate: is required/, "config-linux.md: required"],
  [/^linux\.seccomp\..*\.index: must be an integer/, "a system call has six arguments"],
  [/^linux\.memoryPolicy\.mode: is required/, "config-linux.md: required"],
  [/^linux\.personality\.domain: is required/, "config-linux.md: required"],
  [/^linux\.timeOffsets\..*\.nanosecs: must be an integer/, "a second has 10^9 of them"],
  [
    /must be an integer .* not (18446744073709551616|-?9223372036854775808|-9223372036854775809)$/,
    "a double cannot tell",
  ],
  [/must not contain (a NUL character|half a surrogate pair)/, "the kernel would cut or cannot read it"],
  [
    /^(annotations|linux\.sysctl|linux\.resources\.unified)\["(\\n)?"\]: must be a string/,
    "a dot of its pattern misses these keys",
  ],
];

/** What the official schema refuses and we accept: the place and keyword of its error, and why. */
const laxer: readonly (readonly [place: RegExp, keyword: string, reason: string])[] = [
  [/^\/linux\/rootfsPropagation$/, "enum", "the recursive forms, which runc takes as well"],
  [/^\/linux\/devices\/\d+\/fileMode$/, "maximum", "engines copy the sticky and set-id bits of the host's node"],
];

const official = skip === false ? compileOfficial() : undefined;

function compileOfficial() {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const read = (name: string) => {
    const { $schema, ...schema } = JSON.parse(readFileSync(new URL(name, directory), "utf8"));
    return schema;
  };
  for (const name of ["defs.json", "defs-linux.json", "config-linux.json"]) ajv.addSchema(read(name), name);
  // Other platforms' parts have no effect on Linux, and are not at hand.
  for (const name of ["vm", "windows", "solaris", "zos", "freebsd"])
    ajv.addSchema({ [name]: {} }, `config-${name}.json`);
  return ajv.compile(read("config-schema.json"));
}

/** Compares the judges on one document; "" when they agree or the difference is known. */
function difference(document: unknown): string {
  const text = stringifyJson(document);
  const accepted = official?.(JSON.parse(text)) ?? true;
  const sink: Sink = { findings: new Findings(), plainText: false, rounded: false };
  checkSpec(parseExactly(text), "", "", sink);
  const ours = sink.findings.problems.map(format);
  if (accepted) {
    const unexplained = ours.filter((said) => !explained(stricter, ([known]) => known.test(said)));
    return unexplained.length === 0 ? "" : `only we refuse: ${unexplained.join("; ")}: ${text}`;
  }
  if (ours.length > 0) return "";
  // The patterns of the official schema are rules of ours.
  const rules = inspectSpec(text).findings.problems.map(({ path }) => path);
  const unexplained = (official?.errors ?? []).filter(
    (error) =>
      !rules.includes(pathOf(error)) &&
      !isIgnored(error, JSON.parse(text)) &&
      !explained(laxer, (known) => isKnown(error, known)),
  );
  return unexplained.length === 0 ? "" : `only they refuse: ${JSON.stringify(unexplained)}: ${text}`;
}

/** The differences that were met. */
const used = new Set<unknown>();

function explained<Known>(list: readonly Known[], matches: (known: Known) => boolean): boolean {
  const found = list.filter(matches);
  for (const known of found) used.add(known);
  return found.length > 0;
}

function isKnown(error: ErrorObject, [place, keyword]: (typeof laxer)[number]): boolean {
  return place.test(error.instancePath) && error.keyword === keyword;
}

/** config.md: consoleSize is ignored without a terminal, which the official schema does not say. */
function isIgnored({ instancePath }: ErrorObject, document: { process?: { terminal?: unknown } }): boolean {
  return instancePath.startsWith("/process/consoleSize") && document.process?.terminal !== true;
}

/** Where an error of ajv is, as our findings write it. */
function pathOf({ instancePath }: ErrorObject): string {
  return instancePath
    .split("/")
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .slice(1);
}

const junk = [
  ...[
    null,
    true,
    false,
    "",
    "x",
    "/x",
    "a\0",
    "a\ud800",
    "rslave",
    "RLIMIT_X",
    "2MB",
    "2mb",
    "MB:",
    "\n",
    [],
    [1],
    ["x"],
    {},
    { x: 1 },
    { "": 1, "\n": 1 },
  ],
  ...[0, 1, -1, 0.5, 6, 8, 512, 4096, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 1000, 1001, 10 ** 9],
  ...[2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 70n].map(exact),
];
const spec = nodeOf("Spec");

/** A copy without bigints, which take long to write. */
function small(value: unknown): unknown {
  if (typeof value === "bigint") return 1;
  if (Array.isArray(value)) return value.map(small);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, small(item)]));
}

/** Where the full document is right only for us: places, and what the official schema wants there. */
const officialValues: readonly (readonly [(string | number)[], unknown])[] = [
  [["process", "execCPUAffinity", "initial"], "0-3"],
  [["process", "execCPUAffinity", "final"], "0-3"],
  [["linux", "intelRdt", "memBwSchema"], "MB:0=50"],
  [["linux", "resources", "hugepageLimits", 0, "pageSize"], "2MB"],
  [["linux", "devices", 0, "fileMode"], 0o666],
];

test("the official schema accepts our default configurations", { skip }, () => {
  for (const document of [defaultSpec(), defaultSpec({ uid: 1000, gid: 1000 })]) assert.equal(difference(document), "");
});

test("both judge alike whatever stands at any one place, but for differences that are listed", { skip }, () => {
  used.clear();
  let start = small(full(spec));
  for (const [steps, value] of officialValues) start = spoilt(start, steps, value);
  assert.equal(official?.(JSON.parse(stringifyJson(start))), true);
  for (const { steps } of places(spec)) {
    for (const value of [...junk, undefined]) {
      if (steps.length === 0 && value === undefined) continue;
      assert.equal(difference(spoilt(start, steps, value)), "");
    }
  }
  const unused = [...stricter, ...laxer].filter((known) => !used.has(known));
  assert.deepEqual(unused, []);
});

test("both judge alike when several places of a random document are changed", { skip }, () => {
  const change = fc.tuple(fc.constantFrom(...places(spec).slice(1)), fc.constantFrom(...junk, undefined));
  fc.assert(
    fc.property(arbitrary(spec), fc.array(change, { maxLength: 3 }), (document, changes) => {
      let changed = document;
      for (const [{ steps }, value] of changes) {
        if (hasParent(changed, steps)) changed = spoilt(changed, steps, value);
      }
      assert.equal(difference(changed), "");
    }),
    { numRuns: 1500 },
  );
});

function hasParent(document: unknown, steps: readonly (string | number)[]): boolean {
  let at = document;
  for (const step of steps.slice(0, -1)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as Record<string | number, unknown>)[step];
  }
  return typeof at === "object" && at !== null;
}
