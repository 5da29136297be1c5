/** Id mappings as user_namespaces(7) wants them: of the user namespace, and of one mount. */
import type { Findings } from "../findings.ts";
import type { IdMapping } from "../types.ts";

/** UID_GID_MAP_MAX_EXTENTS of the kernel. */
const mostExtents = 340;
/** The kernel refuses a range that reaches 4294967295, the id that stands for none. */
const endOfIds = 0xffff_ffff;

/** Ranges must not overlap on either side, nor run past the last id. */
export function idMapRule(mappings: readonly IdMapping[], path: string, findings: Findings): void {
  if (mappings.length === 0) return;
  if (mappings.length > mostExtents) {
    findings.problem(path, `must have at most ${mostExtents} entries, not ${mappings.length}`);
  }
  for (const side of ["containerID", "hostID"] as const) {
    mappings.forEach((mapping, index) => {
      if (mapping[side] + mapping.size > endOfIds) {
        findings.problem(`${path}[${index}].${side}`, `must end before id ${endOfIds} with the size of the range`);
      }
    });
    const sorted = mappings.map((mapping, index) => ({ ...mapping, index })).sort((a, b) => a[side] - b[side]);
    sorted.forEach((mapping, place) => {
      const before = sorted[place - 1];
      if (before !== undefined && before[side] + before.size > mapping[side]) {
        findings.problem(`${path}[${mapping.index}].${side}`, `must not overlap the range of ${path}[${before.index}]`);
      }
    });
  }
}

/** Whether `id` is the container's side of some range. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}
