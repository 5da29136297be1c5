/** What the checks of every engine share. Runs as root inside an environment of tools/engines. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

/** What an environment may lack. */
export type Need = "controllers" | "systemd cgroups";

/** Something that an engine is to do with the runtime. Fails by throwing. */
export interface Check {
  readonly name: string;
  /** Limits can be set: not on a cgroup2 that has hugetlb only. */
  readonly needs?: Need;
  readonly run: () => Promise<void> | void;
}

export interface Engine {
  readonly name: string;
  /** Starts what must run, with this runtime as the default, and brings the image `base` in; returns how to end it. */
  readonly start: (runtime: Runtime) => Promise<() => Promise<void>>;
  readonly checks: readonly Check[];
}

/** A runtime as engines know it: by a name and a path. */
export interface Runtime {
  readonly name: string;
  readonly path: string;
}

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function perform(command: string, seconds = 60): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"], detached: true });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      process.kill(-(child.pid as number), "SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(`${command}: not finished after ${seconds} s: ${stdout}${stderr}`));
    }, seconds * 1000);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** Commands of one caller, and what is expected of them. */
export interface Shell {
  /** Runs a command to its end: that of its output. */
  readonly attempt: (command: string, seconds?: number) => Promise<Answer>;
  /** What a command prints, without the last newline. @throws when it fails */
  readonly sh: (command: string, seconds?: number) => Promise<string>;
  readonly prints: (command: string, expected: string | RegExp) => Promise<void>;
  readonly endsWith: (status: number, command: string, stderr?: RegExp) => Promise<void>;
  /** Asks again until a command prints what is expected: for what an engine does by itself, and tells nobody. */
  readonly becomes: (command: string, expected: string | RegExp, seconds?: number) => Promise<void>;
}

/** @param as the command line by which the caller runs a command */
export function shell(as: (command: string) => string = (command) => command): Shell {
  const run: Shell["attempt"] = (command, seconds) => perform(as(command), seconds);
  return {
    attempt: run,
    sh: (command, seconds) => output(run, command, seconds),
    prints: async (command, expected) => {
      const said = await output(run, command);
      assert.ok(fits(said, expected), `${command}: ${JSON.stringify(said)} in place of ${expected}`);
    },
    endsWith: async (status, command, stderr) => {
      const answer = await run(command);
      assert.equal(answer.status, status, `${command}: ${answer.stderr}`);
      if (stderr) assert.match(answer.stderr, stderr, command);
    },
    becomes: async (command, expected, seconds = 30) => {
      const end = Date.now() + seconds * 1000;
      for (;;) {
        const { stdout, stderr } = await run(command);
        const said = stdout.trimEnd();
        if (fits(said, expected)) return;
        if (Date.now() > end) throw new Error(`${command}: never ${expected}, but ${said} ${stderr.trim()}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}

async function output(run: Shell["attempt"], command: string, seconds?: number): Promise<string> {
  const { status, stdout, stderr } = await run(command, seconds);
  if (status !== 0) throw new Error(`${command}: status ${status}: ${stderr.trim()} ${stdout.trim()}`);
  return stdout.trimEnd();
}

function fits(said: string, expected: string | RegExp): boolean {
  return typeof expected === "string" ? said === expected : expected.test(said);
}

/** Root's. */
export const { attempt, sh, prints, endsWith, becomes } = shell();

/** A daemon, its words in a file. Ends with TERM. */
export function daemon(command: string, log: string): () => Promise<void> {
  const file = openSync(log, "w");
  const child = spawn("/bin/sh", ["-c", `exec ${command}`], { stdio: ["ignore", file, file] });
  closeSync(file);
  const ended = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
  });
  return async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(timer);
  };
}

/** A directory with busybox and nothing else, from which every image is made. */
export function baseRootfs(): string {
  const root = "/srv/base";
  rmSync(root, { recursive: true, force: true });
  for (const name of ["bin", "etc", "dev", "proc", "sys", "tmp", "root", "var/run"])
    mkdirSync(`${root}/${name}`, { recursive: true });
  chmodSync(`${root}/tmp`, 0o1777);
  copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  const applets = ["sh", "echo", "cat", "sleep", "true", "false", "id", "ls", "kill", "ps", "env", "pwd", "hostname"];
  const others = [
    "stat",
    "head",
    "tail",
    "dd",
    "wget",
    "httpd",
    "nc",
    "ip",
    "mount",
    "touch",
    "test",
    "tty",
    "stty",
    "readlink",
  ];
  for (const applet of [...applets, ...others, "grep", "mkdir", "chmod", "adduser", "nproc", "trap", "sed", "ulimit"])
    symlinkSync("busybox", `${root}/bin/${applet}`);
  writeFileSync(`${root}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n");
  writeFileSync(`${root}/etc/group`, "root:x:0:\nuser:x:1000:\n");
  writeFileSync(`${root}/etc/notexecutable`, "text\n");
  return root;
}

export function write(path: string, text: string): void {
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  writeFileSync(path, text);
}

/** The last lines of a log, for a daemon that does not come up. */
export function tailOf(path: string): string {
  return readFileSync(path, "utf8").split("\n").slice(-15).join("\n");
}

/** Where a container reads its own limits, whichever the layout. */
export function limitFile(v1: string, v2: string): string {
  return `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
}
