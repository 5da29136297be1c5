/**
 * What tests inside the engine need of the real kernel: a directory of their own, processes to look at, a count of what
 * they leave open.
 */
import assert from "node:assert/strict";
import { EISDIR, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, SIGKILL } from "../../src/linux/constants.ts";
import { type At, type Fd, stdio } from "../../src/linux/fd.ts";
import { list, mkdir, open, read, readlink, rmdir, stat, unlink, writeAll } from "../../src/linux/file.ts";
import {
  type Child,
  clone3,
  exit,
  getpid,
  pidfdOpen,
  sendSignal,
  setParentDeathSignal,
  waitPidfd,
} from "../../src/linux/process.ts";
import { isErrno } from "../../src/linux/raw.ts";
import { poll, waitReadable } from "../../src/linux/socket.ts";
import { hanging } from "./hanging.ts";

/** How many descriptors this process has open, but for those that it keeps: of /proc and of hierarchies of cgroups. */
function openDescriptors(): number {
  using directory = open("cwd", "/proc/self/fd", O_RDONLY | O_DIRECTORY);
  return list(directory).filter((number) => !isKept(directory, number)).length;
}

/** The roots of both have inode 1. */
function isKept(table: Fd, number: string): boolean {
  return /^\/(proc|sys\/fs\/cgroup(\/[^/]+)?)$/.test(readlink(table, number)) && stat(table, number).ino === 1n;
}

/** Runs `action`, after which as many descriptors must be open as before. */
export function withoutLeaks(action: () => void): void {
  const before = openDescriptors();
  action();
  assert.equal(openDescriptors(), before, "open descriptors");
}

let made = 0;

/** Gives `action` an empty directory (readable, so that it can be listed), and takes it away with all that is in it. */
export function inScratch(action: (directory: Fd, path: string) => void, parent = "/tmp"): void {
  const path = `${parent}/box-test-${getpid()}-${made++}`;
  mkdir("cwd", path, 0o700);
  try {
    withoutLeaks(() => {
      using directory = open("cwd", path, O_RDONLY | O_DIRECTORY);
      action(directory, path);
    });
  } finally {
    removeTree("cwd", path);
  }
}

function removeTree(parent: At, name: string): void {
  try {
    unlink(parent, name);
  } catch (thrown) {
    if (!isErrno(thrown, EISDIR)) throw thrown;
    {
      using directory = open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      for (const child of list(directory)) removeTree(directory, child);
    }
    rmdir(parent, name);
  }
}

/** The path of what a descriptor stands for, as the kernel sees it. */
export function pathOf(fd: Fd): string {
  using table = open("cwd", "/proc/self/fd", O_PATH | O_DIRECTORY);
  return readlink(table, `${fd.number}`);
}

/** Gives `action` a child that runs `body` (without an end, if it has none), and ends it. */
export function withChild(body: () => number, action: (child: Child) => void): void {
  const child = clone3(0);
  if (child === "child") {
    let status = 99;
    try {
      setParentDeathSignal(SIGKILL);
      status = body();
    } catch (thrown) {
      writeAll(stdio.error, `in a child: ${thrown}\n`);
    }
    exit(status);
  }
  try {
    action(child);
  } finally {
    sendSignal(child.pidfd, SIGKILL);
    // A frozen one does not die: a failing test must not hang.
    const hasEnded = waitReadable(child.pidfd, hanging);
    if (hasEnded) waitPidfd(child.pidfd, true);
    child.pidfd.close();
    assert.ok(hasEnded, "a child does not die");
  }
}

/** Signals a process that cannot be gone: this one or its parent. */
export function signal(pid: number, number: number): void {
  using process = pidfdOpen(pid);
  assert.ok(process !== undefined && sendSignal(process, number), `signal ${number} for ${pid}`);
}

/** Waits until another process writes a byte into a pipe. */
export function awaitByte(reader: Fd): void {
  assert.ok(waitReadable(reader, hanging), "nobody writes");
  read(reader, 1);
}

/** What a child does that is only there. */
export function idle(): number {
  for (;;) poll([], 1000);
}
