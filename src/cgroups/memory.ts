/** What the kernel tells of a cgroup that ran out of memory. */
import { openCgroup, readFileIfThere } from "./directory.ts";
import { type CgroupRecord, directoryWith } from "./record.ts";

/** How many processes of the container the kernel has killed because of its limit; 0 where that is not told. */
export function memoryKills(record: CgroupRecord): number {
  const directory = directoryWith(record, "memory");
  if (directory === undefined) return 0;
  using cgroup = openCgroup(directory, record.path);
  const text = cgroup && readFileIfThere(cgroup, directory.version === 2 ? "memory.events" : "memory.oom_control");
  return Number(/^oom_kill (\d+)$/m.exec(text ?? "")?.[1] ?? 0);
}
