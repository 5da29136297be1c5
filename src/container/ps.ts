/** `ps`: the processes of a container, as pids of the host, or as the rows that the host's ps prints of them. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { cgroupPids } from "../cgroups/processes.ts";
import { outputOf } from "./host-program.ts";
import { rowsOf } from "./ps-table.ts";
import type { Store } from "./store.ts";

/** Every process of the container, those in cgroups below its own too. */
export function pidsOf(store: Store, id: string): number[] {
  using entry = store.get(id);
  return within(
    () => `ps ${quote(id)}`,
    () => {
      const { cgroup, init } = entry.read();
      // The cgroup of that name may be another container's yet.
      if (init === null) throw new BoxError("container not running");
      if (cgroup === null) throw new BoxError("the container has no cgroup that tells its processes");
      return cgroupPids(cgroup);
    },
  );
}

/** @param args of ps: what it prints must have a column PID */
export function psTable(pids: readonly number[], args: readonly string[]): Uint8Array {
  return rowsOf(outputOf("ps", args), new Set(pids));
}
