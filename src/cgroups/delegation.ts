/** What cgroup2 hands down: controllers to the cgroups below, and a cgroup to a user. cgroups(7), "Delegation". */
import { BoxError, type ErrorDetails } from "../base/errors.ts";
import { EACCES, EBUSY, ENOENT, O_NOFOLLOW, O_PATH, O_RDONLY } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { chown, open, readAll, sameId } from "../linux/file.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import { processesOf, readFile, readFileIfThere, writeFile } from "./directory.ts";

const control = "cgroup.subtree_control";

/**
 * Lets the children of a cgroup have what can be had of these controllers: what counts for them (memory, pids, …) counts
 * from then on. Nothing of it is needed, so nothing of it is an error.
 * @param isNew whether the cgroup has just been made: then nothing is enabled, and nobody in it
 */
export function offerControllers(parent: Fd, controllers: readonly string[], isNew = false): void {
  const enabled = isNew ? [] : wordsOf(readFile(parent, control));
  if (controllers.every((name) => enabled.includes(name))) return;
  const there = wordsOf(readFile(parent, "cgroup.controllers"));
  const missing = controllers.filter((name) => there.includes(name) && !enabled.includes(name));
  if (missing.length === 0 || (!isNew && isInhabited(parent)) || isChanged(parent, "+", missing)) return;
  // One that refuses must not keep the others away.
  for (const name of missing) isChanged(parent, "+", [name]);
}

/**
 * Takes back what the children of a cgroup were offered, so that processes can be in it: cgroup v2 allows no internal ones.
 * Where a child hands it on there is nothing to take back; then whoever enters is told.
 */
export function withdrawControllers(cgroup: Fd): void {
  const enabled = wordsOf(readFile(cgroup, control));
  if (enabled.length > 0) isChanged(cgroup, "-", enabled);
}

/** @returns whether the kernel has done it */
function isChanged(cgroup: Fd, sign: "+" | "-", controllers: readonly string[]): boolean {
  try {
    writeFile(cgroup, control, controllers.map((name) => `${sign}${name}`).join(" "));
    return true;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return false;
    throw thrown;
  }
}

/** Lets the children of a cgroup have these controllers; those that they have already are left alone. */
export function enableControllers(parent: Fd, controllers: readonly string[]): void {
  const enabled = wordsOf(readFile(parent, control));
  const missing = controllers.filter((name) => !enabled.includes(name));
  if (missing.length === 0) return;
  // The kernel refuses some controllers itself; others it enables, and then nothing can enter the children.
  if (isInhabited(parent)) throw internalProcesses(missing, {});
  try {
    writeFile(parent, control, missing.map((name) => `+${name}`).join(" "));
  } catch (thrown) {
    if (isErrno(thrown, EBUSY)) throw internalProcesses(missing, thrown.details);
    if (isErrno(thrown, EACCES)) {
      throw new BoxError(`the controllers ${missing.join(", ")} are not delegated to this user (EACCES)`, {
        ...thrown.details,
        hint: "box doctor tells what delegates them",
      });
    }
    if (isErrno(thrown, ENOENT)) {
      throw new BoxError(
        `the parent cgroup was not given all of the controllers ${missing.join(", ")}`,
        thrown.details,
      );
    }
    throw thrown;
  }
}

/** Whether a cgroup has processes of its own; the root one, which has no type, may. */
function isInhabited(cgroup: Fd): boolean {
  return readFileIfThere(cgroup, "cgroup.type")?.startsWith("domain") === true && processesOf(cgroup).length > 0;
}

function internalProcesses(controllers: readonly string[], details: ErrorDetails): BoxError {
  return new BoxError(
    `the parent cgroup has processes of its own, so its children can have no controllers (${controllers.join(", ")}): ` +
      "cgroup v2 allows no internal processes",
    { ...details, hint: "choose a cgroupsPath whose parents are empty" },
  );
}

/** Gives a cgroup to a user, who may then make others below it; what limits it stays root's. */
export function giveTo(cgroup: Fd, uid: number): void {
  for (const name of delegatedFiles()) {
    try {
      using file = open(cgroup, name, O_PATH | O_NOFOLLOW);
      chown(file, uid, sameId, name);
    } catch (thrown) {
      // The list is of all that this kernel can have; a controller that is not enabled has no files.
      if (!isErrno(thrown, ENOENT)) throw thrown;
    }
  }
  chown(cgroup, uid, sameId);
}

/** The kernel's own list, Linux 4.15. */
function delegatedFiles(): readonly string[] {
  try {
    using file = open("cwd", "/sys/kernel/cgroup/delegate", O_RDONLY);
    const bytes = readAll(file, 65_536, "delegate");
    if (bytes !== "too long") return decodeUtf8(bytes).trim().split("\n");
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
  }
  return ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
}

/** Of a list in a cgroup: the kernel has one space between two words. */
function wordsOf(text: string): string[] {
  return text
    .trim()
    .split(" ")
    .filter((word) => word !== "");
}
