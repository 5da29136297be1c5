/** `pause` and `resume`: the container's processes stand still, and go on. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { freeze, thaw } from "../cgroups/freezer.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { requirePausable, requirePaused, type Status, statusOf } from "./status.ts";
import type { Store } from "./store.ts";

/** Freezes a created or running container. */
export function pauseContainer(store: Store, id: string): void {
  change(store, id, "pause", requirePausable, freeze);
}

/** Lets a paused container go on. */
export function resumeContainer(store: Store, id: string): void {
  change(store, id, "resume", requirePaused, thaw);
}

function change(
  store: Store,
  id: string,
  what: string,
  require: (status: Status) => void,
  perform: (cgroup: CgroupRecord) => void,
): void {
  using entry = store.get(id);
  within(
    () => `${what} ${quote(id)}`,
    () => {
      using _lock = entry.lock();
      const record = entry.read();
      require(statusOf(record));
      if (record.cgroup === null) throw new BoxError("the container has no cgroup");
      perform(record.cgroup);
    },
  );
}
