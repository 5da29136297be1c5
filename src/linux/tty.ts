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
  ONLCR,
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

function fieldsOf(settings: Uint8Array) {
  return {
    c_iflag: termios.get(settings, "c_iflag"),
    c_oflag: termios.get(settings, "c_oflag"),
    c_cflag: termios.get(settings, "c_cflag"),
    c_lflag: termios.get(settings, "c_lflag"),
    c_line: termios.get(settings, "c_line"),
    c_cc: termios.get(settings, "c_cc"),
  };
}

/** The same settings with every byte passed as it is: no echo, no lines, no signals: cfmakeraw(3). */
export function makeRaw(settings: Uint8Array): Uint8Array {
  const fields = fieldsOf(settings);
  return termios.encode({
    ...fields,
    c_iflag: fields.c_iflag & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    c_oflag: fields.c_oflag & ~OPOST,
    c_cflag: (fields.c_cflag & ~(CSIZE | PARENB)) | CS8,
    c_lflag: fields.c_lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
  });
}

/** The same settings, but that no carriage return is put before a newline. */
export function keepNewlines(settings: Uint8Array): Uint8Array {
  const fields = fieldsOf(settings);
  return termios.encode({ ...fields, c_oflag: fields.c_oflag & ~ONLCR });
}
