/** What the kernel tells of a cgroup that ran out of memory. */
import { openCgroup, readFileIfThere } from "./directory.ts";
import type { CgroupRecord } from "./record.ts";

/** How many processes of the container the kernel has killed because of its limit; 0 where that is not told. */
export function memoryKills(record: CgroupRecord): number {
  const v1 = record.directories.find(({ controllers }) => controllers.includes("memory"));
  const directory = v1 ?? record.directories.find(({ version }) => version === 2);
  if (directory === undefined) return 0;
  using cgroup = openCgroup(directory, record.path);
  const text = cgroup && readFileIfThere(cgroup, v1 === undefined ? "memory.events" : "memory.oom_control");
  return Number(/^oom_kill (\d+)$/m.exec(text ?? "")?.[1] ?? 0);
}
