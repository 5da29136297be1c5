/** What the host itself says, read from /proc and /sys. */

import { readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface MountLine {
  /** The root of the mount within its file system. */
  root: string;
  point: string;
  options: string[];
  /** shared:N, master:N, unbindable */
  propagation: string[];
  type: string;
  source: string;
  superOptions: string[];
}

/** mountinfo escapes what would break its columns: a space is \040. */
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function parseMountinfo(text: string): MountLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [left = "", right = ""] = line.split(" - ");
      const [, , , root = "", point = "", options = "", ...propagation] = left.split(" ");
      const [type = "", source = "", superOptions = ""] = right.split(" ");
      return {
        root: unescape(root),
        point: unescape(point),
        options: options.split(","),
        propagation,
        type,
        source: unescape(source),
        superOptions: superOptions.split(","),
      };
    });
}

export function mounts(pid: number | "self" = "self"): MountLine[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** What is mounted on the machine's own directories, or below a path: others mount elsewhere at the same time. */
export function mountsNear(path: string, pid: number | "self" = "self"): MountLine[] {
  return mounts(pid).filter(
    ({ point }) => /^\/((proc|sys|dev)(\/|$)|$)/.test(point) || `${point}/`.startsWith(`${path}/`),
  );
}

export type CgroupLayout = "v2" | "hybrid" | "v1" | "none";

export interface CgroupHost {
  layout: CgroupLayout;
  /** Mount point of each hierarchy by controller; `unified` is cgroup2's. */
  hierarchies: Record<string, string>;
}

export function cgroupHost(): CgroupHost {
  const hierarchies: Record<string, string> = {};
  let v1 = false;
  for (const mount of mounts()) {
    if (mount.type === "cgroup2" && mount.root === "/") hierarchies["unified"] ??= mount.point;
    if (mount.type !== "cgroup" || mount.root !== "/") continue;
    v1 = true;
    for (const name of mount.superOptions) if (name !== "rw") hierarchies[name] ??= mount.point;
  }
  const v2 = "unified" in hierarchies;
  return { layout: v2 ? (v1 ? "hybrid" : "v2") : v1 ? "v1" : "none", hierarchies };
}

export interface HostProcess {
  pid: number;
  command: string;
  /** All places where a process may carry the name of a test. */
  marks: string;
}

/** Reads a file of a process that may end at any moment. */
function attempt<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}

export function processes(): HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const file = (path: string): string => attempt(() => readFileSync(`/proc/${name}/${path}`, "utf8"), "");
      const link = (path: string): string => attempt(() => readlinkSync(`/proc/${name}/${path}`), "");
      const command = file("cmdline").replaceAll("\0", " ").trim() || `[${file("comm").trim()}]`;
      const marks = [command, file("environ"), file("cgroup"), link("cwd"), link("root"), link("exe")].join("\n");
      return { pid: Number(name), command, marks };
    });
}

/** What changes when a process id is given to another process. */
export function startTime(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** The letter of proc_pid_stat(5), such as S of one that sleeps; empty when there is no such process. */
export function stateOf(pid: number): string {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return stat.charAt(stat.lastIndexOf(")") + 2);
}

export function isAlive(pid: number): boolean {
  return !["", "Z", "X"].includes(stateOf(pid));
}

/** NaN when there is no such process. */
export function parentOf(pid: number): number {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, "utf8"), "");
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]);
}

export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}

/** Where the descriptors of a process lead. */
export function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return attempt(() => readdirSync(directory), []).map((name) =>
    attempt(() => readlinkSync(join(directory, name)), ""),
  );
}

export const namespaceFiles = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] as const;

/** `net:[4026531840]` by kind. */
export function namespaces(pid: number | "self"): Record<string, string> {
  const kinds = readdirSync(`/proc/${pid}/ns`);
  return Object.fromEntries(kinds.map((kind) => [kind, attempt(() => readlinkSync(`/proc/${pid}/ns/${kind}`), "")]));
}

/** The directories of all cgroup hierarchies whose path contains the token, deepest first. */
export function cgroupsNamed(token: string): string[] {
  const found: string[] = [];
  const walk = (directory: string): void => {
    for (const entry of attempt(() => readdirSync(directory, { withFileTypes: true }), [])) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      walk(path);
      if (path.includes(token)) found.push(path);
    }
  };
  for (const top of new Set(Object.values(cgroupHost().hierarchies))) walk(top);
  return found;
}

/** Removes those that are still there: systemd removes a part of them itself. */
export function removeCgroups(token: string): void {
  for (const path of cgroupsNamed(token)) {
    try {
      rmdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

export function exists(path: string): boolean {
  return attempt(() => statSync(path) !== undefined, false);
}

/** The directory of the hierarchy that freezes, among a cgroup's. */
export function freezerOf(paths: string[]): string {
  const found =
    paths.find((path) => exists(join(path, "freezer.state"))) ??
    paths.find((path) => exists(join(path, "cgroup.freeze")));
  if (found === undefined) throw new Error(`no freezer in ${paths.join(" ")}`);
  return found;
}

/** Whether the kernel says that every process of a cgroup stands still. */
export function isFrozen(freezer: string): boolean {
  const v1 = attempt(() => readFileSync(join(freezer, "freezer.state"), "utf8"), "");
  return v1 === "" ? readFileSync(join(freezer, "cgroup.events"), "utf8").includes("frozen 1") : v1 === "FROZEN\n";
}
