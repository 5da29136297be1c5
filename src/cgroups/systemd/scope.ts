/** A cgroup that systemd makes: a scope around the container's first process. Runs on the host side only. */
import { BoxError, within } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import { Cgroup, refuseUsed } from "../cgroup.ts";
import { openCgroup } from "../directory.ts";
import type { NewCgroup } from "../driver.ts";
import type {
  CgroupDirectory,
  CgroupOps,
  CgroupSettings,
  DeviceRuleOp,
  Setting,
  UnitOps,
  UnitProperty,
  UnitRecord,
} from "../ops.ts";
import { removeCgroup } from "../removal.ts";
import { devicePropertiesOf } from "./devices.ts";
import { Manager } from "./manager.ts";
import { propertiesOf } from "./properties.ts";

/**
 * A scope to be: systemd makes none without a process, so init is cloned beside us and moved.
 *
 * systemd manages all of cgroup2, but not every hierarchy of v1 (no cpuset, no freezer). In those the cgroup is made and
 * entered by box, at the path of the scope.
 */
export class Scope implements NewCgroup {
  readonly birthplace = undefined;
  readonly entersLater = true;
  readonly isMade = false;
  readonly #ops: CgroupOps;
  readonly #unit: UnitOps;
  #newIn: readonly CgroupDirectory[] = [];
  #cgroup: Cgroup | undefined;

  constructor(ops: CgroupOps, unit: UnitOps) {
    this.#ops = ops;
    this.#unit = unit;
  }

  get limitsFirst(): boolean {
    return this.#ops.directories.some(isLimitedByV1);
  }

  /** systemd's own. */
  removeParents(): void {}

  make(pid: number): void {
    for (const directory of this.#ops.directories.filter((one) => !isLimitedByV1(one))) {
      using there = openCgroup(directory, this.#ops.path);
      if (there !== undefined)
        within(
          () => `cgroup ${quote(this.#ops.path)}`,
          () => refuseUsed(there),
        );
    }
    using beside = Cgroup.make({ ...this.#ops, directories: this.#ops.directories.filter(isLimitedByV1) });
    this.#newIn = beside.newIn;
    try {
      using manager = Manager.connect(this.#unit.bus);
      manager.startScope(this.#unit, pid);
    } catch (thrown) {
      // One hierarchy at a time: in each of them is what systemd had put there before it failed.
      for (const directory of this.#newIn)
        removeCgroup({ path: this.#ops.path, directories: [directory], ownParent: false });
      throw thrown;
    }
  }

  /** Into what systemd has not moved it. */
  enter(pid: number): void {
    if (this.limitsFirst) this.#opened().enter(pid);
  }

  /** systemd has done what it knows of already; the kernel's files say it exactly, and all of it. */
  limit(settings: CgroupSettings): void {
    this.#opened().limit(settings);
  }

  #opened(): Cgroup {
    const isNew = (one: CgroupDirectory): boolean => !isLimitedByV1(one) || this.#newIn.includes(one);
    this.#cgroup ??= Cgroup.open(this.#ops, isNew);
    return this.#cgroup;
  }

  [Symbol.dispose](): void {
    this.#cgroup?.[Symbol.dispose]();
  }
}

/** `name=systemd` is where systemd itself finds the processes of a unit. */
function isLimitedByV1({ version, controllers }: CgroupDirectory): boolean {
  return version === 1 && !controllers.includes("name=systemd");
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

/**
 * Tells systemd of what changes, so that it does not put back the old limits.
 * @param devices the new device rules where it applies them: on cgroup v1
 * @returns what undoes that
 */
export function changeScope(
  { name, bus }: UnitRecord,
  settings: readonly Setting[],
  devices: readonly DeviceRuleOp[],
): () => void {
  const properties = [...propertiesOf(settings), ...devicePropertiesOf(devices)];
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
