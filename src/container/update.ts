/** `update`: changes the limits of a container. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { CgroupChange } from "../cgroups/update.ts";
import type { UpdatePlan } from "../plan/update.ts";
import { changeSchemata } from "../resctrl/apply.ts";
import { Rollback } from "./rollback.ts";
import { requireProcess, statusOf } from "./status.ts";
import type { Store } from "./store.ts";

/**
 * What is to be done to a container.
 * @param config its configuration as it was kept
 * @param resources what the last update has left, as JSON
 */
export type PlanUpdate = (config: string, resources: string | undefined) => UpdatePlan;

/** All that is asked for is in force afterwards and kept for the next update, or nothing is changed. */
export function updateContainer(store: Store, id: string, plan: PlanUpdate): void {
  using entry = store.get(id);
  within(
    () => `update ${quote(id)}`,
    () => {
      using _lock = entry.lock();
      const record = entry.read();
      requireProcess(statusOf(record));
      const config = entry.readConfig();
      if (config === undefined) throw new BoxError("its configuration was not kept");
      const { cgroup, resources, schemata } = plan(config, entry.readResources());
      if (record.cgroup === null) throw new BoxError("the container has no cgroup");
      if (schemata.length > 0 && record.resctrl === null)
        throw new BoxError("linux.intelRdt: the configuration has none, the container is in no group of its own");
      const rollback = new Rollback();
      using change = new CgroupChange(record.cgroup, (undo) => rollback.add(undo));
      try {
        change.perform(cgroup);
        if (schemata.length > 0 && record.resctrl !== null) rollback.add(changeSchemata(record.resctrl, schemata));
        entry.writeResources(resources);
      } catch (thrown) {
        throw rollback.failed(thrown);
      }
    },
  );
}
