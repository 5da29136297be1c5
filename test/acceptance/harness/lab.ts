import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./config.ts";
import { Container, makeSpec, ok } from "./container.ts";
import { type CgroupManager, context } from "./context.ts";
import { Fifo } from "./fifo.ts";
import { isAlive } from "./host.ts";
import { leaks, sweep } from "./leaks.ts";
import { Runtime } from "./runtime.ts";
import type { Shim } from "./shim.ts";
import { Terminal } from "./terminal.ts";

/** Not of a container: kept under the state directory for as long as it stands. */
const ownFiles: Record<string, string[]> = { box: ["~seccomp"], crun: [".cache", ".empty-directory"] };

/** One test's place on the host: names, directories and containers that nobody else has. */
export class Lab {
  readonly token: string;
  readonly dir: string;
  /** The runtime's `--root`. */
  readonly root: string;
  /** TMPDIR of everything the test runs. */
  readonly tmp: string;
  readonly runtime: Runtime;
  readonly #containers: Container[] = [];
  readonly #shims: Shim[] = [];
  readonly #terminals: Terminal[] = [];
  readonly #later: (() => Promise<void> | void)[] = [];
  readonly #stem: string;
  readonly #cgroupManager: CgroupManager;
  #ids = 0;

  constructor(stem: string, cgroupManager: CgroupManager) {
    this.#cgroupManager = cgroupManager;
    this.#stem = stem;
    // The full stop ends the number: test 1 must not find the traces of test 12.
    this.token = `${stem}.`;
    this.dir = join(context.dir, `${stem}.files`);
    this.root = join(this.dir, "state");
    this.tmp = join(this.dir, "tmp");
    mkdirSync(this.tmp, { recursive: true });
    this.runtime = this.runtimeAt(this.root);
  }

  /** The same runtime with another state directory. */
  runtimeAt(root: string, env: Record<string, string> = {}): Runtime {
    const { runtime, shim } = context;
    return new Runtime({
      path: runtime.path,
      shim,
      root,
      flags: this.#cgroupManager === "systemd" ? ["--systemd-cgroup"] : [],
      env: { TMPDIR: this.tmp, ACCEPTANCE_TEST: this.token, ...env },
    });
  }

  /** The same runtime on a kernel without a system call, as far as it can tell. */
  runtimeWithout(call: number): Runtime {
    const path = this.path(`without-${call}`);
    writeFileSync(path, `#!/bin/sh\nexec ${context.without} ${call} ${context.runtime.path} "$@"\n`);
    chmodSync(path, 0o755);
    return new Runtime({ ...this.runtime.place, path });
  }

  newId(): string {
    return `${this.#stem}.${++this.#ids}`;
  }

  /** undefined where an ordinary user has no cgroups: then the runtime is asked for none. */
  cgroupsPath(id: string): string | undefined {
    if (this.#cgroupManager === "systemd") return `:box:${id}`;
    return context.cgroupHome === undefined ? undefined : `${context.cgroupHome}/${context.token}/${id}`;
  }

  /** A bundle whose program is `args`, its configuration changed as the test wants it. */
  container(args: string[], change?: (spec: Spec) => void, runtime: Runtime = this.runtime): Container {
    const id = this.newId();
    const spec = makeSpec(args, this.cgroupsPath(id), change);
    const container = new Container(runtime, id, join(this.dir, `bundle-${this.#ids}`), spec);
    this.#containers.push(container);
    return container;
  }

  /** A created one. */
  async created(args: string[] = ["/bin/probe", "wait"], change?: (spec: Spec) => void): Promise<Container> {
    return await this.container(args, change).create();
  }

  /** A running one, whose program has said its first line, `ready`. */
  async running(args: string[] = ["/bin/probe", "wait"], change?: (spec: Spec) => void): Promise<Container> {
    const container = await this.created(args, change);
    await container.start();
    await container.line(/^ready$/);
    return container;
  }

  /** One whose program has ended with status 0. */
  async stopped(args: string[] = ["/bin/true"], change?: (spec: Spec) => void): Promise<Container> {
    const container = await this.created(args, change);
    await container.start();
    await container.exit();
    return container;
  }

  /** What a shell script in a container prints. */
  async shell(script: string, change?: (spec: Spec) => void): Promise<string> {
    return await this.container(["/bin/sh", "-c", script], change).outputOfRun();
  }

  /** A path in the test's own directory. */
  path(name: string): string {
    return join(this.dir, name);
  }

  fifo(name: string): Fifo {
    return this.#fifoAt(this.path(name));
  }

  /** One that the container's program finds at `/name`. */
  fifoIn({ rootfs }: Container, name: string): Fifo {
    return this.#fifoAt(join(rootfs, name));
  }

  #fifoAt(path: string): Fifo {
    const fifo = new Fifo(path);
    this.later(() => fifo.close());
    return fifo;
  }

  /** A container whose `create` is held in a createRuntime hook until `release` is written to. */
  async held(args: string[] = ["/bin/probe", "wait"]): Promise<{ container: Container; release: () => void }> {
    const container = this.container(args);
    const [here, go] = [this.fifo(`${container.id}.here`), this.fifo(`${container.id}.go`)];
    container.spec.hooks = {
      createRuntime: [
        { path: "/bin/sh", args: ["sh", "-c", `cat >/dev/null; echo held >${here.path}; read go <${go.path}`] },
      ],
    };
    container.writeConfig();
    container.creating();
    await here.lines.line(/^held$/);
    return { container, release: () => go.write("go\n") };
  }

  /** Watches a shim of the test's own to its end. */
  watch(shim: Shim): Shim {
    this.#shims.push(shim);
    return shim;
  }

  /** A command on a terminal of its own. */
  attach(argv: string[]): Terminal {
    const terminal = Terminal.attach(argv, this.runtime.place.env);
    this.#terminals.push(terminal);
    return terminal;
  }

  /** Who takes the master of a terminal, or a pidfd, at a socket. */
  async receiver(what: "receive" | "pidfd", socket: string): Promise<Terminal> {
    const terminal = await Terminal.receive(what, socket);
    this.#terminals.push(terminal);
    return terminal;
  }

  /** A process of the host's that must be left alone until the end of the test. @returns its pid */
  stranger(): number {
    const child = spawn("/bin/cat", { stdio: ["pipe", "ignore", "ignore"] });
    const pid = child.pid ?? 0;
    this.later(async () => {
      assert.ok(isAlive(pid), "a process that is not the container's was killed");
      const ended = once(child, "exit");
      child.stdin.end();
      assert.deepEqual(await ended, [0, null]);
    });
    return pid;
  }

  /** Runs at the end, in reverse order. */
  later(undo: () => Promise<void> | void): void {
    this.#later.push(undo);
  }

  /** Ends all containers with the runtime's own means and then looks for what is left. */
  async close(): Promise<string[]> {
    for (const undo of this.#later.reverse()) await undo();
    const complaints: string[] = [];
    const known = this.stateEntries();
    for (const { id } of this.#containers.filter((container) => known.includes(container.id))) {
      await this.runtime
        .delete(id, "--force")
        .then(ok)
        .catch((error: Error) => complaints.push(error.message));
    }
    const shims = [...this.#shims, ...this.#containers.flatMap(({ shimOrNone }) => shimOrNone ?? [])];
    for (const shim of shims) {
      // What outlives this is swept away, and the shim ends with it.
      await shim.finished().then(
        () => shim.closed,
        () => complaints.push("a process of the container outlives `delete --force`"),
      );
    }
    for (const terminal of this.#terminals)
      await terminal.close().catch((error: Error) => complaints.push(error.message));
    complaints.push(...this.leaks());
    return complaints;
  }

  /** What stands in the state directory, but for what the runtime keeps there of its own. */
  stateEntries(): string[] {
    const own = ownFiles[context.runtime.name] ?? [];
    return existsSync(this.root) ? readdirSync(this.root).filter((name) => !own.includes(name)) : [];
  }

  leaks(): string[] {
    const state = this.stateEntries().map((name) => `file ${join(this.root, name)}`);
    return [...state, ...this.#leaks()];
  }

  #leaks(): string[] {
    return leaks({
      token: this.token,
      run: context.token,
      empty: [this.tmp],
      namespaces: this.#containers.flatMap(({ ownNamespaces }) => [...ownNamespaces]),
      except: [process.pid],
    });
  }

  /** What the runtime did not clean up must not disturb the next test. */
  async sweep(keepFiles: boolean): Promise<string[]> {
    return await sweep(this.token, keepFiles ? [] : [this.dir]);
  }

  removeFiles(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
