import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { describeResult, type Result } from "./command.ts";
import { Lines } from "./lines.ts";

export interface ShimOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Descriptors 3, 4, … of the command, as numbers of this process. */
  pass?: number[];
  /** Leave what ends unreaped until `reap`. */
  keepZombies?: boolean;
}

/**
 * A command under the suite's own shim (probe/shim.c): the processes that the command leaves behind become the
 * shim's children, so how a container's init ends is an event here, and nothing has to be polled.
 */
export class Shim {
  readonly stdout: Lines;
  readonly stderr: Lines;
  readonly #child: ChildProcess;
  readonly #report: Lines;
  readonly #argv: string[];
  readonly closed: Promise<void>;

  constructor(shim: string, argv: string[], options: ShimOptions = {}) {
    const pass = options.pass ?? [];
    const fd = 3 + pass.length;
    this.#argv = argv;
    this.#child = spawn(shim, [`${fd}`, ...(options.keepZombies ? ["-z"] : []), ...argv], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe", ...pass, "pipe"],
    });
    const stream = (index: number): Readable => this.#child.stdio[index] as Readable;
    this.stdout = new Lines(stream(1));
    this.stderr = new Lines(stream(2));
    this.#report = new Lines(stream(fd));
    this.#child.stdin?.on("error", () => undefined);
    this.closed = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("exit", () => resolve());
    });
  }

  get stdin(): Writable {
    if (!this.#child.stdin) throw new Error("the shim has no standard input");
    return this.#child.stdin;
  }

  /** The command's own process id. */
  async started(): Promise<number> {
    return Number((await this.#report.find(/^started /)).slice(8));
  }

  /** How the command itself ended: `exit N` or `signal N`. */
  async exited(): Promise<string> {
    return (await this.#report.find(/^exited /)).slice(7);
  }

  /** How a process ended that the shim adopted. */
  async reaped(pid: number): Promise<string> {
    const line = await this.#report.find(new RegExp(`^reaped ${pid} `));
    return line.split(" ").slice(2).join(" ");
  }

  /** What the shim has said so far. */
  get said(): string {
    return this.#report.text.trim().replaceAll("\n", ", ");
  }

  async zombie(pid: number): Promise<void> {
    await this.#report.find(new RegExp(`^zombie ${pid} `));
  }

  reap(): void {
    this.#child.kill("SIGUSR1");
  }

  /** Resolves when the command and all it left behind have ended. */
  async finished(): Promise<void> {
    await this.#report.end();
  }

  /** The command's result, the output being what there is when it ends. */
  async result(): Promise<Result> {
    const [how, number] = (await this.exited()).split(" ");
    const status = how === "exit" ? Number(number) : null;
    // A command that failed leaves nobody to hold its output open, so its end can be waited for.
    if (status !== 0) await Promise.all([this.stdout.end(), this.stderr.end()]);
    return {
      argv: this.#argv,
      status,
      signal: how === "exit" ? null : (`signal ${number}` as NodeJS.Signals),
      stdout: this.stdout.text,
      stderr: this.stderr.text,
    };
  }

  async ok(): Promise<this> {
    const result = await this.result();
    if (result.status !== 0) throw new Error(describeResult(result));
    return this;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
