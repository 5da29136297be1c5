import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { context } from "./context.ts";
import { until } from "./expect.ts";
import { isAlive } from "./host.ts";
import { Lines } from "./lines.ts";

/** A terminal with somebody before it (probe/terminal.c): what is shown, what is typed, its window and mode. */
export class Terminal {
  /** What it shows. */
  readonly screen: Lines;
  readonly #child: ChildProcess;
  readonly #orders: Duplex;
  readonly #answers: Lines;

  private constructor(args: string[], env: Record<string, string>) {
    this.#child = spawn(context.terminal, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit", "pipe"],
    });
    this.screen = new Lines(this.#child.stdio[1] as Readable);
    this.#orders = this.#child.stdio[3] as Duplex;
    this.#answers = new Lines(this.#orders);
    this.#child.stdin?.on("error", () => undefined);
    this.#orders.on("error", () => undefined);
  }

  /** One of 24 rows and 80 columns on which a command runs. */
  static attach(argv: string[], env: Record<string, string> = {}): Terminal {
    return new Terminal(["attach", ...argv], env);
  }

  /** The place of an engine's that takes the master of a terminal, or a pidfd, at a socket. */
  static async receive(what: "receive" | "pidfd", socket: string): Promise<Terminal> {
    const terminal = new Terminal([what, socket], {});
    await terminal.#answers.line(/^listening$/);
    return terminal;
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** What it says of itself next. */
  async says(match: RegExp): Promise<string> {
    return await this.#answers.line(match);
  }

  async resize(rows: number, columns: number): Promise<void> {
    this.#orders.write(`size ${rows} ${columns}\n`);
    await this.says(/^sized$/);
  }

  async mode(): Promise<string> {
    this.#orders.write("mode\n");
    return await this.says(/^(raw|cooked)$/);
  }

  async hangUp(): Promise<void> {
    this.#orders.write("hangup\n");
    await this.says(/^hung up$/);
  }

  /** The command's pid. */
  async started(): Promise<number> {
    return Number((await this.#answers.find(/^started /)).slice(8));
  }

  /** How the command ended, and the mode in which it has left the terminal. */
  async ended(): Promise<{ how: string; mode: string }> {
    const how = (await this.#answers.find(/^exited /)).slice(7);
    const lines = this.#answers.text.trim().split("\n");
    return { how, mode: lines[lines.indexOf(`exited ${how}`) - 1] ?? "" };
  }

  /** Takes it away, and waits until the command that ran on it is gone too. */
  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    const [, pid] = /^started (\d+)$/m.exec(await this.#answers.end()) ?? [];
    if (pid !== undefined) await until("the command on the terminal is gone", () => !isAlive(Number(pid)));
  }
}
