/** The place where cases are tried (tools/fuzz makes it): the bundle, the calls of box, and what must not change. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const bundle = "/fuzz/bundle";
const rootfs = join(bundle, "rootfs");
const busybox = "/fuzz/busybox";
/** The state directories that a case can have used. */
export const stateRoots = ["/fuzz/state", "/run/box", "/tmp/root"] as const;

export interface Ended {
  readonly argv: readonly string[];
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Long enough for a machine that is busy with other things. */
const limit = 60_000;

/**
 * A command of box to its end, in the bundle. A hanging one is killed: its signal says so. Its output goes to files: a
 * container that was created holds them open, and a pipe would end only with it.
 */
export function box(...argv: readonly string[]): Ended {
  const [out, err] = ["/fuzz/stdout", "/fuzz/stderr"].map((path) => openSync(path, "w")) as [number, number];
  const { status, signal } = spawnSync("/fuzz/box", argv, {
    cwd: bundle,
    timeout: limit,
    killSignal: "SIGKILL",
    stdio: ["ignore", out, err],
  });
  for (const fd of [out, err]) closeSync(fd);
  const [stdout = "", stderr = ""] = ["/fuzz/stdout", "/fuzz/stderr"].map((path) => readFileSync(path, "utf8"));
  return { argv, status, signal, stdout, stderr };
}

/** @param program box as it was built */
export function prepare(program: string): void {
  mkdirSync("/fuzz", { recursive: true });
  copyFileSync(program, "/fuzz/box");
  copyFileSync("/bin/busybox", busybox);
}

/** A fresh bundle: a case may have made nodes, links and directories in the one before. */
export function freshBundle(config: string): void {
  for (const path of [bundle, ...stateRoots.slice(1)]) rmSync(path, { recursive: true, force: true });
  for (const directory of ["bin", "dev", "etc", "proc", "sys", "tmp"])
    mkdirSync(join(rootfs, directory), { recursive: true });
  for (const name of ["busybox", "true", "false", "sh"]) linkSync(busybox, join(rootfs, "bin", name));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  symlinkSync("../../../../tmp", join(rootfs, "out"));
  symlinkSync("bin", join(rootfs, "in"));
  symlinkSync("loop", join(rootfs, "loop"));
  symlinkSync("rootfs", join(bundle, "link"));
  writeFileSync(join(bundle, "config.json"), config);
}

/** Everything in the bundle, by path and mode; no link is followed. */
export function bundleListing(directory = bundle): string {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const found = lstatSync(path);
      return `${path} ${found.mode.toString(8)}\n${found.isDirectory() ? bundleListing(path) : ""}`;
    })
    .join("");
}

const parameters = [
  "kernel/hostname",
  "kernel/domainname",
  "kernel/shmmax",
  "net/ipv4/ip_forward",
  "fs/mqueue/msg_max",
];

/** What belongs to the host and must be as it was when a case is over; the names of what differs are told. */
export function snapshot(): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  seen.set("mounts", read("/proc/self/mountinfo"));
  seen.set("network devices", read("/proc/net/dev").replaceAll(/:.*/g, ""));
  for (const name of parameters) seen.set(`/proc/sys/${name}`, read(`/proc/sys/${name}`));
  seen.set("cgroups", cgroups("/sys/fs/cgroup").join("\n"));
  seen.set("processes", processes().join("\n"));
  for (const root of stateRoots) seen.set(root, containersIn(root).join("\n"));
  return seen;
}

/** What lies in a state directory, but for what box keeps there for all containers. */
export function containersIn(root: string): string[] {
  const isThere = existsSync(root) && lstatSync(root).isDirectory();
  return isThere ? readdirSync(root).filter((name) => !name.startsWith("~")) : [];
}

/** The directories of containers come and go; those above, box's own and the one in config.ts, stay. */
function cgroups(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(directory, name);
      const inner = cgroups(path);
      return (name === "box" || name === "stays") && inner.length === 0 ? [] : [path, ...inner];
    });
}

/** A process that has ended and waits for the sandbox's init is none. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state === "Z" || state === "X" ? [] : [`${pid} ${readlinkSync(`/proc/${pid}/exe`)}`];
      } catch {
        return [];
      }
    });
}

/** Ends every process but this one and the sandbox's init, and removes every cgroup and every container's directory. */
export function purge(): void {
  for (const line of processes()) {
    const pid = Number(line.split(" ")[0]);
    if (pid !== 1 && pid !== process.pid) process.kill(pid, "SIGKILL");
  }
  for (const root of stateRoots) rmSync(root, { recursive: true, force: true });
  const deadline = Date.now() + 5000;
  const theirs = () => cgroups("/sys/fs/cgroup").filter((path) => !path.endsWith("/self"));
  while (theirs().length > 0 && Date.now() < deadline)
    for (const path of theirs().reverse()) spawnSync("rmdir", [path], { stdio: "ignore" });
}
