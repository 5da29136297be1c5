/** The same tests of the golden plans for Node and for the engine, which read files in ways of their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cases, planText } from "./cases.ts";

/** @param read gives the text of a file below this folder */
export function testGoldenPlans(read: (path: string) => string): void {
  for (const [name, one] of Object.entries(cases)) {
    test(`planCreate() makes of ${name}/config.json what ${name}/plan.json says`, () => {
      const config = read(`${name}/config.json`);
      const planned = planText(config, one);
      assert.deepEqual(JSON.parse(planned), JSON.parse(read(`${name}/plan.json`)));
      assert.equal(planText(config, one), planned);
    });
  }
}
