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
  /** "bare": the message alone, for a place that notes time and level by itself. */
  readonly format: "text" | "json" | "bare";
  readonly level: Level;
  /** RFC 3339. */
  readonly now: () => string;
  /** Takes one line without its end, to where `--log` says. */
  readonly write: (line: string, level: Level, details: ErrorDetails) => void;
  /** Takes what the caller's terminal is to show, whatever `--log` says. */
  readonly show: ((line: string) => void) | undefined;
}

/** What one command tells. Warnings that are never flushed are never written. */
export class Log {
  readonly #options: LogOptions;
  readonly #held: (() => void)[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
  }

  get level(): Level {
    return this.#options.level;
  }

  /** The one error of a command that fails. */
  error(thrown: unknown): void {
    const message = printable(messageOf(thrown));
    this.#write("error", message, thrown instanceof BoxError ? thrown.details : {});
    this.#options.show?.(`box: ${message}`);
  }

  warn = (message: string): void => {
    if (ranks[this.#options.level] < ranks.warning) return;
    const time = this.#options.now();
    this.#held.push(() => this.#write("warning", printable(message), {}, time));
  };

  debug(message: string): void {
    if (ranks[this.#options.level] >= ranks.debug) this.#write("debug", printable(message), {});
  }

  /** Writes the warnings of a command that succeeded. */
  flush(): void {
    for (const write of this.#held.splice(0)) write();
  }

  #write(level: Level, message: string, details: ErrorDetails, time = this.#options.now()): void {
    this.#options.write(this.#line(level, message, details, time), level, details);
  }

  #line(level: Level, message: string, details: ErrorDetails, time: string): string {
    const { format, show } = this.#options;
    // What JSON leaves as it is and a terminal would act on is escaped too, as JSON may be.
    if (format === "json") return printable(JSON.stringify({ level, msg: message, time, ...details }));
    if (format === "bare") return message;
    // Without a log file the line is for the terminal.
    if (show === undefined) return level === "error" ? `box: ${message}` : `box: ${level}: ${message}`;
    return `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}`;
  }
}
