/** The container's terminal, made in its own devpts. Runs in init. */
import { BoxError, within } from "../base/errors.ts";
import { refuseCoveringProc } from "../fs/proc-cover.ts";
import type { Root } from "../fs/root.ts";
import {
  DEVPTS_SUPER_MAGIC,
  O_NOCTTY,
  O_PATH,
  O_RDWR,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFCHR,
  S_IFMT,
} from "../linux/constants.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import { chown, dupTo, fileSystemType, fstat, openat2, sameId } from "../linux/file.ts";
import { cloneTreeOf, moveMount } from "../linux/mount.ts";
import { openSlave, setControllingTerminal, setWindowSize } from "../linux/tty.ts";
import type { TerminalSize } from "./ops.ts";

export interface Terminal {
  /** For the host side. */
  readonly master: Fd;
  readonly slave: Fd;
}

/**
 * Opens a pty of the container's devpts.
 *
 * Nothing is opened but the multiplexer of a devpts, which only the kernel makes files in: to open whatever the image or a
 * process has put there could do something by itself, or wait for ever. The slave is had from the master itself
 * (TIOCGPTPEER).
 */
export function openTerminal(root: Root, size: TerminalSize | undefined): Terminal {
  return within("process.terminal", () => {
    const master = openMultiplexer(root);
    const slave = openSlave(master);
    if (size !== undefined) setWindowSize(master, size);
    return { master, slave };
  });
}

function openMultiplexer(root: Root): Fd {
  using devpts = root.open("/dev/pts", O_PATH);
  if (fileSystemType(devpts, "/dev/pts") !== DEVPTS_SUPER_MAGIC)
    throw new BoxError("/dev/pts is no devpts: a mount of that type is needed", { path: "/dev/pts" });
  const master = openat2(devpts, "ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
  const { mode, rdev } = fstat(master, "/dev/pts/ptmx");
  if ((mode & S_IFMT) === S_IFCHR && rdev.major === 5 && rdev.minor === 2) return master;
  master.close();
  throw new BoxError("it is not the multiplexer of terminals", { path: "/dev/pts/ptmx" });
}

/** Puts the terminal's slave at /dev/console, covered by descriptor, whatever stands there (CVE-2025-52565). */
export function coverConsole(root: Root, { slave }: Terminal): void {
  within("process.terminal", () => {
    using target = root.file("/dev/console");
    refuseCoveringProc(target, "/dev/console");
    using mount = cloneTreeOf(slave, false, "/dev/console");
    moveMount(mount, target, "/dev/console");
  });
}

/** Makes the slave the program's stdin, stdout and stderr, and the session's controlling terminal. */
export function useTerminal(slave: Fd, uid: number): void {
  setControllingTerminal(slave);
  if (uid !== 0) chown(slave, uid, sameId, "/dev/console");
  for (const standard of Object.values(stdio)) dupTo(slave, standard);
  slave.close();
}
