/**
 * Updates all resources of a running container while other processes update others of them, pause it, resume it and read
 * its statistics, a thousand times: after each round every value is in force and kept, and state.json was whole whenever
 * it was read.
 *
 *   RUNTIME=/path (build/box)   ROUNDS=n (1000)
 */
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupHost } from "./acceptance/harness/host.ts";

const box = process.env["RUNTIME"] || "build/box";
const rounds = Number(process.env["ROUNDS"] || 1000);
const dir = mkdtempSync(join(tmpdir(), "box-stress-"));
const name = dir.slice(dir.lastIndexOf("/") + 1);
const cgroup = `/${name}/stressed`;
const state = join(dir, "state");

interface Answer {
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs box to its end. */
function call(args: readonly string[], input = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(box, ["--root", state, ...args], { stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stderr }));
  });
}

function must(what: string, { status, stderr }: Answer): void {
  if (status !== 0) throw new Error(`${what} ended with ${status}: ${stderr}`);
}

interface Value {
  readonly controller: string;
  /** Where the kernel says it, on v1 and on v2. */
  readonly file: readonly [v1: string, v2: string];
  /** Properties below linux.resources, and what the file then says. */
  readonly of: (round: number, version: 1 | 2) => readonly [resources: object, said: string];
}

const mebibyte = 2 ** 20;
const values: readonly Value[] = [
  {
    controller: "memory",
    file: ["memory.limit_in_bytes", "memory.max"],
    of: (round) => {
      const limit = (64 + (round % 7) * 32) * mebibyte;
      return [{ memory: { limit } }, `${limit}`];
    },
  },
  {
    controller: "cpu",
    file: ["cpu.cfs_quota_us", "cpu.max"],
    of: (round, version) => {
      const [quota, period] = [10_000 + (round % 11) * 5000, 50_000 + (round % 3) * 25_000];
      return [{ cpu: { quota, period } }, version === 1 ? `${quota}` : `${quota} ${period}`];
    },
  },
  {
    controller: "cpuset",
    file: ["cpuset.cpus", "cpuset.cpus"],
    of: (round) => [{ cpu: { cpus: `${round % 2}` } }, `${round % 2}`],
  },
  {
    controller: "pids",
    file: ["pids.max", "pids.max"],
    of: (round) => [{ pids: { limit: 20 + (round % 13) } }, `${20 + (round % 13)}`],
  },
  {
    controller: "hugetlb",
    file: ["hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"],
    of: (round) => {
      const limit = (1 + (round % 5)) * 2 * mebibyte;
      return [{ hugepageLimits: [{ pageSize: "2MB", limit }] }, `${limit}`];
    },
  },
];

interface Placed extends Value {
  readonly version: 1 | 2;
  readonly path: string;
}

/** The values that this host has a controller for. */
function placed(): readonly Placed[] {
  const { hierarchies } = cgroupHost();
  const unified = hierarchies["unified"];
  const controllers = unified === undefined ? "" : readFileSync(join(unified, "cgroup.controllers"), "utf8");
  return values.flatMap((value): readonly Placed[] => {
    const v1 = hierarchies[value.controller];
    if (v1 !== undefined) return [{ ...value, version: 1 as const, path: join(v1, cgroup, value.file[0]) }];
    if (unified === undefined || !controllers.split(/\s/).includes(value.controller)) return [];
    return [{ ...value, version: 2 as const, path: join(unified, cgroup, value.file[1]) }];
  });
}

function makeBundle(): void {
  mkdirSync(join(dir, "rootfs/bin"), { recursive: true });
  cpSync("/bin/busybox", join(dir, "rootfs/bin/busybox"));
  symlinkSync("busybox", join(dir, "rootfs/bin/sleep"));
  execFileSync(box, ["spec", "--bundle", dir]);
  const config = JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
  config.process.terminal = false;
  config.process.args = ["/bin/sleep", "86400"];
  config.linux.cgroupsPath = cgroup;
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
}

const merge = (parts: readonly object[]): object =>
  parts.reduce<Record<string, object>>((all, part) => {
    for (const [key, value] of Object.entries(part))
      all[key] = Array.isArray(value) ? value : { ...all[key], ...value };
    return all;
  }, {});

/** @returns how often state.json was read */
async function play(all: readonly Placed[], round: number): Promise<number> {
  const half = (odd: number) =>
    merge(all.filter((_, index) => index % 2 === odd).map((one) => one.of(round, one.version)[0]));
  let reads = 0;
  let playing = true;
  const reading = (async () => {
    while (playing) {
      for (const file of ["state.json", "resources.json"]) {
        const path = join(state, "stressed", file);
        if (existsSync(path)) JSON.parse(readFileSync(path, "utf8"));
      }
      reads++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const pausing = async (): Promise<void> => {
    must("pause", await call(["pause", "stressed"]));
    must("resume", await call(["resume", "stressed"]));
  };
  const answers = await Promise.allSettled([
    call(["update", "-r", "-", "stressed"], JSON.stringify(half(0))).then((answer) => must("update", answer)),
    call(["update", "-r", "-", "stressed"], JSON.stringify(half(1))).then((answer) => must("update", answer)),
    call(["events", "--stats", "stressed"]).then((answer) => must("events", answer)),
    call(["state", "stressed"]).then((answer) => must("state", answer)),
    pausing(),
  ]);
  playing = false;
  await reading;
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  for (const one of all) {
    const said = readFileSync(one.path, "utf8").trim();
    const due = one.of(round, one.version)[1];
    if (said !== due) throw new Error(`round ${round}: ${one.path} says ${said}, not ${due}: an update is lost`);
  }
  const kept = JSON.stringify(JSON.parse(readFileSync(join(state, "stressed", "resources.json"), "utf8")));
  for (const one of all) {
    for (const [group, part] of Object.entries(one.of(round, one.version)[0])) {
      const inner = JSON.parse(kept)[group];
      const lost = Array.isArray(part)
        ? JSON.stringify(inner) !== JSON.stringify(part)
        : Object.entries(part as object).some(([key, value]) => inner?.[key] !== value);
      if (lost) throw new Error(`round ${round}: resources.json has lost ${group}: ${kept}`);
    }
  }
  return reads;
}

makeBundle();
try {
  // The program holds on to what it is given as stdout and stderr.
  execFileSync(box, ["--root", state, "run", "--detach", "--bundle", dir, "stressed"], { stdio: "ignore" });
  const all = placed();
  if (all.length === 0) throw new Error("no controller here: this proves nothing");
  let reads = 0;
  for (let round = 1; round <= rounds; round++) reads += await play(all, round);
  console.log(
    `${rounds} rounds of ${all.map(({ controller }) => controller).join(", ")}: no update lost, state.json whole at ${reads} reads`,
  );
} finally {
  must("delete", await call(["delete", "--force", "stressed"]));
  for (const top of new Set(Object.values(cgroupHost().hierarchies)))
    if (existsSync(join(top, name))) rmdirSync(join(top, name));
  rmSync(dir, { recursive: true, force: true });
}
