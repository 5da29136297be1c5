/** What a hook has started, wherever it has gone: to end with the hook, not to outlive it as somebody's daemon. */
import { Proc } from "../fs/proc.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { ENOENT } from "../linux/constants.ts";
import { getpid, isChildSubreaper, killAndReap, pidfdOpen, setChildSubreaper } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";

/** How long processes may go on making new ones while they are killed, in milliseconds. */
const endTimeout = 10_000;

/**
 * Makes this process the one to which a hook's orphans come, and tells them from its other children: those that were
 * there before. For the host side only, whose /proc shows the pids that it uses itself.
 */
export class Descendants implements Disposable {
  readonly #before = new Set(children());
  readonly #wasSubreaper = isChildSubreaper();

  constructor() {
    setChildSubreaper(true);
  }

  /** Kills and reaps generation after generation, until nobody is left. */
  end(): void {
    const deadline = monotonicMilliseconds() + endTimeout;
    for (;;) {
      const found = children().filter((pid) => !this.#before.has(pid));
      if (found.length === 0 || monotonicMilliseconds() > deadline) return;
      for (const pid of found) {
        using process = pidfdOpen(pid);
        if (process === undefined) continue;
        killAndReap(process);
      }
    }
  }

  [Symbol.dispose](): void {
    setChildSubreaper(this.#wasSubreaper);
  }
}

/** The pids of this process's children; none where the kernel does not tell (CONFIG_PROC_CHILDREN). */
function children(): number[] {
  const proc = Proc.host();
  try {
    const text = proc.read(`self/task/${getpid()}/children`);
    return text
      .split(" ")
      .filter((pid) => pid !== "")
      .map(Number);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return [];
    throw thrown;
  }
}
