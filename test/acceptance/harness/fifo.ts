import { spawnSync } from "node:child_process";
import { constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { Lines } from "./lines.ts";

/**
 * A named pipe between a test and something it did not start itself, such as a hook. Both ends are kept open here, so
 * that nobody who opens it waits for a partner.
 */
export class Fifo {
  readonly path: string;
  readonly #fd: number;
  #socket: Socket | undefined;
  #lines: Lines | undefined;

  constructor(path: string) {
    this.path = path;
    const { status, stderr } = spawnSync("mkfifo", ["-m", "666", path], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** What others write. */
  get lines(): Lines {
    this.#socket ??= new Socket({ fd: this.#fd, readable: true, writable: false });
    this.#lines ??= new Lines(this.#socket);
    return this.#lines;
  }

  /** For others to read. */
  write(text: string): void {
    writeSync(this.#fd, text);
  }

  close(): void {
    this.#socket?.destroy();
  }
}
