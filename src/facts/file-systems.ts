/** Types of file systems that the kernel knows now: filesystems(5). One that comes with a module may be missing still. */
import { procText } from "./look.ts";

/** The names; none where this kernel does not tell. */
export function knownFileSystems(): ReadonlySet<string> {
  return fileSystemsIn(procText("filesystems") ?? "");
}

/** The names in the text of /proc/filesystems: `nodev\ttmpfs`, `\text4`. Pure. */
export function fileSystemsIn(text: string): ReadonlySet<string> {
  return new Set(text.split("\n").map((line) => line.slice(line.indexOf("\t") + 1)));
}
