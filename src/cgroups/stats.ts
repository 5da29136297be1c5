/**
 * What the kernel has counted for a container's cgroup, in the form in which engines decode it from `events`: runc's
 * (its members' names are part of the command line). What the host does not count is 0 or empty.
 */
import { ENODEV, ENOENT, EOPNOTSUPP } from "../linux/constants.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { list } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { openCgroup, readFile } from "./directory.ts";
import type { CgroupDirectory } from "./ops.ts";
import { type CgroupRecord, directoryWith } from "./record.ts";
import type { CgroupFiles, Stats } from "./stats-files.ts";
import * as v1 from "./stats-v1.ts";
import * as v2 from "./stats-v2.ts";

/** @returns undefined when the cgroup is gone */
export function statsOf(record: CgroupRecord): Stats | undefined {
  using files = new OpenedFiles(record);
  if (!files.exist()) return undefined;
  return {
    cpu: (files.isV1("cpuacct") ? v1 : v2).cpu(files),
    cpuset: (files.isV1("cpuset") ? v1 : v2).cpuset(files),
    memory: (files.isV1("memory") ? v1 : v2).memory(files),
    pids: v2.pids(files),
    blkio: (files.isV1("blkio") ? v1 : v2).blkio(files),
    hugetlb: (files.isV1("hugetlb") ? v1 : v2).hugetlb(files),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** The container's directories, each opened when a file of its controllers is asked for. */
class OpenedFiles implements CgroupFiles, Disposable {
  readonly #record: CgroupRecord;
  readonly #opened = new Map<CgroupDirectory, Fd | undefined>();

  constructor(record: CgroupRecord) {
    this.#record = record;
  }

  isV1(controller: string): boolean {
    return this.#record.directories.some(({ controllers }) => controllers.includes(controller));
  }

  exist(): boolean {
    return this.#record.directories.some((directory) => this.#open(directory) !== undefined);
  }

  readonly read = (name: string): string | undefined => this.#attempt(name, (directory) => readFile(directory, name));

  readonly names = (controller: string): readonly string[] => this.#attempt(controller, list) ?? [];

  /** @param name of a file or a controller: what stands before the first full stop chooses the hierarchy */
  #attempt<T>(name: string, action: (directory: Fd) => T): T | undefined {
    const controller = name.split(".")[0] as string;
    const place = directoryWith(this.#record, controller);
    const directory = place === undefined ? undefined : this.#open(place);
    if (directory === undefined) return undefined;
    try {
      return action(directory);
    } catch (thrown) {
      // A file that this kernel or this hierarchy has not, or that went away with the cgroup.
      if (isErrno(thrown, ENOENT, ENODEV, EOPNOTSUPP)) return undefined;
      throw thrown;
    }
  }

  #open(directory: CgroupDirectory): Fd | undefined {
    if (!this.#opened.has(directory)) this.#opened.set(directory, openCgroup(directory, this.#record.path));
    return this.#opened.get(directory);
  }

  [Symbol.dispose](): void {
    closeAll([...this.#opened.values()].filter((fd) => fd !== undefined));
  }
}
