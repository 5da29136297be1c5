/** Compiles a profile, with libseccomp, and installs the filter: seccomp(2). */

import {
  seccompAddArchitecture,
  seccompAddRule,
  seccompArchitecture,
  seccompExport,
  seccompInit,
  seccompRelease,
  seccompSetAttribute,
  seccompSyscall,
  seccompSyscallOf,
} from "host";
import * as NR from "#nr";
import {
  EDOM,
  EEXIST,
  EFAULT,
  EINVAL,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from "./constants.ts";
import { scmp_arg_cmp, sock_fprog } from "./layouts.ts";
import { attempt, call } from "./raw.ts";

/** The flags that a profile may have, by their names. */
export const filterFlags = {
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} as const;

/** Whether the kernel knows a flag: then it goes on to the program, which is not there. */
export function isFlagKnown(flag: number): boolean {
  // How notified calls wait is told only together with a listener.
  const flags = flag === SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? flag | SECCOMP_FILTER_FLAG_NEW_LISTENER : flag;
  return attempt("seccomp", NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, null) === -EFAULT;
}

/**
 * Installs a classic BPF program (struct sock_filter[], 8 bytes each) for this process.
 * @param flags SECCOMP_FILTER_FLAG_*
 * @returns the listener's descriptor number where NEW_LISTENER was asked for, else 0
 */
export function installFilter(program: Uint8Array, flags: number): number {
  const prog = sock_fprog.encode({ len: program.length / 8, filter: program });
  return call(undefined, "seccomp", NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

export interface SeccompProfile {
  /** SCMP_ACT_* with its data bits. */
  readonly defaultAction: number;
  /** Architecture names as libseccomp spells them ("x86_64", "x86", "x32"); the native one is always in. */
  readonly architectures: readonly string[];
  /** [SCMP_FLTATR_*, value] pairs. */
  readonly attributes: readonly (readonly [number, number])[];
  readonly rules: readonly SeccompRule[];
}

export interface SeccompRule {
  /** Resolved by libseccomp. */
  readonly name: string;
  readonly action: number;
  /** [index 0–5, SCMP_CMP_*, a, b] each. */
  readonly args: readonly (readonly [number, number, bigint, bigint])[];
}

/** The classic BPF program and the system calls that libseccomp does not know; or -errno and the step that failed. */
export type SeccompResult =
  | { readonly program: Uint8Array; readonly unknown: readonly string[] }
  | { readonly error: number; readonly step: string };

/** Compiles one profile. A system call that libseccomp does not know is left out and reported. */
export function compileSeccomp(profile: SeccompProfile): SeccompResult {
  const filter = seccompInit(profile.defaultAction);
  if (filter === 0) return { error: -EINVAL, step: "default action" };
  try {
    return addAll(filter, profile) ?? exportProgram(filter, addRules(filter, profile.rules));
  } finally {
    seccompRelease(filter);
  }
}

type Failure = Extract<SeccompResult, { error: number }>;

/** Architectures before rules: libseccomp adds a rule only to the architectures that are already there. */
function addAll(filter: number, { architectures, attributes }: SeccompProfile): Failure | undefined {
  for (const name of architectures) {
    const token = seccompArchitecture(name);
    const error = token === 0 ? -EINVAL : seccompAddArchitecture(filter, token);
    // The native architecture is in from the start, a profile may name one twice, and one of the other byte order
    // (EDOM) cannot occur on this machine.
    if (error < 0 && error !== -EEXIST && error !== -EDOM) return { error, step: `architecture ${name}` };
  }
  for (const [attribute, value] of attributes) {
    const error = seccompSetAttribute(filter, attribute, value);
    if (error < 0) return { error, step: "attribute" };
  }
  return undefined;
}

/** libseccomp's token of an architecture; 0 when it knows none of this name. */
export function architectureToken(name: string): number {
  return seccompArchitecture(name);
}

/** The number of a system call on an architecture; below 0 when it has none of this name there. */
export function syscallNumber(token: number, name: string): number {
  return seccompSyscallOf(token, name);
}

const UNKNOWN_SYSCALL = -1;

/** @returns the names that libseccomp does not know */
function addRules(filter: number, rules: readonly SeccompRule[]): string[] | Failure {
  const unknown: string[] = [];
  for (const { name, action, args } of rules) {
    const number = seccompSyscall(name);
    if (number === UNKNOWN_SYSCALL) {
      unknown.push(name);
      continue;
    }
    const comparisons = new Uint8Array(args.length * scmp_arg_cmp.size);
    for (const [i, [arg, op, a, b]] of args.entries())
      comparisons.set(scmp_arg_cmp.encode({ arg, op, datum_a: a, datum_b: b }), i * scmp_arg_cmp.size);
    const error = seccompAddRule(filter, action, number, args.length, comparisons);
    if (error < 0) return { error, step: `rule ${name}` };
  }
  return unknown;
}

function exportProgram(filter: number, unknown: string[] | Failure): SeccompResult {
  if ("error" in unknown) return unknown;
  const size = new BigUint64Array(1);
  let error = seccompExport(filter, null, size);
  const program = new Uint8Array(Number(size[0]));
  if (error >= 0) error = seccompExport(filter, program, size);
  return error < 0 ? { error, step: "export" } : { program, unknown };
}
