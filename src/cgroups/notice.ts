/** Files of cgroup2 that tell of their changes: cgroup.events, memory.events. */
import { O_NOFOLLOW, O_RDONLY, POLLPRI } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import { Fd } from "../linux/fd.ts";
import { open, read } from "../linux/file.ts";
import type { Wait } from "../linux/socket.ts";

/** One such file. What changes after `read` ends a `poll` of `wait`: nothing is missed between the two. */
export class NoticeFile implements Disposable {
  readonly #cgroup: Fd;
  readonly #name: string;
  #fd = new Fd(-1);

  constructor(cgroup: Fd, name: string) {
    this.#cgroup = cgroup;
    this.#name = name;
  }

  /** The content. Its reading arms the notice of the descriptor that was read, so each time a new one is opened. */
  read(): string {
    this.#fd.close();
    this.#fd = open(this.#cgroup, this.#name, O_RDONLY | O_NOFOLLOW);
    return decodeUtf8(read(this.#fd, 4096));
  }

  get wait(): Wait {
    return { fd: this.#fd, events: POLLPRI };
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}
