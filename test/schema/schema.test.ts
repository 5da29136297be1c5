import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { checkMounts, checkProcess, checkResources, checkSpec } from "#validators";
import { type Check, isPlainText, type Sink } from "../../src/spec/check.ts";
import { type Finding, Findings } from "../../src/spec/findings.ts";
import { generate, toJsonSchema } from "../../tools/gen-validators.ts";
import { arbitrary, full, nodeOf, type Place, places, spoilt, wrongValues } from "./nodes.ts";

const documents: Readonly<Record<string, Check>> = {
  Spec: checkSpec,
  Process: checkProcess,
  Resources: checkResources,
  Mounts: checkMounts,
};

function problems(check: Check, value: unknown, plainText = false): readonly Finding[] {
  const sink: Sink = { findings: new Findings(), plainText, rounded: false };
  check(value, "", "", sink);
  return sink.findings.problems;
}

for (const [name, check] of Object.entries(documents)) {
  const node = nodeOf(name);

  test(`${name}: a full document is right`, () => {
    assert.deepEqual(problems(check, full(node)), []);
    assert.deepEqual(problems(check, full(node), true), []);
  });

  test(`${name}: a wrong value is refused with its path, whatever the property`, () => {
    let count = 0;
    for (const place of places(node)) {
      for (const wrong of wrongValues(place.node)) {
        const found = problems(check, spoilt(full(node), place.steps, wrong));
        assert.equal(found[0]?.path, place.path, `${String(wrong)} at ${place.path}`);
        assert.match(found[0]?.message ?? "", /^must (be|not) /);
        assert.equal(found.length, 1);
        count++;
      }
    }
    assert.ok(count > 20);
  });

  test(`${name}: a property that is required is missed, another is not`, () => {
    for (const place of places(node)) {
      if (typeof place.steps.at(-1) !== "string" || place.steps.at(-1) === "key") continue;
      const found = problems(check, spoilt(full(node), place.steps, undefined));
      const wanted = place.required ? [{ path: place.path, message: "is required" }] : [];
      assert.deepEqual(found, wanted, place.path);
    }
  });

  test(`${name}: whatever the schema generates is right, and after one change it is refused there`, () => {
    const step = fc.record({ document: arbitrary(node), place: fc.nat(), wrong: fc.nat() });
    fc.assert(
      fc.property(step, ({ document, place, wrong }) => {
        assert.deepEqual(problems(check, document), []);
        const all = places(node).filter((one) => reaches(document, one.steps) && isJudged(document, one));
        const { path, steps, node: there } = all[place % all.length] ?? { path: "", steps: [], node };
        const values = wrongValues(there);
        const found = problems(check, spoilt(document, steps, values[wrong % values.length]));
        assert.deepEqual(
          found.map((problem) => problem.path),
          [path],
        );
      }),
      { numRuns: 500 },
    );
  });

  test(`${name}: the JSON Schema that is published says the same`, () => {
    const ajv = new Ajv({ strict: true, allErrors: false }).compile(rounded(toJsonSchema(node)) as object);
    for (const place of places(node)) {
      assert.equal(ajv(rounded(full(node))), true);
      for (const wrong of wrongValues(place.node)) {
        if (!isJson(wrong)) continue;
        assert.equal(ajv(rounded(spoilt(full(node), place.steps, wrong))), false, `${String(wrong)} at ${place.path}`);
      }
    }
  });
}

/** Whether a document has a value at `steps`. */
function reaches(document: unknown, steps: readonly (string | number)[]): boolean {
  return valueAt(document, steps) !== undefined;
}

function valueAt(document: unknown, steps: readonly (string | number)[]): unknown {
  let at = document;
  for (const step of steps) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

function isJudged(document: unknown, { onlyWith }: Place): boolean {
  return onlyWith === undefined || valueAt(document, onlyWith) === true;
}

test("what counts with another property only is not judged without that", () => {
  const process = full(nodeOf("Process")) as object;
  for (const consoleSize of [null, 7, {}, { height: -1, width: 0 }]) {
    for (const without of [{ terminal: false }, { terminal: undefined }])
      assert.deepEqual(problems(checkProcess, { ...process, ...without, consoleSize }), []);
    assert.notDeepEqual(problems(checkProcess, { ...process, terminal: true, consoleSize }), []);
  }
});

/** ajv knows numbers only. */
function rounded(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item)]));
}

/** What JSON Schema can tell from a right value: not -0, not what a string holds, not what a double rounds. */
function isJson(value: unknown): boolean {
  if (typeof value === "string") return isPlainText(JSON.stringify(value));
  return typeof value !== "bigint" && !Object.is(value, -0) && !Number.isNaN(value);
}

test("the validators in build/ are those of the schema", () => {
  const built = readFileSync(new URL("../../build/generated/validators.js", import.meta.url), "utf8");
  assert.equal(built, generate());
});
