/** `wait`: the end of a container's program, seen by whoever asks. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { step } from "../base/steps.ts";
import type { Fd } from "../linux/fd.ts";
import { type End, endOfReaped, endOfWaitStatus, statusOf as exitStatusOf, pidfdOpen } from "../linux/process.ts";
import { waitReadable } from "../linux/socket.ts";
import { statOf } from "./processes.ts";
import { type ContainerRecord, isSameContainer, type ProcessId } from "./record.ts";
import type { Entry, Store } from "./store.ts";

/**
 * Waits until the container is stopped.
 * @returns its program's exit status, 128 + N for signal N; undefined when nobody can tell any more
 */
export function waitForEnd(store: Store, id: string): number | undefined {
  using entry = store.get(id);
  return within(
    () => `wait ${quote(id)}`,
    () => {
      const { init, phase } = entry.read();
      if (phase === "creating") throw new BoxError("container not running: it is being created");
      using pidfd = init === null ? undefined : openStarted(init);
      const end = pidfd === undefined || init === null ? undefined : awaitEnd(pidfd, init);
      return end === undefined ? keptStatus(entry) : exitStatusOf(end);
    },
  );
}

/** Exactly the recorded process, one that has ended and waits for its parent included. */
function openStarted({ pid, startTime }: ProcessId): Fd | undefined {
  const pidfd = pidfdOpen(pid);
  if (pidfd === undefined || statOf(pid)?.startTime === startTime) return pidfd;
  pidfd.close();
  return undefined;
}

/** Until its parent has taken note of it, /proc tells how a process ended; then only a pidfd that was opened before. */
function awaitEnd(pidfd: Fd, { pid, startTime }: ProcessId): End | undefined {
  step("end of the program");
  waitReadable(pidfd);
  const stat = statOf(pid);
  const isZombie = stat !== undefined && stat.startTime === startTime && stat.state === "Z";
  return isZombie ? endOfWaitStatus(stat.waitStatus) : endOfReaped(pidfd);
}

function keptStatus(entry: Entry): number | undefined {
  const record = entry.tryRead();
  return record === undefined || "newer" in record ? undefined : (record.exitStatus ?? undefined);
}

/** Keeps how the program ended, for those who ask later. A container that was deleted meanwhile needs nothing. */
export function keepExitStatus(store: Store, container: ContainerRecord, exitStatus: number): void {
  using entry = store.find(container.id);
  const lock = entry?.tryLock(true);
  if (entry === undefined || lock === undefined || lock === "held") return;
  using _lock = lock;
  const record = entry.read();
  if (isSameContainer(record, container)) entry.write({ ...record, exitStatus });
}
