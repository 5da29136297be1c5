/** Terminals: ioctl_tty(2), pts(4). */

import * as NR from "#nr";
import {
  BRKINT,
  CS8,
  CSIZE,
  ECHO,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNBRK,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IXON,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  OPOST,
  PARENB,
  PARMRK,
  TCGETS,
  TCSETS,
  TIOCGPTPEER,
  TIOCGWINSZ,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { termios, winsize } from "./layouts.ts";
import { attempt, call } from "./raw.ts";

/** Unlocks the slave of a pty master and opens it without a path: TIOCGPTPEER, Linux 4.13. */
export function openSlave(master: Fd): Fd {
  call(undefined, "ioctl TIOCSPTLCK", NR.ioctl, master.number, TIOCSPTLCK, new Int32Array([0]));
  const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  return new Fd(call(undefined, "ioctl TIOCGPTPEER", NR.ioctl, master.number, TIOCGPTPEER, flags));
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** In characters. Whoever is in the foreground of the terminal gets SIGWINCH: TIOCSWINSZ, ioctl_tty(2). */
export function setWindowSize(terminal: Fd, size: WindowSize): void {
  const value = winsize.encode({ ws_row: size.rows, ws_col: size.columns });
  call(undefined, "ioctl TIOCSWINSZ", NR.ioctl, terminal.number, TIOCSWINSZ, value);
}

/** In characters, 0 and 0 where nobody has set it: TIOCGWINSZ, ioctl_tty(2). */
export function getWindowSize(terminal: Fd): WindowSize {
  const value = new Uint8Array(winsize.size);
  call(undefined, "ioctl TIOCGWINSZ", NR.ioctl, terminal.number, TIOCGWINSZ, value);
  return { rows: winsize.get(value, "ws_row"), columns: winsize.get(value, "ws_col") };
}

/** Makes a terminal the controlling one of this session: TIOCSCTTY. */
export function setControllingTerminal(terminal: Fd): void {
  call(undefined, "ioctl TIOCSCTTY", NR.ioctl, terminal.number, TIOCSCTTY, 0);
}

/** The settings of a terminal, as TCGETS gives them: termios(3). */
export function getTerminal(terminal: Fd): Uint8Array {
  const settings = new Uint8Array(termios.size);
  call(undefined, "ioctl TCGETS", NR.ioctl, terminal.number, TCGETS, settings);
  return settings;
}

/** Whether a descriptor is a terminal: isatty(3). */
export function isTerminal(fd: Fd): boolean {
  return attempt("ioctl TCGETS", NR.ioctl, fd.number, TCGETS, new Uint8Array(termios.size)) >= 0;
}

/** Puts settings in force at once, without waiting for output: TCSETS, ioctl_tty(2). */
export function setTerminal(terminal: Fd, settings: Uint8Array): void {
  call(undefined, "ioctl TCSETS", NR.ioctl, terminal.number, TCSETS, settings);
}

/** The same settings with every byte passed as it is: no echo, no lines, no signals: cfmakeraw(3). */
export function makeRaw(settings: Uint8Array): Uint8Array {
  const get = <K extends keyof typeof termios.fields>(of: Uint8Array, field: K) => termios.get(of, field);
  return termios.encode({
    c_iflag: get(settings, "c_iflag") & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    c_oflag: get(settings, "c_oflag") & ~OPOST,
    c_cflag: (get(settings, "c_cflag") & ~(CSIZE | PARENB)) | CS8,
    c_lflag: get(settings, "c_lflag") & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
    c_line: get(settings, "c_line"),
    c_cc: get(settings, "c_cc"),
  });
}
