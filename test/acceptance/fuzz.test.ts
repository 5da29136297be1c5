/** What the fuzzing (make fuzz) has found before, tried again, and a few new cases. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, describeResult } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { patient } from "./harness/patience.ts";
import { feature } from "./harness/suite.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

const scenario = feature("fuzz", { boxOnly: "the corpus is box's own", needs: ["root"] });

scenario("fuzz finds nothing in its corpus and in fifty new cases", { limit: 240_000 }, async () => {
  const env = { RUNTIME: context.runtime.path, RUNS: "50", JOBS: "2", SEED: "1" };
  const result = await command([join(project, "tools/fuzz")], { cwd: project, env, timeout: patient(200_000) });
  assert.equal(result.status, 0, describeResult(result));
  assert.match(result.stdout, /\b0 finding\(s\)/);
});
