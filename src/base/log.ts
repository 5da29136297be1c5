/**
 * Messages for people (text) or programs (JSON lines). The sink is given: this room knows no files.
 *
 * Callers read the JSON log as one error object, so warnings are held back and written only when the command succeeds.
 */
import { BoxError, type ErrorDetails, messageOf } from "./errors.ts";
import { printable } from "./quote.ts";

export type Level = "error" | "warning" | "debug";

const ranks: Readonly<Record<Level, number>> = { error: 0, warning: 1, debug: 2 };

export interface LogOptions {
  readonly format: "text" | "json";
  readonly level: Level;
  /** RFC 3339. */
  readonly now: () => string;
  /** Takes one line without its end, to where `--log` says. */
  readonly write: (line: string) => void;
  /** Takes what the caller's terminal is to show, whatever `--log` says. */
  readonly show: ((line: string) => void) | undefined;
}

export class Log {
  readonly #options: LogOptions;
  readonly #held: string[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
  }

  /** The one error of a command that fails. */
  error(thrown: unknown): void {
    const message = printable(messageOf(thrown));
    const details = thrown instanceof BoxError ? thrown.details : {};
    const { write, show } = this.#options;
    write(this.#line("error", message, details));
    show?.(`box: ${message}`);
  }

  warn = (message: string): void => {
    if (ranks[this.#options.level] >= ranks.warning) this.#held.push(this.#line("warning", printable(message), {}));
  };

  debug(message: string): void {
    if (ranks[this.#options.level] >= ranks.debug) this.#options.write(this.#line("debug", printable(message), {}));
  }

  /** Writes the warnings of a command that succeeded. */
  flush(): void {
    for (const line of this.#held.splice(0)) this.#options.write(line);
  }

  #line(level: Level, message: string, details: ErrorDetails): string {
    const { format, now, show } = this.#options;
    // What JSON leaves as it is and a terminal would act on is escaped too, as JSON may be.
    if (format === "json") return printable(JSON.stringify({ level, msg: message, time: now(), ...details }));
    // Without a log file the line is for the terminal.
    if (show === undefined) return level === "error" ? `box: ${message}` : `box: ${level}: ${message}`;
    return `time=${JSON.stringify(now())} level=${level} msg=${JSON.stringify(message)}`;
  }
}
