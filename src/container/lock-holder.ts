/** Who holds a lock of flock(2), so that one that stands still with it can be ended. */
import { Proc } from "../fs/proc.ts";
import type { Stat } from "../linux/file.ts";
import { identify, isHalted } from "./processes.ts";
import type { ProcessId } from "./record.ts";

/**
 * The process that holds the lock of a file while a signal or a debugger has stopped it: proc_locks(5). Undefined when there
 * is none, or when its pid namespace does not show it.
 */
export function haltedHolder({ dev, ino }: Stat): ProcessId | undefined {
  const pid = holderOf(`${hex(dev.major)}:${hex(dev.minor)}:${ino}`);
  const holder = pid === undefined ? undefined : identify(pid);
  return holder !== undefined && isHalted(holder) ? holder : undefined;
}

function holderOf(file: string): number | undefined {
  const proc = Proc.host();
  for (const line of proc.read("locks").split("\n")) {
    const [, kind, , , pid, place] = line.trim().split(/\s+/);
    if (kind === "FLOCK" && place === file && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

const hex = (number: number): string => number.toString(16).padStart(2, "0");
