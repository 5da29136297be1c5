/** Pausing: v1's freezer controller where it is mounted, else cgroup2. */
import { openCgroup, readFileIfThere, writeFile } from "./directory.ts";
import type { CgroupDirectory } from "./ops.ts";
import type { CgroupRecord } from "./record.ts";

/** Whether the container is paused. */
export function isFrozen(record: CgroupRecord): boolean {
  const freezer = freezerOf(record);
  if (freezer === undefined) return false;
  using fd = openCgroup(freezer.directory, record.path);
  return fd !== undefined && readFileIfThere(fd, freezer.file)?.trim() === freezer.frozen;
}

/** Lets a paused container go on: a frozen process of v1 does not even die. */
export function thaw(record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (freezer === undefined || !isFrozen(record)) return;
  using fd = openCgroup(freezer.directory, record.path);
  if (fd !== undefined) writeFile(fd, freezer.file, freezer.thawed);
}

interface Freezer {
  readonly directory: CgroupDirectory;
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
}

/** Where the host freezes: v1's freezer controller where it is mounted, else cgroup2 (Linux 5.2). */
function freezerOf({ directories }: CgroupRecord): Freezer | undefined {
  const v1 = directories.find(({ controllers }) => controllers.includes("freezer"));
  if (v1 !== undefined) return { directory: v1, file: "freezer.state", frozen: "FROZEN", thawed: "THAWED" };
  const v2 = directories.find(({ version }) => version === 2);
  return v2 === undefined ? undefined : { directory: v2, file: "cgroup.freeze", frozen: "1", thawed: "0" };
}
