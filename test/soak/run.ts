/**
 * Containers of mixed configurations come and go for hours, and box is killed at random moments. After each round of
 * cycles nothing may be left of them, and a deletion by force must have worked, whatever was killed before it.
 *
 *   HOURS=n       how long (0.1)                RUNTIME=/path   another box than build/box
 *   ROUND=n       cycles of a round (200)       SEED=n          where the random numbers start (the time)
 *   JOBS=n        drivers at once (1)
 *
 * Sessions add up: build/soak has the totals (totals.json), what each round measured (samples.jsonl), a drawing of it
 * (plot.svg) and what went wrong (findings.txt). A session ends at INT and TERM, after its round; one that was killed
 * has its totals up to the round before, and the next one removes what it left.
 *
 * Exit status: 0 nothing was found in this session, 1 something was.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Spec } from "../acceptance/harness/config.ts";
import { cgroupHost } from "../acceptance/harness/host.ts";
import { leaks, sweep } from "../acceptance/harness/leaks.ts";
import { makeRootfs } from "../acceptance/harness/rootfs.ts";
import { randomFrom } from "../random.ts";
import { measure, type Sample } from "./measures.ts";
import { callsOf, type Ingredient, mixture, ofUser, specOfRoot } from "./mixture.ts";
import { plot } from "./plot.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const output = join(project, "build/soak");
const hours = Number(process.env["HOURS"] || 0.1);
const round = Number(process.env["ROUND"] || 200);
const jobs = Number(process.env["JOBS"] || 1);

/** How many cycles have a call that is killed. */
const killedShare = 0.15;

/** Every so many rounds all is done by an ordinary user. */
const usersRounds = 5;
/** Not the one that the acceptance suite has. */
const ordinary = 64_997;

interface Totals {
  cycles: number;
  calls: number;
  /** Calls that SIGKILL ended. */
  kills: number;
  leaks: number;
  /** Containers that could not be deleted by force. */
  undeletable: number;
  /** Calls that did not end as they must. */
  wrong: number;
  seconds: number;
  sessions: { readonly began: string; readonly box: string; readonly seed: number }[];
  /** What a session that was killed has left is named by it. */
  place: string | null;
}

const none: Totals = {
  cycles: 0,
  calls: 0,
  kills: 0,
  leaks: 0,
  undeletable: 0,
  wrong: 0,
  seconds: 0,
  sessions: [],
  place: null,
};

interface Planned {
  readonly args: readonly string[];
  readonly ingredient: Ingredient;
  /** Microseconds until SIGKILL; 0 for never. */
  readonly killed: number;
  /** By force, at the end of each cycle: it must succeed. */
  readonly deletion: boolean;
}

class Soak {
  readonly #totals: Totals;
  readonly #began = Date.now();
  readonly #random: () => number;
  /** Everything of the session is below it, or has its last component in its name. */
  readonly #place = mkdtempSync(join(tmpdir(), "box-soak-"));
  readonly #token = this.#place.slice(this.#place.lastIndexOf("/") + 1);
  /** How long a call takes, in microseconds, by ingredient and command. */
  readonly #usual = new Map<string, number>();
  readonly #specOfUser: string;
  #rounds = 0;
  #findings = 0;
  ending = false;

  constructor(totals: Totals, seed: number) {
    this.#random = randomFrom(seed);
    const runtime = process.env["RUNTIME"] || join(project, "build/box");
    // Of our own, so that a build at the same time disturbs nothing.
    copyFileSync(runtime, join(this.#place, "box"));
    const box = createHash("sha256").update(readFileSync(runtime)).digest("hex").slice(0, 16);
    const began = new Date(this.#began).toISOString();
    this.#totals = { ...totals, sessions: [...totals.sessions, { began, box, seed }], place: this.#place };
    chmodSync(this.#place, 0o711);
    makeRootfs(join(this.#place, "rootfs"), "/bin/busybox", "/bin/busybox");
    compile(join(this.#place, "driver"));
    for (const user of [false, true]) {
      mkdirSync(this.#root(user), { mode: 0o700 });
      if (user) chownSync(this.#root(user), ordinary, ordinary);
    }
    execFileSync(join(this.#place, "box"), ["spec", "--rootless", "--bundle", this.#place]);
    this.#specOfUser = readFileSync(join(this.#place, "config.json"), "utf8").replaceAll(
      /"hostID": \d+/g,
      `"hostID": ${ordinary}`,
    );
    for (const directory of [...this.#cgroups(), ...this.#driverCgroups()]) mkdirSync(directory);
    this.#save();
  }

  #root(user: boolean): string {
    return join(this.#place, user ? "user" : "state");
  }

  #cgroups(): string[] {
    return [...new Set(Object.values(cgroupHost().hierarchies))].map((top) => join(top, this.#token));
  }

  /** Where the driver is, so that what box uses while it works is counted too. */
  #driverCgroups(): string[] {
    const { memory, unified } = cgroupHost().hierarchies;
    return [memory, unified].filter((top) => top !== undefined).map((top) => join(top, this.#token, "driver"));
  }

  async run(): Promise<number> {
    try {
      while (!this.ending && Date.now() - this.#began < hours * 3_600_000) await this.#round();
    } finally {
      const stuck = await sweep(this.#token, [this.#place]);
      for (const what of stuck) console.log(what);
      this.#totals.place = null;
      this.#save();
    }
    const { cycles, kills, leaks: left, undeletable, wrong, seconds } = this.#totals;
    console.log(
      `${cycles} cycles and ${kills} killed calls in ${(seconds / 3600).toFixed(1)} h of all sessions: ` +
        `${left} leaks, ${undeletable} containers that could not be deleted, ${wrong} wrong answers`,
    );
    return this.#findings === 0 ? 0 : 1;
  }

  async #round(): Promise<void> {
    const began = Date.now();
    const user = ++this.#rounds % usersRounds === 0;
    const parts = Array.from({ length: jobs }, (_, job) => this.#plan(job, user));
    const answers = await Promise.all(parts.map(({ script }, job) => this.#drive(script, job, user)));
    let peak = 0;
    const left: string[] = [];
    for (const [job, { planned }] of parts.entries()) {
      const said = answers[job] ?? [];
      for (const [index, call] of planned.entries()) peak = Math.max(peak, this.#judge(call, said[index] ?? ""));
      if (said.at(-1) !== "left 0") left.push(`children of box's: ${said.at(-1)}`);
      this.#totals.calls += planned.length;
    }
    left.push(...this.#left(user));
    this.#totals.cycles += round;
    this.#totals.leaks += left.length;
    for (const what of left) this.#find(what);
    if (left.length > 0) await this.#clear(user);
    this.#totals.seconds += (Date.now() - began) / 1000;
    const { cycles, kills } = this.#totals;
    const sample: Sample = { cycles, kills, peak, ...measure(this.#token) };
    appendFileSync(join(output, "samples.jsonl"), `${JSON.stringify(sample)}\n`);
    this.#save();
  }

  /** Every n-th cycle of a round, as bundles and what the driver is to call. */
  #plan(job: number, user: boolean): { script: string[]; planned: Planned[] } {
    const script: string[] = [];
    const planned: Planned[] = [];
    const kinds = user ? ofUser : mixture;
    for (let number = job; number < round; number += jobs) {
      const ingredient = kinds[Math.floor(this.#random() * kinds.length)] as Ingredient;
      const id = `${this.#token}.${this.#totals.cycles + number}`;
      script.push(`cd ${this.#writeBundle(ingredient, { number, id, user })}`);
      for (const call of this.#cycle(ingredient, id, user)) {
        planned.push(call);
        script.push(`${call.killed} --root ${this.#root(user)} ${call.args.join(" ")}`);
      }
    }
    return { script, planned };
  }

  #writeBundle(ingredient: Ingredient, { number, id, user }: { number: number; id: string; user: boolean }): string {
    const path = join(this.#place, `bundle-${number}`);
    mkdirSync(path, { recursive: true });
    const spec = JSON.parse(user ? this.#specOfUser : JSON.stringify(specOfRoot())) as Spec;
    spec.process.terminal = false;
    spec.root.path = join(this.#place, "rootfs");
    if (!user) spec.linux.cgroupsPath = `/${this.#token}/${id}`;
    ingredient.change(spec);
    writeFileSync(join(path, "config.json"), JSON.stringify(spec));
    return path;
  }

  #cycle(ingredient: Ingredient, id: string, user: boolean): Planned[] {
    const deletion = { args: ["delete", "--force", id], ingredient, killed: 0, deletion: true };
    const calls = [...callsOf(ingredient, { id, random: this.#random, user }), deletion.args];
    const fatal = this.#random() < killedShare ? Math.floor(this.#random() * calls.length) : undefined;
    const done = calls
      .slice(0, fatal ?? calls.length - 1)
      .map((args) => ({ args, ingredient, killed: 0, deletion: false }));
    if (fatal === undefined) return [...done, deletion];
    const args = calls[fatal] as string[];
    const usual = this.#usual.get(`${ingredient.name} ${args[0]}`) ?? 20_000;
    const killed = 1 + Math.floor(this.#random() * usual * 1.2);
    return [...done, { args, ingredient, killed, deletion: false }, deletion];
  }

  /** @returns the driver's answers */
  #drive(script: readonly string[], job: number, user: boolean): Promise<string[]> {
    const errors = join(this.#place, `errors-${job}-${user ? "user" : "root"}`);
    const command = [join(this.#place, "driver"), join(this.#place, "box"), errors];
    const asUser = ["setpriv", `--reuid=${ordinary}`, `--regid=${ordinary}`, "--clear-groups", "--"];
    const [program = "", ...args] = user ? [...asUser, ...command] : command;
    if (user) {
      writeFileSync(errors, "");
      chownSync(errors, ordinary, ordinary);
    }
    return new Promise((resolve, reject) => {
      const driver = spawn(program, args, {
        cwd: this.#place,
        env: { PATH: process.env["PATH"], XDG_RUNTIME_DIR: this.#root(user) },
        stdio: ["pipe", "pipe", "inherit"],
        detached: true,
      });
      let said = "";
      driver.stdout?.on("data", (text) => {
        said += text;
      });
      driver.on("error", reject);
      driver.on("close", (status) => {
        if (status === 0) resolve(said.trimEnd().split("\n"));
        else reject(new Error(`the driver ended with ${status}`));
      });
      driver.stdin?.on("error", () => {});
      // It waits for its first call.
      for (const cgroup of this.#driverCgroups()) writeFileSync(join(cgroup, "cgroup.procs"), `${driver.pid}`);
      driver.stdin?.end(`${script.join("\n")}\n`);
    });
  }

  /** @returns the largest resident size, in KiB */
  #judge({ args, ingredient, killed, deletion }: Planned, answer: string): number {
    const [how = "", number, took, size, ...message] = answer.split(" ");
    const text = message.join(" ").trim();
    const what = `${ingredient.name}: ${args.join(" ")}: ${how} ${number} ${text}`;
    if (how === "killed") this.#totals.kills++;
    if (killed > 0) return Number(size);
    const key = `${ingredient.name} ${args[0]}`;
    this.#usual.set(key, 0.9 * (this.#usual.get(key) ?? Number(took)) + 0.1 * Number(took));
    const succeeded = how === "exit" && number === "0";
    if (deletion && !succeeded) {
      this.#totals.undeletable++;
      this.#find(what);
    } else if (!deletion && !(ingredient.fails === undefined ? succeeded : ingredient.fails.test(text))) {
      this.#totals.wrong++;
      this.#find(what);
    }
    return Number(size);
  }

  #left(user: boolean): string[] {
    const root = this.#root(user);
    const states = readdirSync(root).filter((name) => !name.startsWith("~"));
    const territory = { token: `${this.#token}.`, run: this.#token, empty: [], namespaces: [], except: [] };
    return [...states.map((name) => `state ${name}`), ...leaks(territory)];
  }

  #find(what: string): void {
    this.#findings++;
    console.log(`✗ ${what}`);
    appendFileSync(join(output, "findings.txt"), `${new Date().toISOString()} ${what}\n`);
  }

  /** So that what is left is counted once. */
  async #clear(user: boolean): Promise<void> {
    await sweep(`${this.#token}.`, []);
    for (const name of readdirSync(this.#root(user))) rmSync(join(this.#root(user), name), { recursive: true });
  }

  #save(): void {
    writeFileSync(join(output, "totals.json.new"), `${JSON.stringify(this.#totals, null, 2)}\n`);
    renameSync(join(output, "totals.json.new"), join(output, "totals.json"));
    const samples = join(output, "samples.jsonl");
    if (this.#rounds % 20 !== 0 && this.#totals.place !== null) return;
    if (!existsSync(samples)) return;
    const lines = readFileSync(samples, "utf8").trimEnd().split("\n");
    writeFileSync(join(output, "plot.svg"), plot(lines.map((line) => JSON.parse(line) as Sample)));
  }
}

function compile(target: string): void {
  const source = fileURLToPath(new URL("driver.c", import.meta.url));
  const { status, stderr } = spawnSync("gcc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", target, source], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`cannot compile ${source}: ${stderr}`);
}

async function main(): Promise<number> {
  mkdirSync(output, { recursive: true });
  const totals = existsSync(join(output, "totals.json"))
    ? (JSON.parse(readFileSync(join(output, "totals.json"), "utf8")) as Totals)
    : none;
  if (totals.place !== null) await sweep(totals.place.slice(totals.place.lastIndexOf("/") + 1), [totals.place]);
  const soak = new Soak(totals, Number(process.env["SEED"] || Date.now() % 2 ** 32));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (soak.ending = true));
  return await soak.run();
}

process.exitCode = await main();
