/** The container's cgroup in every hierarchy of the host: made, entered, limited. Runs on the host side only. */
import { BoxError, within } from "../base/errors.ts";
import { components } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { enableControllers, giveTo, offerControllers, withdrawControllers } from "./delegation.ts";
import { attachDeviceRules, writeDeviceList } from "./device-filter.ts";
import {
  descendToCgroup,
  makeDirectories,
  type Preparation,
  readFile,
  readFileIfThere,
  writeFile,
} from "./directory.ts";
import type { NewCgroup } from "./driver.ts";
import { Entrance, type OpenDirectory } from "./entrance.ts";
import type { CgroupDirectory, CgroupOps, CgroupSettings, DeviceRuleOp, Setting } from "./ops.ts";
import { pidsBelow } from "./processes.ts";
import { removeEmpty, removeEmptyCgroup } from "./removal.ts";
import { writeSettings } from "./settings.ts";

interface Member extends OpenDirectory {
  /** Whether it was not there before. */
  readonly made: boolean;
  /** How many of those above it were not. */
  readonly parentsMade: number;
}

/** A made cgroup, opened in every hierarchy. */
export class Cgroup extends Entrance implements NewCgroup {
  readonly isMade = true;
  readonly #path: string;
  readonly #members: readonly Member[];

  private constructor(path: string, members: readonly Member[]) {
    super(members);
    this.#path = path;
    this.#members = members;
  }

  /**
   * Makes the directories. A cgroup that is there already must be empty and not frozen; it is not ours then, and what
   * was made before the refusal is removed again.
   */
  static make(ops: CgroupOps): Cgroup {
    const members: Member[] = [];
    try {
      for (const directory of ops.directories) {
        within(
          () => `cgroup ${quote(ops.path)} in ${directory.mount}`,
          () => {
            const made = makeDirectories(directory, ops.path, preparation(directory, ops));
            members.push({ directory, ...made });
            if (!made.made) {
              refuseUsed(made.fd);
              if (directory.version === 2) withdrawControllers(made.fd);
            }
            if (directory.version === 2 && ops.owner !== undefined) giveTo(made.fd, ops.owner);
          },
        );
      }
      return new Cgroup(ops.path, members);
    } catch (thrown) {
      closeAll(members.map(({ fd }) => fd));
      const directories = members.flatMap(({ directory, made }) => (made ? [directory] : []));
      // Where there is a unit it is not to be ended: nobody has asked for it yet, it may be another's.
      removeEmptyCgroup({ path: ops.path, ownParent: ops.ownParent, directories });
      removeParents(ops.path, members);
      throw thrown;
    }
  }

  /**
   * Opens one that is there.
   * @param isNew whether it was made for this container in a hierarchy
   */
  static open(ops: CgroupOps, isNew: (directory: CgroupDirectory) => boolean): Cgroup {
    const members: Member[] = [];
    try {
      for (const directory of ops.directories) {
        const fd = descendToCgroup(directory, ops.path, (parent) => enableIn(directory, parent, ops));
        if (fd === undefined)
          throw new BoxError(`cgroup ${quote(ops.path)} in ${directory.mount}: no such cgroup`, { errno: "ENOENT" });
        members.push({ directory, fd, made: isNew(directory), parentsMade: 0 });
        if (directory.version === 2 && ops.owner !== undefined) giveTo(fd, ops.owner);
      }
      return new Cgroup(ops.path, members);
    } catch (thrown) {
      closeAll(members.map(({ fd }) => fd));
      throw thrown;
    }
  }

  /** The hierarchies in which it was not there before. */
  get newIn(): readonly CgroupDirectory[] {
    return this.#members.flatMap(({ directory, made }) => (made ? [directory] : []));
  }

  make(): void {}

  removeParents(): void {
    removeParents(this.#path, this.#members);
  }

  get birthplace(): Fd | undefined {
    return this.v2;
  }

  get entersLater(): boolean {
    return this.hasV1;
  }

  get limitsFirst(): boolean {
    return this.hasV1;
  }

  /** Puts the limits in force. */
  limit({ settings, devices }: CgroupSettings): void {
    writeSettings(
      settings.filter((setting) => !setting.neutral || !this.#isNew(setting)),
      this.#directoryOf,
    );
    this.#limitDevices(devices);
  }

  #isNew({ mount }: Setting): boolean {
    return this.#members.some(({ directory, made }) => made && directory.mount === mount);
  }

  readonly #directoryOf = (mount: string): Fd => {
    const member = this.#members.find(({ directory }) => directory.mount === mount);
    if (member === undefined) throw new Error(`no hierarchy at ${mount}`);
    return member.fd;
  };

  #limitDevices(rules: readonly DeviceRuleOp[]): void {
    if (rules.length === 0) return;
    const v1 = this.#members.find(({ directory }) => directory.controllers.includes("devices"));
    if (v1 !== undefined) writeDeviceList(v1.fd, rules);
    else if (this.v2 !== undefined) attachDeviceRules(this.v2, rules);
    else throw noDevices();
  }
}

/** Removes what was made above a cgroup that is gone, as far as nobody else has come to use it. */
function removeParents(path: string, members: readonly Member[]): void {
  for (const { directory, parentsMade } of members) {
    const parts = components(path);
    for (let level = 0; level < parentsMade; level++) {
      parts.pop();
      removeEmpty(directory, parts);
    }
  }
}

/** What is done to each cgroup on the way, before its children are made. */
function preparation(directory: CgroupDirectory, ops: CgroupOps): Preparation {
  if (directory.controllers.includes("cpuset")) return inheritCpuset;
  return (_, parent, parentIsNew) => {
    if (ops.offered.length > 0 && directory.version === 2) offerControllers(parent, ops.offered, parentIsNew);
    enableIn(directory, parent, ops);
  };
}

function enableIn({ version }: CgroupDirectory, parent: Fd, { controllers }: CgroupOps): void {
  if (version === 2 && controllers.length > 0) enableControllers(parent, controllers);
}

/** A new cpuset has no processors and no memory of its own: nothing could enter it, cpuset(7). */
function inheritCpuset(made: Fd, parent: Fd): void {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFile(made, name).trim() === "") writeFile(made, name, readFile(parent, name).trim());
  }
}

/**
 * Refuses a cgroup in which somebody lives, for what is deleted with a container takes everything below along, and a frozen
 * one, in which a new process would not run.
 * @throws BoxError
 */
export function refuseUsed(fd: Fd): void {
  const pids = pidsBelow(fd);
  if (pids.length > 0) throw new BoxError(`container's cgroup is not empty: ${pids.length} process(es) found`);
  if (
    readFileIfThere(fd, "cgroup.freeze")?.trim() === "1" ||
    readFileIfThere(fd, "freezer.state")?.trim() === "FROZEN"
  ) {
    throw new BoxError("container's cgroup unexpectedly frozen");
  }
}

/** The error for device rules on a host where none of the mounted hierarchies takes them. */
export function noDevices(): BoxError {
  return new BoxError("linux.resources.devices: no hierarchy has a devices controller");
}
