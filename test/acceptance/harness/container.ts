import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeResult, type Result } from "./command.ts";
import { defaultSpec, type Spec } from "./config.ts";
import { context } from "./context.ts";
import { namespaces, startTime } from "./host.ts";
import { cloneRootfs } from "./rootfs.ts";
import type { Runtime, State } from "./runtime.ts";
import type { Shim, ShimOptions } from "./shim.ts";
import { adapt } from "./user.ts";

export function ok(result: Result): Result {
  assert.equal(result.status, 0, describeResult(result));
  return result;
}

/** What `probe report` prints. */
export interface Report {
  pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  uid: number;
  euid: number;
  gid: number;
  egid: number;
  nice: number;
  /** SCHED_*, and the real-time priority. */
  scheduler: [number, number];
  /** The class in the bits from 13 on, and the priority. */
  ioPriority: number;
  /** PER_* */
  personality: number;
  /** MPOL_*, and the first 64 nodes as a mask. */
  memoryPolicy: [number, number];
  dumpable: number;
  deathSignal: number;
  /** Whether it can search for the key of `probe burden`. */
  findsKey: boolean;
  /** Its serial number; -1 where the kernel has none. */
  sessionKeyring: number;
  oomScoreAdj: number;
  cwd: string;
  hostname: string;
  domainname: string;
  argv: string[];
  env: string[];
  status: Record<string, string>;
  rlimits: Record<string, [string, string]>;
  namespaces: Record<string, string>;
  fds: Record<string, string>;
}

/** A bundle with an id, and what a test does to it. Each method fails the test when the runtime refuses. */
export class Container {
  readonly runtime: Runtime;
  readonly id: string;
  readonly bundle: string;
  readonly spec: Spec;
  readonly rootfs: string;
  readonly pidFile: string;
  #shim: Shim | undefined;
  #pid: number | undefined;
  /** Namespaces that its init had and we have not. */
  readonly ownNamespaces = new Set<string>();

  constructor(runtime: Runtime, id: string, bundle: string, spec: Spec) {
    this.runtime = runtime;
    this.id = id;
    this.bundle = bundle;
    this.spec = spec;
    this.rootfs = join(bundle, "rootfs");
    this.pidFile = `${bundle}.pid`;
    mkdirSync(bundle, { recursive: true });
    cloneRootfs(context.rootfs, this.rootfs);
    this.writeConfig();
  }

  writeConfig(): void {
    writeFileSync(join(this.bundle, "config.json"), JSON.stringify(this.spec, null, "\t"));
  }

  /** The process that holds the container's other ends: output, input, end. */
  get shim(): Shim {
    if (!this.#shim) throw new Error(`container ${this.id} was not created`);
    return this.#shim;
  }

  get shimOrNone(): Shim | undefined {
    return this.#shim;
  }

  get pid(): number {
    if (this.#pid === undefined) throw new Error(`container ${this.id} has no process yet`);
    return this.#pid;
  }

  /** Starts `create` and does not wait for it. */
  creating(flags: string[] = [], options: ShimOptions = {}): Shim {
    this.#shim = this.runtime.create(this.id, this.bundle, ["--pid-file", this.pidFile, ...flags], options);
    return this.#shim;
  }

  async create(flags: string[] = [], options: ShimOptions = {}): Promise<this> {
    await this.creating(flags, options).ok();
    this.notePid();
    return this;
  }

  /** For a failure: what has become of its processes. */
  #fate(): string {
    return `the shim says: ${this.#shim?.said ?? "nothing"}`;
  }

  notePid(): void {
    this.#pid = Number(readFileSync(this.pidFile, "utf8"));
    const ours = new Set(Object.values(namespaces("self")));
    if (!existsSync(`/proc/${this.#pid}/ns`))
      throw new Error(`init ${this.#pid} is gone after create; ${this.#fate()}`);
    try {
      for (const inode of Object.values(namespaces(this.#pid))) if (!ours.has(inode)) this.ownNamespaces.add(inode);
    } catch (error) {
      // An init of other runtimes may be closed to an ordinary user.
      if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    }
  }

  /** `run` in the foreground, not waited for. */
  running(flags: string[] = [], options: ShimOptions = {}): Shim {
    this.#shim = this.runtime.run(this.id, this.bundle, ["--pid-file", this.pidFile, ...flags], options);
    return this.#shim;
  }

  async start(): Promise<this> {
    const result = await this.runtime.start(this.id);
    assert.equal(result.status, 0, `${describeResult(result)}${this.#fate()}`);
    return this;
  }

  /** The state as `state` prints it. */
  async state(): Promise<State> {
    return JSON.parse(ok(await this.runtime.state(this.id)).stdout) as State;
  }

  async expectStatus(status: State["status"]): Promise<State> {
    const state = await this.state();
    assert.equal(state.status, status);
    return state;
  }

  async kill(...signal: string[]): Promise<this> {
    ok(await this.runtime.kill(this.id, ...signal));
    return this;
  }

  async delete(...flags: string[]): Promise<this> {
    ok(await this.runtime.delete(this.id, ...flags));
    return this;
  }

  /** How init ended: `exit N` or `signal N`. */
  exit(): Promise<string> {
    return this.shim.reaped(this.pid);
  }

  /** Kills init and waits for its end. */
  async stop(): Promise<this> {
    await this.kill("KILL");
    await this.exit();
    return this;
  }

  /** The next line the program prints. */
  line(match?: RegExp): Promise<string> {
    return this.shim.stdout.line(match);
  }

  say(text: string): void {
    this.shim.stdin.write(text);
  }

  /** All that the program prints, to its end. */
  async output(): Promise<string> {
    return this.shim.stdout.end();
  }

  /** create, start, and the whole output; the program has ended after it. */
  async outputOfRun(): Promise<string> {
    await this.create();
    await this.start();
    this.shim.stdin.end();
    const output = await this.output();
    await this.exit();
    return output;
  }

  async report(): Promise<Report> {
    return JSON.parse(await this.outputOfRun()) as Report;
  }

  /** A process is the same one only with the same start time. */
  get startTime(): string | undefined {
    return startTime(this.pid);
  }
}

/** The path of a container's cgroup below each hierarchy. */
export function cgroupsPathOf({ spec }: Container): string {
  const path = spec.linux.cgroupsPath ?? "";
  const [slice, prefix, name] = path.split(":");
  return name === undefined ? path : `/${slice || "system.slice"}/${prefix}-${name}.scope`;
}

export function makeSpec(args: string[], cgroupsPath: string | undefined, change?: (spec: Spec) => void): Spec {
  const spec = defaultSpec(args, cgroupsPath);
  if (context.user !== undefined) adapt(spec, context.user);
  change?.(spec);
  return spec;
}
