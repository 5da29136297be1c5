/** Signal names and numbers, signal(7), x86-64 and arm64 alike. */

/** In the order of their numbers, from 1. */
const names =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

const aliases: Readonly<Record<string, number>> = { IOT: 6, POLL: 29, CLD: 17, UNUSED: 31 };

const first = 1;
const last = 64;

/** libc's first real-time signal; the two below are used by its threads. */
const rtMin = 34;

/**
 * The number of a signal given as `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3` or `RTMAX-1`; undefined for anything else.
 * `0` asks whether there is somebody to signal, kill(2).
 */
export function signalNumber(text: string): number | undefined {
  if (text === "0") return 0;
  if (/^[0-9]{1,2}$/.test(text)) return inRange(Number(text));
  // Upper-casing makes ASCII letters of some that are not.
  if (!/^[A-Za-z0-9+-]+$/.test(text)) return undefined;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const index = names.split(" ").indexOf(name);
  if (index >= 0) return index + 1;
  if (Object.hasOwn(aliases, name)) return aliases[name];
  const realTime = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name);
  if (realTime === null) return undefined;
  const offset = Number(`${realTime[2] ?? "+"}${realTime[3] ?? "0"}`);
  const number = (realTime[1] === "MIN" ? rtMin : last) + offset;
  return number >= rtMin ? inRange(number) : undefined;
}

function inRange(number: number): number | undefined {
  return number >= first && number <= last ? number : undefined;
}
