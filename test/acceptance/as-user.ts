/**
 * Runs the suite as an ordinary user who exists for the run alone (tools/as-user). What can be set is what run.ts takes;
 * the results are in build/acceptance/user.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareArtefacts } from "./harness/artefacts.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const project = join(here, "../..");
const output = process.env["OUTPUT"] ?? join(project, "build/acceptance/user");
const tools = join(project, "build/tools");

await prepareArtefacts(tools);
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
// What is written there becomes ours again afterwards: nobody else has the user's id.
chmodSync(output, 0o777);
const suite = [process.execPath, ...process.execArgv, join(here, "run.ts"), ...process.argv.slice(2)];
const { status } = spawnSync(join(project, "tools/as-user"), suite, {
  cwd: project,
  stdio: "inherit",
  env: { ...process.env, OUTPUT: output, TOOLS: tools },
});
chmodSync(output, 0o755);
for (const name of readdirSync(output)) chownSync(join(output, name), 0, 0);
process.exitCode = status ?? 1;
