/**
 * A container that is there and is to be entered, by `exec` or `mounts`.
 *
 * Its first process is held by a pidfd from before it is compared with the record, and its namespaces are joined through
 * that: a pid that is used again never counts.
 */
import { BoxError } from "../base/errors.ts";
import type { Fd } from "../linux/fd.ts";
import { openProcess } from "./processes.ts";
import type { ContainerRecord, ProcessId } from "./record.ts";
import { type Status, statusOf } from "./status.ts";
import type { Store } from "./store.ts";

/** The container that is to be entered. Whoever opened it closes it. */
export interface Target extends Disposable {
  readonly record: ContainerRecord;
  /** Its first process, which `pidfd` stands for. */
  readonly init: ProcessId;
  readonly pidfd: Fd;
  /** The configuration that it was made from. */
  readonly config: string;
}

/**
 * Opens the container as it is now.
 * @param requireStatus throws for a status that does not allow it
 * @throws BoxError also where there is no such container, no process in it, or no configuration beside its record
 */
export function openTarget(store: Store, id: string, requireStatus: (status: Status) => void): Target {
  using entry = store.get(id);
  const record = entry.read();
  const { init } = record;
  const pidfd = init === null ? undefined : openProcess(init);
  try {
    requireStatus(statusOf(record, pidfd !== undefined));
    const config = entry.readConfig();
    if (init === null || pidfd === undefined) throw new BoxError("container not running");
    if (config === undefined) throw new BoxError("config.json was not kept");
    return { record, init, pidfd, config, [Symbol.dispose]: () => pidfd.close() };
  } catch (thrown) {
    pidfd?.close();
    throw thrown;
  }
}
