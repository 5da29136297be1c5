/**
 * A guard against slow growth that noise cannot reach: system calls, instructions and sizes, compared with figures.json.
 * Fails when one of them rose by more than 3 %. UPDATE=1 writes the figures anew.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { type Calls, compare, type Figures, format, merge } from "./figures.ts";

process.on("uncaughtException", ({ message }) => {
  console.error(`bench-guard: ${message}`);
  process.exit(1);
});

const file = "bench/guard/figures.json";
const out = "build/guard";
const valgrind = `${out}/valgrind/usr/bin/valgrind.bin`;

const skipped: string[] = [];
const skip = (what: string, why: string): Record<string, never> => {
  skipped.push(`${what}: ${why}`);
  return {};
};

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(`${folder}/${name}`))
    .reduce((sum, status) => sum + (status.isFile() ? status.size : 0), 0);
}

function measureSizes(): Record<string, number> {
  return {
    "the binary": statSync("build/box").size,
    "its image": statSync("build/release/image").size,
    "all bytecode": bytesBelow("build/release/bytecode"),
  };
}

function live(prefix: readonly string[], ...args: readonly string[]) {
  const life = ["node", "--import", "./tools/ts-loader.mjs", "bench/guard/life.ts", ...args];
  const [program = "", ...rest] = [...prefix, ...life];
  return JSON.parse(execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
}

/**
 * In a pid namespace, where pids are as long on every host, and where nobody takes a container's zombie away before it is
 * deleted: that costs a few instructions more.
 */
const asHost = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
/** In a mount namespace with cgroup v2 alone, whatever the host has. */
const pureV2 = [
  ...asHost,
  "sh",
  "-c",
  'umount --recursive --lazy /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"',
  "sh",
];

/** undefined for pure v2, which is measured in any case. */
function hostLayout(): string | undefined {
  const cgroup2 = 0x63677270;
  const isCgroup2 = (path: string) => existsSync(path) && statfsSync(path).type === cgroup2;
  if (isCgroup2("/sys/fs/cgroup")) return undefined;
  // A line for each hierarchy, of which cgroup2 is the one numbered 0.
  const hierarchies = readFileSync("/proc/self/cgroup", "utf8").match(/^[1-9]/gm)?.length ?? 0;
  return `${isCgroup2("/sys/fs/cgroup/unified") ? "hybrid" : "v1"} of ${hierarchies} hierarchies`;
}

function measureCalls(): Record<string, Record<string, Calls>> {
  const layout = hostLayout();
  return { v2: live(pureV2, "calls"), ...(layout !== undefined && { [layout]: live(asHost, "calls") }) };
}

function measureInstructions(): Record<string, number> {
  try {
    // Older ones lack openat2; what the host has may be any.
    if (!existsSync(valgrind))
      execFileSync("tools/trixie", [`${out}/valgrind`, "valgrind"], { stdio: ["ignore", "ignore", "inherit"] });
    execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", `${out}/sealed`, "bench/guard/sealed.c"]);
  } catch (error) {
    return skip("instructions", (error as Error).message);
  }
  return live(pureV2, "instructions", valgrind, `${out}/sealed`);
}

mkdirSync(out, { recursive: true });
// A container that runs the tests may have no right to either, root or not.
const [program = "", ...rest] = [...pureV2, "true"];
const mayLive = spawnSync(program, rest, { stdio: "ignore" }).status === 0;
const reason = "no right to new mount and pid namespaces, or to mount cgroup2";
const measured: Figures = {
  sizes: measureSizes(),
  instructions: mayLive ? measureInstructions() : skip("instructions", reason),
  calls: mayLive ? measureCalls() : skip("system calls", reason),
};
const expected = JSON.parse(readFileSync(file, "utf8")) as Figures;
const { risen, fallen, unknown } = compare(expected, measured);

for (const one of skipped) console.log(`not compared: ${one}`);
if (process.env["UPDATE"]) {
  writeFileSync(file, format(merge(expected, measured)));
  for (const one of [...risen, ...fallen, ...unknown]) console.log(`written: ${one}`);
} else {
  for (const one of unknown) console.log(`not compared, no figure: ${one}`);
  for (const one of fallen) console.log(`fell: ${one}`);
  for (const one of risen) console.log(`ROSE: ${one}`);
  if (risen.length + fallen.length > 0)
    console.log("If that is meant: make bench-guard UPDATE=1 writes the figures anew.");
  if (risen.length === 0) console.log("Nothing is more than 3 % above its figure.");
  else process.exitCode = 1;
}
