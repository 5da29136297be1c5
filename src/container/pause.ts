/** `pause` and `resume`: the container's processes stand still, and go on. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { freeze, thaw } from "../cgroups/freezer.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { isKilled } from "./processes.ts";
import type { ContainerRecord } from "./record.ts";
import { requirePausable, requirePaused } from "./status.ts";
import type { Store } from "./store.ts";

/** Freezes a created or running container. */
export function pauseContainer(store: Store, id: string): void {
  change(store, id, "pause", requirePausable, (cgroup, { init }) => {
    freeze(cgroup);
    if (init === null || !isKilled(init)) return;
    // The freezer of v1 holds back even KILL: a container that somebody has killed meanwhile would not end.
    thaw(cgroup);
    throw new BoxError("container not running: it is being killed");
  });
}

/** Lets a paused container go on. */
export function resumeContainer(store: Store, id: string): void {
  change(store, id, "resume", requirePaused, thaw);
}

function change(
  store: Store,
  id: string,
  what: string,
  require: (record: ContainerRecord) => void,
  perform: (cgroup: CgroupRecord, record: ContainerRecord) => void,
): void {
  using entry = store.get(id);
  within(
    () => `${what} ${quote(id)}`,
    () => {
      using _lock = entry.lock();
      const record = entry.read();
      require(record);
      if (record.cgroup === null) throw new BoxError("the container has no cgroup");
      perform(record.cgroup, record);
    },
  );
}
