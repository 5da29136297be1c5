/** One container of a scenario, with files and a name of its own, and box as it is under one trouble. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupHost, isAlive } from "../acceptance/harness/host.ts";
import { callsSize, type Fault, hitMark, regionOf, regionSize } from "./format.ts";
import type { Scarcity } from "./scarcities.ts";
import type { Scenario } from "./scenarios.ts";

/** Everything that the run makes is below it, or has its last component in its name. */
export const place = mkdtempSync(join(tmpdir(), "box-faults-"));
// An ordinary user is among those who call.
chmodSync(place, 0o711);
export const token = place.slice(place.lastIndexOf("/") + 1);
export const probe = join(place, "probe");
export const hierarchies = [...new Set(Object.values(cgroupHost().hierarchies))];

/** A step of box's own has 60 s; no trouble may make one last as long. */
const hanging = 20_000;

export interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly hung: boolean;
}

function tool(name: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}`);
}

/** A container of one scenario with files of its own. */
export class Trial {
  readonly id: string;
  readonly #dir: string;

  readonly #scarcity: Scarcity | undefined;

  readonly #user: number | undefined;

  #manager: ChildProcess | undefined;

  static async make(number: string, scenario: Scenario, scarcity?: Scarcity): Promise<Trial> {
    const trial = new Trial(number, scenario, scarcity);
    if (scenario.service === true) await trial.#manage();
    return trial;
  }

  private constructor(number: string, scenario: Scenario, scarcity?: Scarcity) {
    this.id = `${token}.${number}`;
    this.#dir = join(place, number);
    this.#scarcity = scarcity;
    this.#user = scenario.user;
    mkdirSync(join(this.#dir, "bundle"), { recursive: true });
    mkdirSync(this.root, { mode: 0o700 });
    if (scarcity?.disk !== undefined)
      tool("mount", "-t", "tmpfs", "-o", `mode=0700,${scarcity.disk}`, "state", this.root);
    this.#giveToUser(this.#dir, this.root);
    if (scarcity?.processes !== undefined) {
      mkdirSync(this.#processLimit);
      writeFileSync(join(this.#processLimit, "pids.max"), `${scarcity.processes}`);
    }
    const spec = scenario.spec(`/${token}/${number}`, join(place, "rootfs"), this.#dir);
    writeFileSync(join(this.#dir, "bundle/config.json"), JSON.stringify(spec));
    for (const [name, content] of Object.entries(scenario.files ?? {}))
      writeFileSync(join(this.#dir, name), JSON.stringify(content));
  }

  /** Starts the service manager, which takes note of everything at once: a line is read for every message. */
  async #manage(): Promise<void> {
    const lines = openSync("/dev/zero", "r");
    const manager = spawn(probe, ["manager", this.#notifySocket], { stdio: [lines, "pipe", "inherit"] });
    closeSync(lines);
    this.#manager = manager;
    await once(manager.stdout as NonNullable<typeof manager.stdout>, "data");
  }

  get #notifySocket(): string {
    return join(this.#dir, "manager.sock");
  }

  get root(): string {
    return join(this.#dir, "state");
  }

  #giveToUser(...paths: readonly string[]): void {
    if (this.#user !== undefined) for (const path of paths) chownSync(path, this.#user, this.#user);
  }

  /** The cgroup in which the command is, when processes are scarce. */
  get #processLimit(): string {
    return join("/sys/fs/cgroup/pids", `${this.id}-limit`);
  }

  /** What box is called by: who it is to be, and what it lacks. */
  #caller(limited: boolean): readonly string[] {
    const { processes, limit = [] } = this.#scarcity ?? {};
    return [
      ...(limited && processes !== undefined
        ? ["sh", "-c", `echo $$ >${this.#processLimit}/cgroup.procs && exec "$@"`, "sh"]
        : []),
      ...(this.#user === undefined
        ? []
        : ["setpriv", `--reuid=${this.#user}`, `--regid=${this.#user}`, "--clear-groups", "--"]),
      ...(limited ? limit : []),
    ];
  }

  /** Runs a command of box to its end, in trouble or, with "none", as it is. */
  box(args: readonly string[], trouble: Fault | "scarcity" | "none"): Promise<Ended> {
    const env = {
      ...(typeof trouble !== "string" && { TMPDIR: this.#tmp(trouble) }),
      ...(this.#manager !== undefined && { NOTIFY_SOCKET: this.#notifySocket }),
    };
    const filled = args.map((arg) => (arg === "ID" ? this.id : arg.replace("DIR", this.#dir)));
    const said = join(this.#dir, "stderr");
    const errors = openSync(said, "w");
    return new Promise((resolve, reject) => {
      const caller = this.#caller(trouble === "scarcity");
      const [program = "", ...rest] = [...caller, join(place, "box"), "--root", this.root, ...filled];
      const child = spawn(program, rest, {
        cwd: join(this.#dir, "bundle"),
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "ignore", errors],
      });
      let hung = false;
      const timer = setTimeout(() => {
        hung = true;
        child.kill("SIGKILL");
      }, hanging);
      child.on("error", reject);
      child.on("exit", (status) => {
        clearTimeout(timer);
        closeSync(errors);
        resolve({ status, stderr: readFileSync(said, "utf8"), hung });
      });
    });
  }

  /** What the command's processes find in TMPDIR. */
  #tmp(fault: Fault): string {
    const tmp = join(this.#dir, "tmp");
    mkdirSync(tmp, { recursive: true });
    writeFileSync(join(tmp, "fault.json"), JSON.stringify(fault));
    rmSync(join(tmp, "calls"), { force: true });
    writeFileSync(join(tmp, "calls"), "");
    truncateSync(join(tmp, "calls"), callsSize);
    this.#giveToUser(tmp, join(tmp, "fault.json"), join(tmp, "calls"));
    return tmp;
  }

  #calls(): Buffer {
    return readFileSync(join(this.#dir, "tmp/calls"));
  }

  get hit(): boolean {
    return this.#calls().toString("latin1", 0, hitMark.length) === hitMark;
  }

  /** The calls of each process of the last command with a fault, in order. */
  recorded(): ReadonlyMap<number, readonly string[]> {
    const bytes = this.#calls();
    const processes = new Map<number, readonly string[]>();
    for (let process = 0; regionOf(process) + regionSize < callsSize; process++) {
      const region = bytes.subarray(regionOf(process), regionOf(process) + regionSize);
      const text = region.toString("latin1", 0, region.indexOf(0));
      if (text !== "") processes.set(process, text.trimEnd().split("\n"));
    }
    return processes;
  }

  /** What is left on the host. */
  left(): string[] {
    const states = existsSync(this.root) ? readdirSync(this.root) : [];
    const processes = readdirSync("/proc").filter(
      (name) => /^\d+$/.test(name) && isAlive(Number(name)) && this.#owns(name),
    );
    return [
      ...states.filter((name) => name.includes(this.id)).map((name) => `state ${name}`),
      ...this.#cgroups()
        .filter((path) => existsSync(path))
        .map((path) => `cgroup ${path}`),
      ...processes.map((pid) => `process ${pid}`),
      ...readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .filter((line) => line.includes(this.#dir) && line.split(" ")[4] !== this.root)
        .map((line) => `mount ${line}`),
    ];
  }

  #owns(pid: string): boolean {
    try {
      const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, "utf8");
      const text = read("cmdline") + read("cgroup");
      if (this.#user !== undefined && read("environ").includes(`PLACE=${this.#dir}\0`)) return true;
      return text.includes(this.id) || text.includes(`/${token}/${this.id.slice(token.length + 1)}\n`);
    } catch {
      return false;
    }
  }

  /** Removes what the trial has made, and what box has left of it. */
  sweep(): void {
    this.#manager?.kill("SIGKILL");
    for (const path of this.#cgroups())
      for (let tries = 0; tries < 100 && existsSync(path); tries++)
        try {
          rmdirSync(path);
        } catch {
          for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n").filter(Boolean))
            process.kill(Number(pid), "SIGKILL");
          // It is gone soon, but not at once.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        }
    if (this.#scarcity?.disk !== undefined) tool("umount", this.root);
    if (existsSync(this.#processLimit)) rmdirSync(this.#processLimit);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Where its cgroups would be. */
  #cgroups(): string[] {
    return hierarchies.map((top) => join(top, token, this.id.slice(token.length + 1)));
  }
}
