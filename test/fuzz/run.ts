/** Starts the jobs of the fuzzing, counts, and keeps what they find: build/fuzz/<seed>-<path>.json. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import type { Portion } from "./worker.ts";

const seed = Number(process.env["SEED"] || Math.floor(Date.now() / 1000));
const at = process.env["AT"] ?? "";
const jobs = at === "" ? Number(process.env["JOBS"] || 2) : 1;
const runs = at === "" ? Number(process.env["RUNS"] ?? 2000) : 1;

const found: Portion[] = [];
const total = { tried: 0 };
const outcomes: Portion["outcomes"][] = [];
/** The portion that each job has done last. */
const last: string[] = [];

function take(result: Portion, job: number): void {
  outcomes[job] = result.outcomes;
  last[job] = `SEED=${result.seed}`;
  total.tried += result.tried;
  if (Math.floor(total.tried / 5000) > Math.floor((total.tried - result.tried) / 5000)) console.log(`${total.tried} …`);
  const { finding } = result;
  if (finding === undefined) return;
  found.push(result);
  const name = `build/fuzz/${result.seed}-${finding.path.replaceAll(":", ".")}.json`;
  writeFileSync(name, `${JSON.stringify(finding, null, 2)}\n`);
  console.error(`SEED=${result.seed} AT=${finding.path} make fuzz: ${finding.message}\n  ${name}`);
}

/** Each job has its own thousand seeds. */
function job(number: number): Promise<number | null> {
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: "",
    SEED: `${seed + number * 1000}`,
    RUNS: `${Math.ceil(runs / jobs)}`,
  };
  const child = spawn("tools/fuzz", ["outer", `${number}`], { env, stdio: ["ignore", "pipe", "inherit"] });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill());
  createInterface({ input: child.stdout }).on("line", (line) => take(JSON.parse(line) as Portion, number));
  return new Promise((resolve) =>
    child.on("close", (status) => {
      if (status !== 0)
        console.error(`job ${number} ended with status ${status}, in the portion after ${last[number]}`);
      resolve(status);
    }),
  );
}

mkdirSync("build/fuzz", { recursive: true });
// One file: where the jobs run nothing can be written.
await build({
  entryPoints: ["test/fuzz/worker.ts"],
  outfile: "build/fuzz/worker.mjs",
  bundle: true,
  format: "esm",
  platform: "node",
});
console.log(`seed ${seed}, ${jobs} job(s)`);
const statuses = await Promise.all(Array.from({ length: jobs }, (_, number) => job(number)));
const sum = (which: keyof Portion["outcomes"]) => outcomes.reduce((all, one) => all + one[which], 0);
console.log(
  `configurations: ${sum("refused")} refused, ${sum("failed")} failed later, ${sum("made")} made a container`,
);
console.log(`${total.tried} tried, ${found.length} finding(s), seed ${seed}`);
process.exitCode = found.length > 0 || statuses.some((status) => status !== 0) ? 1 : 0;
