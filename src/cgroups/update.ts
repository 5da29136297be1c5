/** Changes the limits of a cgroup that is in use. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { noDevices } from "./cgroup.ts";
import { enableControllers } from "./delegation.ts";
import { changeDeviceProgram, writeDeviceList } from "./device-filter.ts";
import { rulesBetween } from "./device-list.ts";
import { descendToCgroup, openCgroup } from "./directory.ts";
import { changeScope } from "./driver.ts";
import { whileFrozen } from "./freezer.ts";
import type { CgroupDirectory, CgroupUpdate, DeviceRuleOp, Setting, UnitRecord } from "./ops.ts";
import { type CgroupRecord, unifiedOf } from "./record.ts";
import { formerSettings, writeSettings } from "./settings.ts";

/** One change. What takes it back works while this is not disposed of. */
export class CgroupChange implements Disposable {
  readonly #record: CgroupRecord;
  readonly #directories = new Map<string, Fd>();
  readonly #held: Fd[] = [];
  readonly #undoBy: (undo: () => void) => void;

  /** @param undoBy told before each step how it is taken back; controllers that were enabled stay */
  constructor(record: CgroupRecord, undoBy: (undo: () => void) => void) {
    this.#record = record;
    this.#undoBy = undoBy;
  }

  /** @throws BoxError when the kernel refuses something; the steps before it are to be undone then */
  perform({ settings, controllers, devices, formerDevices }: CgroupUpdate): void {
    if (controllers.length > 0) this.#enable(controllers);
    const directoryOf = (mount: string): Fd => this.#open(({ mount: one }) => one === mount);
    const former = formerSettings(settings, directoryOf);
    this.#undoBy(() => writeSettings(former, directoryOf));
    writeSettings(settings, directoryOf);
    const { unit } = this.#record;
    if (unit !== undefined) {
      this.#tellSystemd(unit, settings, devices);
      // systemd counts some of it in other units than the kernel's.
      writeSettings(settings, directoryOf);
    }
    if (devices.length > 0) this.#changeDevices(formerDevices, devices);
  }

  /** To change v1's list of devices systemd first forbids all of them: the container must not see that moment. */
  #tellSystemd(unit: UnitRecord, settings: readonly Setting[], rules: readonly DeviceRuleOp[]): void {
    const devices = this.#record.directories.some(isListOfDevices) ? rules : [];
    const unseen = <T>(action: () => T): T => (devices.length > 0 ? whileFrozen(this.#record, action) : action());
    const undo = unseen(() => changeScope(unit, settings, devices));
    this.#undoBy(() => unseen(undo));
  }

  #enable(controllers: readonly string[]): void {
    const v2 = unifiedOf(this.#record);
    if (v2 === undefined) throw new Error("controllers of cgroup2 without cgroup2");
    descendToCgroup(v2, this.#record.path, (parent) => enableControllers(parent, controllers))?.close();
  }

  #changeDevices(from: CgroupUpdate["devices"], to: CgroupUpdate["devices"]): void {
    if (this.#record.directories.some(isListOfDevices)) {
      const list = this.#open(isListOfDevices);
      this.#undoBy(() => writeDeviceList(list, rulesBetween(to, from)));
      writeDeviceList(list, rulesBetween(from, to));
      return;
    }
    if (unifiedOf(this.#record) === undefined) throw noDevices();
    const cgroup = this.#open(({ version }) => version === 2);
    this.#undoBy(changeDeviceProgram(cgroup, to, (program) => this.#held.push(program)));
  }

  #open(matches: (directory: CgroupDirectory) => boolean): Fd {
    const directory = this.#record.directories.find(matches);
    if (directory === undefined) throw new BoxError("the container was made without this hierarchy");
    const opened = this.#directories.get(directory.mount) ?? openCgroup(directory, this.#record.path);
    if (opened === undefined) {
      throw new BoxError(`cgroup ${quote(this.#record.path)} is gone from ${directory.mount}`, { errno: "ENOENT" });
    }
    this.#directories.set(directory.mount, opened);
    return opened;
  }

  [Symbol.dispose](): void {
    closeAll([...this.#held, ...this.#directories.values()]);
  }
}

/** Whether it is the hierarchy of v1 where a cgroup has a list of devices. */
function isListOfDevices({ controllers }: CgroupDirectory): boolean {
  return controllers.includes("devices");
}
