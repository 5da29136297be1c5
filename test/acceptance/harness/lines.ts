import type { Readable } from "node:stream";
import { patient } from "./patience.ts";

/**
 * A stream as lines that a test can wait for. Nothing here waits for time to pass: the limit only turns a hang into
 * an error.
 */
export class Lines {
  #lines: string[] = [];
  #rest = "";
  #next = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  readonly #limit: number;

  constructor(stream: Readable, limit = patient(20_000)) {
    this.#limit = limit;
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const parts = (this.#rest + chunk).split("\n");
      this.#rest = parts.pop() ?? "";
      this.#lines.push(...parts);
      this.#notify();
    });
    const end = (): void => {
      this.#ended = true;
      this.#notify();
    };
    stream.on("end", end);
    stream.on("error", end);
    stream.on("close", end);
  }

  /** Everything so far. */
  get text(): string {
    return [...this.#lines, this.#rest].join("\n");
  }

  /** The next line that matches; the lines before it are passed over. */
  async line(match: RegExp = /^/): Promise<string> {
    for (;;) {
      while (this.#next < this.#lines.length) {
        const line = this.#lines[this.#next++] ?? "";
        if (match.test(line)) return line;
      }
      if (this.#ended) throw new Error(`the stream ended before a line like ${match}: ${JSON.stringify(this.text)}`);
      await this.#change(`line like ${match}`);
    }
  }

  /** The first line of all, read or not, that matches. */
  async find(match: RegExp): Promise<string> {
    for (;;) {
      const line = this.#lines.find((each) => match.test(each));
      if (line !== undefined) return line;
      if (this.#ended) throw new Error(`the stream ended without a line like ${match}: ${JSON.stringify(this.text)}`);
      await this.#change(`line like ${match}`);
    }
  }

  /** Everything, once the last writer has closed. */
  async end(): Promise<string> {
    while (!this.#ended) await this.#change("end of the stream");
    return this.text;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #change(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${what} within ${this.#limit} ms: ${JSON.stringify(this.text)}`)),
        this.#limit,
      );
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
