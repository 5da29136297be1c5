/** A cgroup as the way in for a process: opened in every hierarchy of the host. Runs on the host side only. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { openCgroup, writeFile } from "./directory.ts";
import type { CgroupDirectory, CgroupPlace } from "./ops.ts";

/** A cgroup in one hierarchy, opened. */
export interface OpenDirectory {
  readonly directory: CgroupDirectory;
  readonly fd: Fd;
}

/** Owns the descriptors of its directories. */
export class Entrance implements Disposable {
  readonly #directories: readonly OpenDirectory[];

  constructor(directories: readonly OpenDirectory[]) {
    this.#directories = directories;
  }

  /** The cgroup2 directory into which clone3 can put a child; undefined on a host without one. */
  get v2(): Fd | undefined {
    return this.#directories.find(({ directory }) => directory.version === 2)?.fd;
  }

  /** Whether a process must be moved by `enter` besides being cloned into `v2`. */
  get hasV1(): boolean {
    return this.#directories.some(({ directory }) => directory.version === 1);
  }

  /** Moves a process into the v1 hierarchies. */
  enter(pid: number): void {
    for (const { directory, fd } of this.#directories) {
      if (directory.version === 1)
        within(
          () => `enter ${directory.mount}`,
          () => writeFile(fd, "cgroup.procs", `${pid}`),
        );
    }
  }

  [Symbol.dispose](): void {
    closeAll(this.#directories.map(({ fd }) => fd));
  }
}

/**
 * Opens cgroups that are there, for one more process.
 * @param instead the places to be taken for those that somebody has removed behind the container
 * @throws BoxError when a place that the caller named is not there
 */
export function openPlaces(places: readonly CgroupPlace[], instead: () => readonly CgroupPlace[]): Entrance {
  const opened: OpenDirectory[] = [];
  try {
    places.forEach(({ directory, path, named }, index) => {
      const fd = openCgroup(directory, path) ?? (named ? undefined : openPlace(instead()[index]));
      if (fd === undefined)
        throw new BoxError(`cgroup ${quote(path)} in ${directory.mount}: no such cgroup`, { errno: "ENOENT", path });
      opened.push({ directory, fd });
    });
    return new Entrance(opened);
  } catch (thrown) {
    closeAll(opened.map(({ fd }) => fd));
    throw thrown;
  }
}

function openPlace(place: CgroupPlace | undefined): Fd | undefined {
  return place === undefined ? undefined : openCgroup(place.directory, place.path);
}
