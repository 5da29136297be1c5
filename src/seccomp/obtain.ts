/** The filter of a profile, on the host side, before anything is made: it has been compiled before, or is compiled now. */
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { findFilter, keepFilter } from "./cache.ts";
import type { FilterProfile } from "./ops.ts";

/** What is loaded, and what could not be put into it. */
export interface Filter {
  /** struct sock_filter[] */
  readonly program: Uint8Array;
  /** Names of rules that libseccomp does not know: no such call can be allowed. */
  readonly unknown: readonly string[];
  /** Those of them that were to be forbidden: a kernel that knows such a call lets it pass. */
  readonly unenforced: readonly string[];
}

/**
 * The filter of a profile, from the cache when it has been compiled before.
 * @param cache opens the directory of compiled filters; undefined where there can be none
 * @throws BoxError with the step of libseccomp's that failed
 */
export function obtainFilter(profile: FilterProfile, cache: () => Fd | undefined): Filter {
  using directory = cache();
  const found = directory && findFilter(directory, profile);
  if (found !== undefined) return found;
  const { compileFilter } = load("seccomp/compile") as typeof import("./compile.ts");
  const filter = compileFilter(profile);
  return directory === undefined ? filter : keepFilter(directory, profile, filter);
}
