/**
 * The standard cases on one layout of cgroups: `life.ts calls`, `life.ts instructions VALGRIND SEALED`. Prints JSON.
 *
 * Everything is in folders whose names are as long on every host, with box's default configuration but for the masked and
 * read-only paths, which are some that every kernel has: the same binary makes the same calls everywhere.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Calls } from "./figures.ts";

const box = resolve("build/box");
/** Of letters only: digits would be looked at as numbers in a record, and cost instructions. */
const name = `box-guard-${Array.from(randomBytes(6), (byte) => String.fromCharCode(97 + (byte % 26))).join("")}`;
const folder = `/tmp/${name}`;
const state = `/run/${name}`;
const cgroups = `/${name}`;
const id = "guard";
for (const directory of [folder, state]) mkdirSync(directory, { mode: 0o700 });
const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

function makeBundle(program: string, args: readonly string[]): string {
  const bundle = `${folder}/${program}`;
  for (const directory of ["bin", "dev", "proc", "sys"])
    mkdirSync(`${bundle}/rootfs/${directory}`, { recursive: true });
  copyFileSync("/bin/busybox", `${bundle}/rootfs/bin/busybox`);
  for (const applet of ["true", "sleep"]) symlinkSync("busybox", `${bundle}/rootfs/bin/${applet}`);
  execFileSync(box, ["spec", "--bundle", bundle]);
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  Object.assign(config.process, { terminal: false, args });
  Object.assign(config.linux, {
    cgroupsPath: `${cgroups}/${program}`,
    maskedPaths: ["/proc/interrupts", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
    readonlyPaths: ["/proc/fs", "/proc/irq", "/proc/sys"],
  });
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  return bundle;
}

/** Takes a container through its life; `run` may do the commands in another way. */
function live(run: (command: string, ...args: readonly string[]) => void): void {
  const short = makeBundle("true", ["/bin/true"]);
  const long = makeBundle("wait", ["/bin/sleep", "1000000"]);
  try {
    run("run", "--bundle", short, id);
    run("create", "--bundle", long, id);
    run("state", id);
    run("start", id);
    run("exec", id, "/bin/true");
    run("kill", id, "KILL");
    plainly("wait", id);
    run("delete", id);
  } finally {
    spawnSync(box, ["--root", state, "delete", "--force", id], { stdio: "ignore" });
    for (const hierarchy of readFileSync("/proc/self/mountinfo", "utf8").matchAll(/ (\/sys\/fs\/cgroup\S*) /g))
      removeEmpty(`${hierarchy[1]}${cgroups}`);
    for (const made of [folder, state]) rmSync(made, { recursive: true, force: true });
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function plainly(...args: readonly string[]): void {
  execFileSync(box, ["--root", state, ...args], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
}

/** How often they are made depends on which side is ahead, so these say nothing. */
const waiting = new Set(["ppoll", "recvmsg", "clock_gettime"]);

/** By command and side. Of `create` the container side goes on until `start` has the program executed. */
function countCalls(): Record<string, Calls> {
  const traces: [string, string][] = [];
  const counts: Record<string, Record<string, number>> = {};
  live((command, ...args) => {
    const trace = `${folder}/${command}.trace`;
    traces.push([command, trace]);
    plainly("--trace", trace, command, ...args);
    if (command === "delete") for (const [name, path] of traces) count(counts, name, path);
  });
  return counts;
}

function count(counts: Record<string, Record<string, number>>, command: string, path: string): void {
  const events = JSON.parse(`${readFileSync(path, "utf8").replace(/,\n$/, "")}]`) as {
    readonly tid: number;
    readonly cat?: string;
    readonly name: string;
  }[];
  for (const { tid, cat, name } of events) {
    if (cat !== "syscall" || waiting.has(name)) continue;
    const side = `${command}, ${tid === 1 ? "host" : "container"} side`;
    const calls = counts[side] ?? {};
    counts[side] = calls;
    calls[name] = (calls[name] ?? 0) + 1;
  }
}

/** callgrind does not know these calls: a command is counted up to the call, with what it undoes when that fails. */
const unknownCalls: Readonly<Record<string, string>> = {
  run: "clone3",
  create: "clone3",
  exec: "clone3",
  kill: "pidfd_send_signal",
};

function countInstructions(valgrind: string, sealed: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const callgrind = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"];
  const library = resolve(valgrind, "../../libexec/valgrind");
  const measure = (name: string, ...args: readonly string[]) => {
    const { stderr } = spawnSync(sealed, [box, ...callgrind, "--", ...args], {
      env: { ...environment, VALGRIND_LIB: library },
      encoding: "utf8",
    });
    const failure = stderr.split("\n").find((line) => line.startsWith("box: "));
    const collected = /Collected : (\d+)/.exec(stderr)?.[1];
    const call = unknownCalls[name];
    if (
      collected === undefined ||
      (failure === undefined) !== (call === undefined) ||
      !(failure ?? "").includes(`${call ?? ""}`)
    )
      throw new Error(`callgrind: box ${name}: ${stderr}`);
    counts[call === undefined ? name : `${name} up to ${call}`] = Number(collected);
  };
  measure("--version", "--version");
  live((command, ...args) => {
    measure(command, "--root", state, command, ...args);
    if (command === "create" || command === "kill") plainly(command, ...args);
    if (command !== "create") return;
    measure("list", "--root", state, "list");
    measure("validate", "validate", "--bundle", args[1] as string);
  });
  return counts;
}

const [what, valgrind = "", sealed = ""] = process.argv.slice(2);
console.log(JSON.stringify(what === "calls" ? countCalls() : countInstructions(valgrind, sealed)));
