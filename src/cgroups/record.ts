/** What is kept of a cgroup between two commands, so that another process can find, empty and remove it. */
import type { CgroupDirectory, CgroupOps } from "./ops.ts";

/** What state.json keeps of a cgroup: enough to find and remove it. */
export interface CgroupRecord {
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
  readonly ownParent: boolean;
}

export function recordOf({ path, directories, ownParent }: CgroupOps): CgroupRecord {
  return { path, directories, ownParent };
}

/** The cgroup2 directory of a record if there is one, else that of a v1 hierarchy: where its processes are listed. */
export function mainDirectory(record: CgroupRecord): CgroupDirectory | undefined {
  return (
    record.directories.find(({ version }) => version === 2) ??
    record.directories.find(({ controllers }) => controllers.includes("freezer")) ??
    record.directories[0]
  );
}
