/** `--log journald:NAME` and `--log syslog:NAME`: messages for the host's log service. Loaded only where that is asked for. */
import { type ErrorDetails, within } from "../base/errors.ts";
import type { Level } from "../base/log.ts";
import { printable } from "../base/quote.ts";
import { POLLOUT } from "../linux/constants.ts";
import { connectDatagram } from "../linux/datagram.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import { getpid } from "../linux/process.ts";
import { poll, send } from "../linux/socket.ts";

/** Severities of syslog(3). */
const severities: Readonly<Record<Level, number>> = { error: 3, warning: 4, debug: 7 };

/** The facility "user" of syslog(3), shifted. */
const user = 1 << 3;

/** Where the services listen: systemd-journald.service(8), syslog(3). */
const sockets = { journald: "/run/systemd/journal/socket", syslog: "/dev/log" } as const;

/**
 * @param name under which the messages are kept
 * @returns takes one line
 * @throws BoxError where the host has no such service
 */
export function openLogService(
  kind: keyof typeof sockets,
  name: string,
): (line: string, level: Level, details: ErrorDetails) => void {
  const socket = within("--log", () => connectDatagram(sockets[kind]));
  const encode = kind === "journald" ? journalEntry : syslogMessage;
  return (line, level, details) => {
    poll([{ fd: socket, events: POLLOUT }]);
    within("--log", () => send(socket, encodeUtf8(encode(name, { line, level, details }))));
  };
}

interface Message {
  readonly line: string;
  readonly level: Level;
  readonly details: ErrorDetails;
}

/** Fields, one a line (systemd.journal-fields(7)); lines of the log have no line feed in them. */
function journalEntry(name: string, { line, level, details }: Message): string {
  const own = Object.entries(details).map(([key, value]) => `BOX_${key.toUpperCase()}=${printable(value)}`);
  return [`MESSAGE=${line}`, `PRIORITY=${severities[level]}`, `SYSLOG_IDENTIFIER=${printable(name)}`, ...own, ""].join(
    "\n",
  );
}

/** As libc's syslog(3) sends it; the service knows the time. */
function syslogMessage(name: string, { line, level }: Message): string {
  return `<${user | severities[level]}>${printable(name)}[${getpid()}]: ${line}`;
}
