/** Which system calls this kernel has, asked with arguments that it refuses: nothing is changed. */
import * as NR from "#nr";
import { ENOSYS } from "./constants.ts";
import { attempt } from "./raw.ts";

const nowhere = -1;
const questions = {
  pidfd_send_signal: () => attempt("pidfd_send_signal", NR.pidfd_send_signal, nowhere, 0, null, 0),
  fsopen: () => attempt("fsopen", NR.fsopen, null, nowhere),
  open_tree: () => attempt("open_tree", NR.open_tree, nowhere, "", nowhere),
  move_mount: () => attempt("move_mount", NR.move_mount, nowhere, "", nowhere, "", nowhere),
  clone3: () => attempt("clone3", NR.clone3, null, 0),
  pidfd_open: () => attempt("pidfd_open", NR.pidfd_open, nowhere, 0),
  openat2: () => attempt("openat2", NR.openat2, nowhere, "", null, 0),
  faccessat2: () => attempt("faccessat2", NR.faccessat2, nowhere, "", 0, nowhere),
  close_range: () => attempt("close_range", NR.close_range, 2, 1, 0),
  mount_setattr: () => attempt("mount_setattr", NR.mount_setattr, nowhere, "", nowhere, null, 0),
} as const;

export type ProbedCall = keyof typeof questions;

/** The calls that this kernel, or a filter around this process, does not know. */
export function missingCalls(): ProbedCall[] {
  return (Object.keys(questions) as ProbedCall[]).filter((name) => questions[name]() === -ENOSYS);
}
