/** Everything a run needs before its first test. */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CgroupManager, RunContext, RuntimeInfo } from "./context.ts";
import { probe } from "./facts.ts";
import { makeRootfs } from "./rootfs.ts";
import { cgroupHome, ordinaryUser } from "./user.ts";

export class Unusable extends Error {}

/** The suite's own programs, in probe/. */
export const programs = ["probe", "shim", "terminal", "without"];

export interface Wishes {
  runtime: string;
  only: string;
  keep: boolean;
  cgroupManager: CgroupManager;
}

export function prepare(wishes: Wishes): RunContext & { file: string } {
  const token = `acceptance-${process.pid.toString(36)}${Date.now().toString(36).slice(-5)}`;
  const given = identify(wishes.runtime);
  const busybox = process.env["BUSYBOX"] ?? "/bin/busybox";
  const facts = probe({ busybox, runtime: given.path, cgroupManager: wishes.cgroupManager });
  const dir = join(tmpdir(), token);
  mkdirSync(dir);
  // Containers of an ordinary user live below it, whatever our umask is.
  chmodSync(dir, 0o755);
  // Of our own, so that a build at the same time cannot disturb the run.
  const runtime = { ...given, path: join(dir, basename(given.path)) };
  copyFileSync(given.path, runtime.path);
  const [probePath = "", shim = "", terminal = "", without = ""] = programs.map((name) => tool(name, dir));
  const rootfs = join(dir, "rootfs");
  if (facts.busybox === "") makeRootfs(rootfs, busybox, probePath);
  const { only, keep, cgroupManager } = wishes;
  const [user, home] = [ordinaryUser(), cgroupHome()];
  const context: RunContext = {
    token,
    dir,
    runtime,
    rootfs,
    probe: probePath,
    shim,
    terminal,
    without,
    facts,
    cgroupManager,
    ...(user === undefined ? {} : { user }),
    ...(home === undefined ? {} : { cgroupHome: home }),
    keep,
    only,
  };
  const file = join(dir, "context.json");
  writeFileSync(file, JSON.stringify(context, null, "\t"));
  return { ...context, file };
}

function identify(path: string): RuntimeInfo {
  const { status, stdout, error } = spawnSync(path, ["--version"], { encoding: "utf8" });
  const match = /^(\w+) version:? (\S+)/.exec(stdout ?? "");
  if (status !== 0 || !match) {
    throw new Unusable(`${path} is no OCI runtime: \`--version\` says ${error?.message ?? JSON.stringify(stdout)}`);
  }
  return { path, name: match[1] ?? "", version: match[2] ?? "" };
}

/** One of the suite's own programs; where there is no compiler, TOOLS names the directory of compiled ones. */
function tool(name: string, dir: string): string {
  const ready = process.env["TOOLS"];
  if (ready === undefined) return compile(name, dir);
  copyFileSync(join(ready, name), join(dir, name));
  return join(dir, name);
}

/** Static, because one of them runs where there is no libc. */
export function compile(name: string, dir: string): string {
  const source = fileURLToPath(new URL(`../probe/${name}.c`, import.meta.url));
  const target = join(dir, name);
  const { status, stderr, error } = spawnSync(
    process.env["CC"] ?? "gcc",
    ["-static", "-O1", "-Wall", "-Wextra", "-Wno-unused-result", "-o", target, source],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Unusable(`cannot compile ${source}: ${error?.message ?? stderr}`);
  return target;
}
