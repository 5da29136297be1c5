/** The container's terminal, made in its own devpts. Runs in init. */
import { BoxError, within } from "../base/errors.ts";
import type { Root } from "../fs/root.ts";
import { DEVPTS_SUPER_MAGIC, O_NOCTTY, O_RDWR, S_IFCHR, S_IFMT } from "../linux/constants.ts";
import { type Fd, stdio } from "../linux/fd.ts";
import { chown, dupTo, fileSystemType, fstat } from "../linux/file.ts";
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
 * The multiplexer is checked to be one, and the slave is had from the master itself (TIOCGPTPEER): the image can put
 * what it likes in their places and gains nothing.
 */
export function openTerminal(root: Root, size: TerminalSize | undefined): Terminal {
  return within("process.terminal", () => {
    const master = root.open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    const { mode, rdev } = fstat(master, "/dev/pts/ptmx");
    const isMultiplexer = (mode & S_IFMT) === S_IFCHR && rdev.major === 5 && rdev.minor === 2;
    if (!isMultiplexer || fileSystemType(master, "/dev/pts/ptmx") !== DEVPTS_SUPER_MAGIC) {
      throw new BoxError("/dev/pts is no devpts: a mount of that type is needed", { path: "/dev/pts/ptmx" });
    }
    const slave = openSlave(master);
    if (size !== undefined) setWindowSize(master, size);
    return { master, slave };
  });
}

/** Puts the terminal's slave at /dev/console, covered by descriptor, whatever stands there (CVE-2025-52565). */
export function coverConsole(root: Root, { slave }: Terminal): void {
  within("process.terminal", () => {
    using target = root.file("/dev/console");
    using mount = cloneTreeOf(slave, false, "/dev/console");
    moveMount(mount, target, "/dev/console");
  });
}

/** Makes the slave the program's stdin, stdout and stderr, and the session's controlling terminal. */
export function useTerminal(slave: Fd, uid: number): void {
  setControllingTerminal(slave);
  if (uid !== 0) chown(slave, uid, 2 ** 32 - 1, "/dev/console");
  for (const standard of Object.values(stdio)) dupTo(slave, standard.number);
  slave.close();
}
