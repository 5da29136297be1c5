/** A cgroup that systemd makes: a scope around the container's first process. Runs on the host side only. */
import { BoxError } from "../../base/errors.ts";
import { Cgroup } from "../cgroup.ts";
import type { NewCgroup } from "../driver.ts";
import type { CgroupOps, CgroupSettings, Setting, UnitOps, UnitProperty, UnitRecord } from "../ops.ts";
import { Manager } from "./manager.ts";
import { propertiesOf } from "./properties.ts";

/** A scope to be: systemd makes none without a process, so init is cloned beside us and moved. */
export class Scope implements NewCgroup {
  readonly birthplace = undefined;
  readonly entersLater = true;
  readonly isMade = false;
  readonly limitsFirst = false;
  readonly #ops: CgroupOps;
  readonly #unit: UnitOps;

  constructor(ops: CgroupOps, unit: UnitOps) {
    this.#ops = ops;
    this.#unit = unit;
  }

  enter(pid: number): void {
    using manager = Manager.connect(this.#unit.bus);
    manager.startScope(this.#unit, pid);
  }

  /** systemd has done what it knows of already; the kernel's files say it exactly, and all of it. */
  limit(settings: CgroupSettings): void {
    using cgroup = Cgroup.open(this.#ops);
    cgroup.limit(settings);
  }

  [Symbol.dispose](): void {}
}

/** Ends the scope, whose processes are gone, and waits until systemd has let go of it. */
export function endScope({ name, bus }: UnitRecord): void {
  let manager: Manager;
  try {
    manager = Manager.connect(bus);
  } catch (thrown) {
    // A scope ends by itself when it is empty: without a bus nobody can wait for that, and nothing is left.
    if (thrown instanceof BoxError) return;
    throw thrown;
  }
  using _ = manager;
  manager.stop(name);
}

/** Tells systemd of limits that change, so that it does not put back the old ones. @returns what undoes that */
export function changeScope({ name, bus }: UnitRecord, settings: readonly Setting[]): () => void {
  const properties = propertiesOf(settings);
  if (properties.length === 0) return () => {};
  const change = (to: (manager: Manager) => readonly UnitProperty[]): void => {
    using manager = Manager.connect(bus);
    manager.setProperties(name, to(manager));
  };
  let former: readonly UnitProperty[] = [];
  change((manager) => {
    former = manager.properties(name, properties);
    return properties;
  });
  return () => change(() => former);
}
