import { spawn } from "node:child_process";
import { patient } from "./patience.ts";

export interface Result {
  argv: string[];
  /** null when a signal ended the command. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  cwd?: string;
  /** On top of our own; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  input?: string;
  timeout?: number;
}

/**
 * Runs a command to its end. The end is that of its output: a command that leaves a process behind which holds its
 * output open runs into the time limit, and that is an error.
 */
export function command(argv: string[], options: CommandOptions = {}): Promise<Result> {
  const { cwd, env = {}, input, timeout = patient(30_000) } = options;
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    const text = (parts: Buffer[]): string => Buffer.concat(parts).toString();
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(
        new Error(`${argv.join(" ")}: not finished after ${timeout} ms\nstdout: ${text(out)}\nstderr: ${text(err)}`),
      );
    }, timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ argv, status, signal, stdout: text(out), stderr: text(err) });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

export function describeResult(result: Result): string {
  const end = result.signal ?? `status ${result.status}`;
  return `${result.argv.join(" ")}: ${end}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`;
}
