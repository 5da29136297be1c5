/** Where this host mounts resctrl, the kernel's interface to Intel RDT and its like. */
import { unescapePath } from "../fs/mountinfo.ts";
import { Proc } from "../fs/proc.ts";

/** The mount point; undefined where there is none. */
export function findResctrl(): string | undefined {
  const proc = Proc.host();
  return resctrlIn(proc.read("self/mountinfo"));
}

/** The first mount of type resctrl in the text of proc_pid_mountinfo(5). Pure. */
export function resctrlIn(mountinfo: string): string | undefined {
  for (const line of mountinfo.split("\n")) {
    const [mount = "", fileSystem = ""] = line.split(" - ");
    if (!fileSystem.startsWith("resctrl ")) continue;
    const point = mount.split(" ")[4];
    return point === undefined ? undefined : unescapePath(point);
  }
  return undefined;
}
