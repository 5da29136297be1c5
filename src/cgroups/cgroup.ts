/**
 * The container's cgroup in every hierarchy of the host: made, entered, limited, frozen, emptied, removed.
 *
 * Runs on the host side only. What it made is known from state.json's record alone, so that a killed create can be
 * cleaned up by another process.
 */
import { BoxError, within } from "../base/errors.ts";
import { components } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { attachDeviceProgram, loadDeviceProgram } from "../linux/bpf.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import {
  EBUSY,
  ENODEV,
  ENOENT,
  ENOTEMPTY,
  EOPNOTSUPP,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  POLLIN,
  POLLPRI,
  SIGKILL,
} from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { entries, open, read, rmdir } from "../linux/file.ts";
import { kill, pidfdOpen } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import { poll } from "../linux/socket.ts";
import { makeCgroup, openCgroup, processesOf, readFile, readFileIfThere, writeFile } from "./directory.ts";
import { deviceProgram } from "./ebpf.ts";
import type { CgroupDirectory, CgroupOps, DeviceRuleOp } from "./ops.ts";

/** What state.json keeps of a cgroup: enough to find and remove it. */
export interface CgroupRecord {
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
  readonly ownParent: boolean;
}

export function recordOf({ path, directories, ownParent }: CgroupOps): CgroupRecord {
  return { path, directories, ownParent };
}

/** A made cgroup, opened in every hierarchy. */
export class Cgroup implements Disposable {
  readonly #members: readonly { readonly directory: CgroupDirectory; readonly fd: Fd }[];

  private constructor(members: readonly { readonly directory: CgroupDirectory; readonly fd: Fd }[]) {
    this.#members = members;
  }

  /**
   * Makes the directories. A cgroup that is there already must be empty and not frozen; it is not ours then, and what
   * was made before the refusal is removed again.
   */
  static make(ops: CgroupOps): Cgroup {
    const members: { directory: CgroupDirectory; fd: Fd; made: number }[] = [];
    try {
      for (const directory of ops.directories) {
        within(
          () => `cgroup ${quote(ops.path)} in ${directory.mount}`,
          () => {
            const prepare = directory.controllers.includes("cpuset") ? inheritCpuset : (): void => {};
            const { fd, made } = makeCgroup(directory, ops.path, prepare);
            members.push({ directory, fd, made });
            if (made === 0) refuseUsed(fd);
          },
        );
      }
      return new Cgroup(members);
    } catch (thrown) {
      closeAll(members.map(({ fd }) => fd));
      const directories = members.flatMap(({ directory, made }) => (made > 0 ? [directory] : []));
      removeEmptyCgroup({ ...recordOf(ops), directories });
      throw thrown;
    }
  }

  /** The cgroup2 directory into which clone3 can put a child; undefined on a host without one. */
  get v2(): Fd | undefined {
    return this.#members.find(({ directory }) => directory.version === 2)?.fd;
  }

  /** Whether a process must be moved by `enter` besides being cloned into `v2`. */
  get hasV1(): boolean {
    return this.#members.some(({ directory }) => directory.version === 1);
  }

  /** Moves a process into the v1 hierarchies. */
  enter(pid: number): void {
    for (const { directory, fd } of this.#members) {
      if (directory.version === 1)
        within(
          () => `enter ${directory.mount}`,
          () => writeFile(fd, "cgroup.procs", `${pid}`),
        );
    }
  }

  /** Puts the device rules in force: v1's list, or else a program on v2. */
  limitDevices(rules: readonly DeviceRuleOp[]): void {
    if (rules.length === 0) return;
    const v1 = this.#members.find(({ directory }) => directory.controllers.includes("devices"));
    within("linux.resources.devices", () => {
      if (v1 !== undefined) {
        for (const rule of rules) writeFile(v1.fd, rule.allow ? "devices.allow" : "devices.deny", deviceLine(rule));
        return;
      }
      const v2 = this.v2;
      if (v2 === undefined) throw new BoxError("no hierarchy with a devices controller");
      using program = loadDeviceProgram(deviceProgram(rules));
      attachDeviceProgram(v2, program);
    });
  }

  [Symbol.dispose](): void {
    closeAll(this.#members.map(({ fd }) => fd));
  }
}

/** A new cpuset has no processors and no memory of its own: nothing could enter it, cpuset(7). */
function inheritCpuset(made: Fd, parent: Fd): void {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFile(made, name).trim() === "") writeFile(made, name, readFile(parent, name).trim());
  }
}

function refuseUsed(fd: Fd): void {
  const pids = processesOf(fd);
  if (pids.length > 0) throw new BoxError(`container's cgroup is not empty: ${pids.length} process(es) found`);
  if (
    readFileIfThere(fd, "cgroup.freeze")?.trim() === "1" ||
    readFileIfThere(fd, "freezer.state")?.trim() === "FROZEN"
  ) {
    throw new BoxError("container's cgroup unexpectedly frozen");
  }
}

/** A rule as v1's files take it: `c 1:3 rwm`, `a *:* rwm`. */
export function deviceLine({ type, major, minor, access }: DeviceRuleOp): string {
  return type === "all" ? "a" : `${type[0]} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

/** The cgroup2 directory of a record if there is one, else that of a v1 hierarchy: where its processes are listed. */
function mainDirectory(record: CgroupRecord): CgroupDirectory | undefined {
  return (
    record.directories.find(({ version }) => version === 2) ??
    record.directories.find(({ controllers }) => controllers.includes("freezer")) ??
    record.directories[0]
  );
}

/** Every process in the container's cgroup and below it. */
export function cgroupPids(record: CgroupRecord): number[] {
  const directory = mainDirectory(record);
  if (directory === undefined) return [];
  const fd = openCgroup(directory, record.path);
  if (fd === undefined) return [];
  const pids: number[] = [];
  visit(fd, (cgroup) => pids.push(...processesOf(cgroup)));
  return pids;
}

/** Visits a cgroup and all below it, children first; closes what it opens. One that vanishes meanwhile is no error. */
function visit(root: Fd, action: (cgroup: Fd) => void): void {
  using fd = root;
  for (const name of childrenOf(fd)) {
    const child = openChild(fd, name);
    if (child !== undefined) visit(child, action);
  }
  try {
    action(fd);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT, ENODEV, EOPNOTSUPP)) throw thrown;
  }
}

function openChild(fd: Fd, name: string): Fd | undefined {
  try {
    return open(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return undefined;
    throw thrown;
  }
}

/** Sends a signal to every process of the container once. */
export function signalAll(record: CgroupRecord, signal: number): void {
  if (signal === SIGKILL && killAtOnce(record)) return;
  for (const pid of cgroupPids(record)) kill(pid, signal);
}

/** cgroup.kill, Linux 5.14: nothing can fork away from it. */
function killAtOnce(record: CgroupRecord): boolean {
  const v2 = record.directories.find(({ version }) => version === 2);
  if (v2 === undefined) return false;
  using fd = openCgroup(v2, record.path);
  if (fd === undefined) return false;
  try {
    writeFile(fd, "cgroup.kill", "1");
    return true;
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return false;
    throw thrown;
  }
}

/** How long the processes of a killed container may take to vanish, in milliseconds. */
const emptyTimeout = 10_000;

/** Kills everything in the cgroup and waits until the kernel says that it is empty. */
export function killAndWait(record: CgroupRecord): void {
  thaw(record);
  const deadline = monotonicMilliseconds() + emptyTimeout;
  while (cgroupPids(record).length > 0) {
    signalAll(record, SIGKILL);
    waitForChange(record, deadline);
    if (monotonicMilliseconds() > deadline) {
      throw new BoxError(
        `cgroup ${quote(record.path)}: processes ${cgroupPids(record).join(", ")} are still there after SIGKILL`,
      );
    }
  }
}

/** Waits for cgroup2's notice that the populated state has changed; v1 has none, so its processes' own ends are awaited. */
function waitForChange(record: CgroupRecord, deadline: number): void {
  const left = Math.max(0, deadline - monotonicMilliseconds());
  const v2 = record.directories.find(({ version }) => version === 2);
  using cgroup = v2 === undefined ? undefined : openCgroup(v2, record.path);
  if (cgroup === undefined) {
    waitForProcesses(cgroupPids(record), left);
    return;
  }
  using events = open(cgroup, "cgroup.events", O_RDONLY | O_NOFOLLOW);
  // Reading this descriptor arms its notice: a change after it is not missed.
  if (decodeUtf8(read(events, 4096)).includes("populated 0")) return;
  poll([{ fd: events, events: POLLPRI }], left);
}

function waitForProcesses(pids: readonly number[], milliseconds: number): void {
  const handles = pids.slice(0, 1).flatMap((pid) => pidfdOpen(pid) ?? []);
  if (handles.length > 0)
    poll(
      handles.map((fd) => ({ fd, events: POLLIN })),
      milliseconds,
    );
  closeAll(handles);
}

/** Whether the container is paused. */
export function isFrozen(record: CgroupRecord): boolean {
  const freezer = freezerOf(record);
  if (freezer === undefined) return false;
  using fd = openCgroup(freezer.directory, record.path);
  return fd !== undefined && readFileIfThere(fd, freezer.file)?.trim() === freezer.frozen;
}

/** Lets a paused container go on: a frozen process of v1 does not even die. */
function thaw(record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (freezer === undefined || !isFrozen(record)) return;
  using fd = openCgroup(freezer.directory, record.path);
  if (fd !== undefined) writeFile(fd, freezer.file, freezer.thawed);
}

interface Freezer {
  readonly directory: CgroupDirectory;
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
}

/** Where the host freezes: v1's freezer controller where it is mounted, else cgroup2 (Linux 5.2). */
function freezerOf({ directories }: CgroupRecord): Freezer | undefined {
  const v1 = directories.find(({ controllers }) => controllers.includes("freezer"));
  if (v1 !== undefined) return { directory: v1, file: "freezer.state", frozen: "FROZEN", thawed: "THAWED" };
  const v2 = directories.find(({ version }) => version === 2);
  return v2 === undefined ? undefined : { directory: v2, file: "cgroup.freeze", frozen: "1", thawed: "0" };
}

/**
 * Kills what still runs in the container's cgroup and removes it with everything below from every hierarchy, and box's
 * own parent with its last container. What is not there is no error.
 * @throws BoxError naming what could not be removed
 */
export function removeCgroup(record: CgroupRecord): void {
  for (const directory of record.directories) {
    within(
      () => `remove cgroup ${quote(record.path)} from ${directory.mount}`,
      () => {
        removeBelow(record, directory, components(record.path));
        if (record.ownParent) removeEmptyParent(directory, components(record.path).slice(0, -1));
      },
    );
  }
}

/** Removes one hierarchy's part. What still runs in it is killed: an empty cgroup, the usual one, goes at the first try. */
function removeBelow(record: CgroupRecord, directory: CgroupDirectory, parts: readonly string[]): void {
  using parent = openCgroup(directory, parts.slice(0, -1).join("/"));
  const name = parts.at(-1);
  if (parent === undefined || name === undefined || tryRemove(parent, name)) return;
  killAndWait(record);
  removeTree(parent, name, monotonicMilliseconds() + emptyTimeout);
}

/** Whether a cgroup is gone now; false while it is busy. */
function tryRemove(parent: Fd, name: string): boolean {
  try {
    rmdir(parent, name);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return true;
    if (isErrno(thrown, EBUSY)) return false;
    throw thrown;
  }
}

/** How long a process that was killed with its parent may take to vanish, in milliseconds. */
const vanishTimeout = 2000;

/** Removes what is or becomes empty and kills nothing: for a cgroup of which it is not sure that all in it is ours. */
export function removeEmptyCgroup(record: CgroupRecord): void {
  const deadline = monotonicMilliseconds() + vanishTimeout;
  for (const directory of record.directories) {
    const parts = components(record.path);
    using parent = openCgroup(directory, parts.slice(0, -1).join("/"));
    const name = parts.at(-1);
    if (parent === undefined || name === undefined) continue;
    while (!tryRemove(parent, name) && monotonicMilliseconds() < deadline) waitForChange(record, deadline);
    if (record.ownParent) removeEmptyParent(directory, parts.slice(0, -1));
  }
}

function removeTree(parent: Fd, name: string, deadline: number): void {
  while (!tryRemove(parent, name)) {
    if (monotonicMilliseconds() > deadline) throw new BoxError(`${quote(name)} stays busy`, { errno: "EBUSY" });
    using cgroup = openChild(parent, name);
    if (cgroup === undefined) return;
    const children = childrenOf(cgroup);
    for (const child of children) removeTree(cgroup, child, deadline);
    if (children.length > 0) continue;
    // Its last process may be on its way out: v1 says nothing of that, so its end is awaited, or a moment passes.
    const pids = processesOf(cgroup);
    if (pids.length > 0) waitForProcesses(pids, 1000);
    else poll([], 1);
  }
}

/** Names of the cgroups in a cgroup; cgroupfs tells the type of each entry. */
function childrenOf(cgroup: Fd): string[] {
  return entries(cgroup).flatMap(({ name, isDirectory }) => (isDirectory ? [name] : []));
}

function removeEmptyParent(directory: CgroupDirectory, parts: readonly string[]): void {
  const name = parts.at(-1);
  if (name === undefined) return;
  using grandparent = openCgroup(directory, parts.slice(0, -1).join("/"));
  if (grandparent === undefined) return;
  try {
    rmdir(grandparent, name);
  } catch (thrown) {
    // Other containers live in it.
    if (!isErrno(thrown, EBUSY, ENOTEMPTY, ENOENT)) throw thrown;
  }
}
