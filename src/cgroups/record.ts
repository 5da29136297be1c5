/** What is kept of a cgroup between two commands, so that another process can find, empty and remove it. */
import type { CgroupDirectory, CgroupOps, UnitRecord } from "./ops.ts";

/** What state.json keeps of a cgroup: enough to find and remove it. */
export interface CgroupRecord {
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
  readonly ownParent: boolean;
  /** Where systemd has made it. */
  readonly unit?: UnitRecord;
}

export function recordOf({ path, directories, ownParent, unit }: CgroupOps): CgroupRecord {
  const record = { path, directories, ownParent };
  return unit === undefined ? record : { ...record, unit: { name: unit.name, bus: unit.bus } };
}

/** The cgroup2 directory of a record if there is one, else that of a v1 hierarchy: where its processes are listed. */
export function mainDirectory(record: CgroupRecord): CgroupDirectory | undefined {
  return (
    record.directories.find(({ version }) => version === 2) ??
    record.directories.find(({ controllers }) => controllers.includes("freezer")) ??
    record.directories[0]
  );
}
