/** What is measured after each round; one that grows with the cycles is a leak. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupHost } from "../acceptance/harness/host.ts";

export interface Sample {
  /** Of all sessions together. */
  readonly cycles: number;
  readonly kills: number;
  /** Of the kernel, for the soak's cgroup, in bytes: what it does not give back when it is asked to. */
  readonly kernelMemory: number;
  /** The largest resident size of a box of the round, in KiB. */
  readonly peak: number;
  /** Open files, mounts and cgroups of the whole machine; others may work on it. */
  readonly files: number;
  readonly mounts: number;
  readonly cgroups: number;
  /** Removed cgroups below the soak's that the kernel still has. */
  readonly dying: number;
}

const read = (...path: string[]): string => readFileSync(join(...path), "utf8");

/** The number on the line of that name. */
function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** Names that were looked for and are gone stay known, a few for each cycle, for as long as there is room. */
function reclaim(file: string, value: string): void {
  try {
    writeFileSync(file, value);
  } catch {
    // It says so when it did not find as much as it was asked for.
  }
}

/** @param cgroup the name of the soak's cgroup in each hierarchy */
export function measure(cgroup: string): Omit<Sample, "cycles" | "kills" | "peak"> {
  const { hierarchies } = cgroupHost();
  const [v1, v2] = [hierarchies["memory"], hierarchies["unified"]];
  const ofKernel = (): number => {
    if (v1 !== undefined) {
      reclaim(join(v1, cgroup, "memory.force_empty"), "0");
      return Number(read(v1, cgroup, "memory.kmem.usage_in_bytes"));
    }
    if (v2 === undefined) return 0;
    reclaim(join(v2, cgroup, "memory.reclaim"), "1G");
    return field(read(v2, cgroup, "memory.stat"), "kernel");
  };
  return {
    kernelMemory: ofKernel(),
    files: Number(read("/proc/sys/fs/file-nr").split("\t")[0]),
    mounts: read("/proc/self/mountinfo").split("\n").length - 1,
    cgroups: v2 === undefined ? 0 : field(read(v2, "cgroup.stat"), "nr_descendants"),
    dying: v2 === undefined ? 0 : field(read(v2, cgroup, "cgroup.stat"), "nr_dying_descendants"),
  };
}
