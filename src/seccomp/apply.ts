/** Loads the filter. Runs in the process that becomes the program, as its last step but execve. */
import { within } from "../base/errors.ts";
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from "../linux/constants.ts";
import { Fd } from "../linux/fd.ts";
import { filterFlags, installFilter } from "../linux/seccomp.ts";
import type { SeccompOps } from "./ops.ts";

/** What a filter is loaded with: by `loadFilter` alone, or by `loadFilterWithListener`. */
function flagsOf({ flags }: SeccompOps): number {
  // How a notified call waits means something only where there is somebody to be notified.
  return flags
    .filter((flag) => flag !== "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
    .reduce((sum, flag) => sum | filterFlags[flag], 0);
}

/** Without a listener: calls of SCMP_ACT_NOTIFY fail with ENOSYS. */
export function loadFilter(ops: SeccompOps, program: Uint8Array): void {
  within("linux.seccomp", () => installFilter(program, flagsOf(ops)));
}

/** @returns what the agent gets (close-on-exec) */
export function loadFilterWithListener(ops: SeccompOps, program: Uint8Array): Fd {
  const waitKillable = ops.flags.includes("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
  // Both a listener and a failed TSYNC would be told by a number above 0; ESRCH tells the latter otherwise.
  const tsync = ops.flags.includes("SECCOMP_FILTER_FLAG_TSYNC");
  const flags =
    flagsOf(ops) |
    SECCOMP_FILTER_FLAG_NEW_LISTENER |
    (waitKillable ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0) |
    (tsync ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0);
  return new Fd(within("linux.seccomp", () => installFilter(program, flags)));
}
