/** What this kernel can do of seccomp(2). */
import { filterFlags, isFlagKnown } from "../linux/seccomp.ts";

export type FilterFlag = keyof typeof filterFlags;

/** The flags of a profile with which this kernel loads a filter. */
export function loadableFlags(): FilterFlag[] {
  return (Object.keys(filterFlags) as FilterFlag[]).filter((name) => isFlagKnown(filterFlags[name]));
}
