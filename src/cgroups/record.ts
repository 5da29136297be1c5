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

/**
 * What is to be kept of a planned cgroup. Of its unit the properties are left out: they are not needed for the removal.
 */
export function recordOf({ path, directories, ownParent, unit }: CgroupOps): CgroupRecord {
  const record = { path, directories, ownParent };
  return unit === undefined ? record : { ...record, unit: { name: unit.name, bus: unit.bus } };
}

/** Its directory in cgroup2, if that is mounted. */
export function unifiedOf({ directories }: CgroupRecord): CgroupDirectory | undefined {
  return directories.find(({ version }) => version === 2);
}

/** Its directory where a controller works: the v1 hierarchy that has it, else cgroup2. */
export function directoryWith(record: CgroupRecord, controller: string): CgroupDirectory | undefined {
  return record.directories.find(({ controllers }) => controllers.includes(controller)) ?? unifiedOf(record);
}

/** Where its processes are listed: cgroup2 if that is mounted, else one v1 hierarchy. */
export function mainDirectory(record: CgroupRecord): CgroupDirectory | undefined {
  return unifiedOf(record) ?? directoryWith(record, "freezer") ?? record.directories[0];
}
