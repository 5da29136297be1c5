/** How this host mounts its cgroups: cgroups(7). Read from what the kernel says, checked by file-system type. */

import { clean } from "../base/path.ts";
import { Proc } from "../fs/proc.ts";
import {
  AT_EACCESS,
  CGROUP_SUPER_MAGIC,
  CGROUP2_SUPER_MAGIC,
  F_OK,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  W_OK,
} from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import { access, fileSystemType, openIfThere, readAll } from "../linux/file.ts";
import { keep } from "./keep.ts";

/** One v1 hierarchy. */
export interface Hierarchy {
  /** Directory below /sys/fs/cgroup, as in `cpu,cpuacct`. */
  readonly name: string;
  /** Controllers, or `name=systemd`. */
  readonly options: readonly string[];
}

export type CgroupLayout =
  /** `controllers`: those that cgroup2 has. */
  | { readonly mode: "v2"; readonly controllers: readonly string[] }
  /** `unified`: a cgroup2 tree is mounted beside the v1 ones (hybrid). */
  | {
      readonly mode: "v1";
      readonly hierarchies: readonly Hierarchy[];
      readonly unified: boolean;
      readonly controllers: readonly string[];
    }
  | { readonly mode: "none" };

export const cgroupRoot = "/sys/fs/cgroup";

/** Hierarchies of v1 count where they are mounted below /sys/fs/cgroup under their usual names. */
export function readCgroupLayout(): CgroupLayout {
  if (typeAt(cgroupRoot) === CGROUP2_SUPER_MAGIC) return withControllers({ mode: "v2" }, cgroupRoot);
  const proc = Proc.host();
  const hierarchies = parseHierarchies(proc.read("self/cgroup")).filter(
    ({ name }) => typeAt(`${cgroupRoot}/${name}`) === CGROUP_SUPER_MAGIC,
  );
  const unified = typeAt(`${cgroupRoot}/unified`) === CGROUP2_SUPER_MAGIC;
  if (hierarchies.length === 0 && !unified) return { mode: "none" };
  return withControllers({ mode: "v1", hierarchies, unified }, `${cgroupRoot}/unified`);
}

/** Adds cgroup2's controllers, read when they are asked for: most containers ask for none. */
function withControllers<Layout extends object>(layout: Layout, mount: string): Layout & Controllers {
  return {
    ...layout,
    get controllers() {
      return keep(this, "controllers", readControllers(mount));
    },
  };
}

interface Controllers {
  readonly controllers: readonly string[];
}

function readControllers(mount: string): readonly string[] {
  using file = openIfThere("cwd", `${mount}/cgroup.controllers`, O_RDONLY);
  if (file === undefined) return [];
  const bytes = readAll(file, 65_536, "cgroup.controllers");
  return bytes === "too long"
    ? []
    : decodeUtf8(bytes)
        .trim()
        .split(" ")
        .filter((name) => name !== "");
}

function typeAt(path: string): number | undefined {
  using fd = openIfThere("cwd", path, O_PATH | O_DIRECTORY);
  return fd && fileSystemType(fd, path);
}

/**
 * This process's own cgroup in each hierarchy, by the name of its directory; that of cgroup2 by an empty name. In a
 * container without a cgroup namespace it may be told as the host sees it, and be the top of what is mounted there.
 */
export function readOwnCgroups(layout: CgroupLayout): Readonly<Record<string, string>> {
  const proc = Proc.host();
  const unified = layout.mode === "v2" ? "" : "unified";
  const told = Object.entries(parseOwnCgroups(proc.read("self/cgroup")));
  return Object.fromEntries(
    told.map(([name, path]) => {
      const isThere = access("cwd", clean(`${cgroupRoot}/${name || unified}/${path}`), F_OK, 0) === 0;
      return [name, isThere ? path : "/"];
    }),
  );
}

/** Paths in /proc/PID/cgroup by their hierarchy: `cpu,cpuacct`, `systemd`, or nothing for cgroup2's. Pure. */
export function parseOwnCgroups(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return [controllers.replace(/^name=/, ""), path.join(":")];
    }),
  );
}

/** Whether this process may make cgroups at the top of the hierarchies. */
export function mayMakeCgroups(layout: CgroupLayout): boolean {
  if (layout.mode === "none") return true;
  const top = layout.mode === "v2" ? "" : `/${layout.hierarchies[0]?.name ?? "unified"}`;
  return access("cwd", `${cgroupRoot}${top}`, W_OK, AT_EACCESS) === 0;
}

/** Only cgroup2 can be delegated safely: cgroups(7), Delegation. */
export function delegatedHome(layout: CgroupLayout, own: Readonly<Record<string, string>>): string | undefined {
  const path = own[""];
  if (layout.mode !== "v2" || path === undefined) return undefined;
  const home = clean(`${path}/box`);
  return access("cwd", clean(`${cgroupRoot}${path}`), W_OK, AT_EACCESS) === 0 ? home : undefined;
}

/** The v1 lines of /proc/self/cgroup: `4:memory:/path`, `5:name=systemd:/`. Distributions name the directories so. */
export function parseHierarchies(text: string): Hierarchy[] {
  const result: Hierarchy[] = [];
  for (const line of text.split("\n")) {
    const options = line.split(":")[1];
    if (options === undefined || options === "") continue;
    const name = options.startsWith("name=") ? options.slice(5) : options;
    result.push({ name, options: options.startsWith("name=") ? [options] : options.split(",") });
  }
  return result;
}
