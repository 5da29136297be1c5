/** The ordinary user as whom the suite runs, and what that changes in the one configuration all tests start from. */

import { accessSync, constants, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { IdMapping, Spec } from "./config.ts";
import { cgroupHost } from "./host.ts";

export interface OrdinaryUser {
  uid: number;
  gid: number;
  /** The own id as root, and from 1 on the subordinate ids. */
  uidMappings: IdMapping[];
  gidMappings: IdMapping[];
}

/** undefined for root. */
export function ordinaryUser(): OrdinaryUser | undefined {
  const { uid, gid, username } = userInfo();
  if (uid === 0) return undefined;
  const map = (own: number, file: string): IdMapping[] => [
    { containerID: 0, hostID: own, size: 1 },
    ...subordinate(file, username),
  ];
  return { uid, gid, uidMappings: map(uid, "/etc/subuid"), gidMappings: map(gid, "/etc/subgid") };
}

/** The first range of a user: subuid(5). */
function subordinate(file: string, username: string): IdMapping[] {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A host without such a file gives none.
  }
  const [, first, size] =
    text
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === username) ?? [];
  return first === undefined ? [] : [{ containerID: 1, hostID: Number(first), size: Number(size) }];
}

/**
 * The cgroup below which the run may make cgroups, from the top of the hierarchies: empty for root. undefined for an
 * ordinary user to whom none is delegated, which only cgroup v2 can be.
 */
export function cgroupHome(): string | undefined {
  if (process.getuid?.() === 0) return "";
  const { layout, hierarchies } = cgroupHost();
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (layout !== "v2" || own === undefined) return undefined;
  // Containers beside the cgroup we are in: one with processes of its own cannot hand controllers down.
  const above = own.slice(0, own.lastIndexOf("/"));
  try {
    accessSync(join(hierarchies["unified"] ?? "", above), constants.W_OK);
    return above;
  } catch {
    return undefined;
  }
}

/** What `spec --rootless` has and root's configuration has not, but for the network namespace, which stays. */
export function adapt(spec: Spec, user: OrdinaryUser): void {
  spec.linux.namespaces.push({ type: "user" });
  spec.linux.uidMappings = structuredClone(user.uidMappings);
  spec.linux.gidMappings = structuredClone(user.gidMappings);
  // Device rules are root's to make.
  delete spec.linux.resources;
}
