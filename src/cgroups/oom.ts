/** Tells when the container's memory has run out. */
import { ENODEV, ENOENT, O_NOFOLLOW, O_RDONLY, POLLIN } from "../linux/constants.ts";
import { eventFd, readEvents, registration } from "../linux/eventfd.ts";
import type { Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import type { Wait } from "../linux/socket.ts";
import { openCgroup, readFileIfThere, writeFile } from "./directory.ts";
import { NoticeFile } from "./notice.ts";
import { type CgroupRecord, directoryWith } from "./record.ts";
import { table } from "./stats-files.ts";

/** From where it was opened on. */
export interface OomWatch extends Disposable {
  /** What to wait for; then `happened` is to be asked. */
  readonly wait: Wait;
  /** Whether it happened since it was asked last. */
  happened(): boolean;
}

/** @returns undefined where no controller counts memory, or the cgroup is gone */
export function watchOom(record: CgroupRecord): OomWatch | undefined {
  const directory = directoryWith(record, "memory");
  const cgroup = directory === undefined ? undefined : openCgroup(directory, record.path);
  if (cgroup === undefined) return undefined;
  try {
    return directory?.version === 2 ? new OomWatchV2(cgroup) : new OomWatchV1(cgroup);
  } catch (thrown) {
    cgroup.close();
    if (isErrno(thrown, ENOENT, ENODEV)) return undefined;
    throw thrown;
  }
}

/** memory.oom_control, Documentation/admin-guide/cgroup-v1/memory.rst, 10. */
class OomWatchV1 implements OomWatch {
  readonly #cgroup: Fd;
  readonly #event: Fd;

  constructor(cgroup: Fd) {
    this.#cgroup = cgroup;
    // The kernel keeps hold of the event, not of this descriptor.
    using control = open(cgroup, "memory.oom_control", O_RDONLY | O_NOFOLLOW);
    this.#event = eventFd();
    try {
      writeFile(cgroup, "cgroup.event_control", registration(this.#event, control));
    } catch (thrown) {
      this.#event.close();
      throw thrown;
    }
  }

  get wait(): Wait {
    return { fd: this.#event, events: POLLIN };
  }

  happened(): boolean {
    const count = readEvents(this.#event);
    // The removal of the cgroup is an event too.
    return count > 1n || (count === 1n && readFileIfThere(this.#cgroup, "memory.oom_control") !== undefined);
  }

  [Symbol.dispose](): void {
    this.#event.close();
    this.#cgroup.close();
  }
}

/** `oom_kill` of memory.events, which counts what is below too: Documentation/admin-guide/cgroup-v2.rst. */
class OomWatchV2 implements OomWatch {
  readonly #cgroup: Fd;
  readonly #events: NoticeFile;
  #kills: bigint;

  constructor(cgroup: Fd) {
    this.#cgroup = cgroup;
    this.#events = new NoticeFile(cgroup, "memory.events");
    this.#kills = this.#count();
  }

  get wait(): Wait {
    return this.#events.wait;
  }

  happened(): boolean {
    const before = this.#kills;
    try {
      this.#kills = this.#count();
    } catch (thrown) {
      if (!isErrno(thrown, ENOENT, ENODEV)) throw thrown;
    }
    return this.#kills > before;
  }

  #count(): bigint {
    return table(this.#events.read())["oom_kill"] ?? 0n;
  }

  [Symbol.dispose](): void {
    this.#events[Symbol.dispose]();
    this.#cgroup.close();
  }
}
