/** What may be mounted over parts of procfs, through which processes are looked at and changed. */
import { BoxError } from "../base/errors.ts";
import { PROC_SUPER_MAGIC } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fileSystemType } from "../linux/file.ts";

/** Files of procfs over which engines put their own (lxcfs and the like); nothing else of /proc may be covered. */
const coverable: ReadonlySet<string> = new Set(
  [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "slabinfo",
    "stat",
    "swaps",
    "uptime",
    "net/dev",
    "sys/kernel/ns_last_pid",
  ].map((name) => `/proc/${name}`),
);

/**
 * Refuses a mount over a part of procfs, judged by what was opened: text could be led astray by links.
 * A cover there could redirect what is written for or read about a process.
 * @param target where it is to be mounted
 * @throws BoxError
 */
export function refuseCoveringProc(target: Fd, destination: string): void {
  if (destination === "/proc" || fileSystemType(target, destination) !== PROC_SUPER_MAGIC) return;
  if (!coverable.has(destination)) throw new BoxError("it lies inside procfs");
}

/** Refuses to mount anything but procfs where procfs belongs. @throws BoxError */
export function requireProcfsOn(destination: string, isProcfs: () => boolean): void {
  if (destination === "/proc" && !isProcfs()) throw new BoxError("only procfs may be mounted on /proc");
}
