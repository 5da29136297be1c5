/** Loads a filter: seccomp(2). */

import * as NR from "#nr";
import { SECCOMP_SET_MODE_FILTER } from "./constants.ts";
import { sock_fprog } from "./layouts.ts";
import { call } from "./raw.ts";

/**
 * Installs a classic BPF program (struct sock_filter[], 8 bytes each) for this process.
 * @param flags SECCOMP_FILTER_FLAG_*
 * @returns the listener's descriptor number where NEW_LISTENER was asked for, else 0
 */
export function loadFilter(program: Uint8Array, flags: number): number {
  const prog = sock_fprog.encode({ len: program.length / 8, filter: program });
  return call(undefined, "seccomp", NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}
