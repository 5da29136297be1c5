/**
 * The label that a process gets by its next execve, from AppArmor or SELinux.
 *
 * The files are the process's own in the host's /proc, opened before it enters the container: what is mounted there
 * may send a label elsewhere (CVE-2019-16884, CVE-2025-52881). Linux lets a process write only what it has opened itself.
 */
import { within } from "../base/errors.ts";
import { Proc } from "../fs/proc.ts";
import { ENOENT } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { writeOnce } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import type { LabelOp } from "./ops.ts";

/** A label, and where it is to be written. */
export interface LabelFile {
  readonly op: LabelOp;
  readonly file: Fd;
}

/** While the host's /proc is seen, by the process that is to become the program. */
export function openLabels(labels: readonly LabelOp[]): readonly LabelFile[] {
  if (labels.length === 0) return [];
  const proc = Proc.host();
  return labels.map((op) => ({ op, file: within(op.property, () => openFor(proc, op)) }));
}

function openFor(proc: Proc, { module }: LabelOp): Fd {
  try {
    // Where several modules are in force, AppArmor's own file since 5.8.
    if (module === "apparmor") return proc.openToWrite("self/attr/apparmor/exec");
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
  }
  return proc.openToWrite("self/attr/exec");
}

/** Has the next execve confine the process. @throws SyscallError ENOENT for a profile that is not loaded */
export function writeLabels(files: readonly LabelFile[]): void {
  for (const { op, file } of files) {
    const text = op.module === "apparmor" ? `exec ${op.label}` : op.label;
    within(op.property, () => writeOnce(file, text, op.label));
    file.close();
  }
}

/** Has the keys that this process makes carry its program's label, where SELinux is in force. While the host's /proc is seen. */
export function labelKeys(labels: readonly LabelOp[]): void {
  const op = labels.find(({ module }) => module === "selinux");
  if (op === undefined) return;
  const proc = Proc.host();
  within(op.property, () => proc.write("self/attr/keycreate", op.label));
}
