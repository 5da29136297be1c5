/** The two ways to a container's cgroup, cgroupfs and systemd, behind one interface. What few need is loaded then. */
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { Cgroup } from "./cgroup.ts";
import type { CgroupOps, CgroupSettings, DeviceRuleOp, Setting, UnitRecord } from "./ops.ts";

/** The cgroup of a container that is being created. */
export interface NewCgroup extends Disposable {
  /** The cgroup2 directory into which clone3 can put init. */
  readonly birthplace: Fd | undefined;
  /** Whether init is moved by `enter`, and must not look at its cgroup before. */
  readonly entersLater: boolean;
  /** Whether it is there already; else `make` makes it. */
  readonly isMade: boolean;
  /**
   * Whether limits come before init: v1's list of devices is written line by line, and begins by forbidding everything.
   * v2's come into force in one step each, while init is already mounting; it could not be cloned beyond a limit of pids.
   */
  readonly limitsFirst: boolean;
  /** Makes it around a process. */
  make(pid: number): void;
  enter(pid: number): void;
  /** Puts limits in force. */
  limit(settings: CgroupSettings): void;
  /** Takes back what was made above it, where it is gone again. */
  removeParents(): void;
}

/**
 * box makes the cgroup here; systemd makes it later, around a process (`make`). The caller closes what is returned.
 * @throws BoxError where there is one already that is in use
 */
export function makeCgroup(ops: CgroupOps): NewCgroup {
  const { unit } = ops;
  return unit === undefined ? Cgroup.make(ops) : new (systemd().Scope)(ops, unit);
}

/** Ends the scope of a container whose processes are gone. */
export function endScope(unit: UnitRecord): void {
  systemd().endScope(unit);
}

/** Tells systemd of limits and device rules that change. @returns what tells it of the former ones */
export function changeScope(
  unit: UnitRecord,
  settings: readonly Setting[],
  devices: readonly DeviceRuleOp[],
): () => void {
  return systemd().changeScope(unit, settings, devices);
}

function systemd(): typeof import("./systemd/scope.ts") {
  return load("cgroups/systemd/scope") as typeof import("./systemd/scope.ts");
}
