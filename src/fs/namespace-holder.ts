/** A process that does nothing but have namespaces of its own, for others to use; it ends with its scope, or with us. */
import type { Fd } from "../linux/fd.ts";
import { pipe, read } from "../linux/file.ts";
import { type Child, clone3, exit, waitPidfd } from "../linux/process.ts";

/** Its namespaces are at /proc/PID/ns as long as this is not disposed of. */
export class NamespaceHolder implements Disposable {
  readonly pid: number;
  readonly #pidfd: Fd;
  /** At its end the process ends. */
  readonly #writer: Fd;

  private constructor({ pid, pidfd }: Child, writer: Fd) {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.#writer = writer;
  }

  /** @param flags the sum of CLONE_NEW* flags */
  static make(flags: number): NamespaceHolder {
    const [reader, writer] = pipe();
    const child = clone3(flags);
    if (child === "child") {
      // Whatever goes wrong, it must not go on as its maker.
      try {
        writer.close();
        read(reader, 1);
      } finally {
        exit(0);
      }
    }
    reader.close();
    return new NamespaceHolder(child, writer);
  }

  [Symbol.dispose](): void {
    this.#writer.close();
    waitPidfd(this.#pidfd, true);
    this.#pidfd.close();
  }
}
