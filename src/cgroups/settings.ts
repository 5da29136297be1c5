/** Writes settings to the kernel's files, and takes them back. */
import { addContext, BoxError, within } from "../base/errors.ts";
import { EACCES, EINVAL, ENOENT, EPERM, O_NOFOLLOW, O_WRONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { open, writeOnce } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { readFile } from "./directory.ts";
import type { Setting } from "./ops.ts";

/** The opened cgroup in the hierarchy of this mount. */
export type DirectoryOf = (mount: string) => Fd;

/** Writes all settings. @throws BoxError that names the property of the one that the kernel refused */
export function writeSettings(settings: readonly Setting[], directoryOf: DirectoryOf): void {
  inSomeOrder(settings, (setting) => {
    using file = openFirst(setting, directoryOf(setting.mount));
    file?.write();
  });
}

/** As writeSettings, in a cgroup that is in use: all of them or none. @returns how to take them back */
export function changeSettings(settings: readonly Setting[], directoryOf: DirectoryOf): () => void {
  const former = settings.flatMap((setting) => {
    const cgroup = directoryOf(setting.mount);
    using file = openFirst(setting, cgroup);
    return file === undefined
      ? []
      : formerTexts(file.name, setting.key, readIfPossible(cgroup, file.name)).map(
          (text): Setting => ({ ...setting, files: [{ name: file.name, text }], atLeast: undefined }),
        );
  });
  const undo = (): void => writeSettings(former, directoryOf);
  try {
    writeSettings(settings, directoryOf);
  } catch (thrown) {
    undo();
    throw thrown;
  }
  return undo;
}

/** What brings a file back to what it says now, one write each. Pure. */
export function formerTexts(name: string, key: string | undefined, content: string | undefined): readonly string[] {
  if (content === undefined) return [];
  const lines = content.split("\n").filter((line) => line !== "");
  if (key !== undefined) {
    const line = lines.find((one) => one.startsWith(`${key} `)) ?? absent(name, key);
    return line === undefined ? [] : [line];
  }
  // The only file that is written otherwise than it reads.
  if (name === "memory.oom_control") return lines.slice(0, 1).map((line) => line.replace("oom_kill_disable ", ""));
  return lines.length === 0 ? ["\n"] : lines;
}

/** How a device or interface is taken out of a file that does not list it. */
function absent(name: string, key: string): string | undefined {
  if (name === "io.max") return `${key} rbps=max wbps=max riops=max wiops=max`;
  if (name === "rdma.max") return `${key} hca_handle=max hca_object=max`;
  if (name.includes("weight")) return `${key} default`;
  return name.startsWith("blkio.throttle.") ? `${key} 0` : undefined;
}

/** Some files can only be written. */
function readIfPossible(cgroup: Fd, name: string): string | undefined {
  try {
    return readFile(cgroup, name);
  } catch (thrown) {
    if (isErrno(thrown, EACCES, EINVAL, EPERM)) return undefined;
    throw thrown;
  }
}

/**
 * Values depend on each other: memory must stay below memory and swap together, a burst below its quota, and which is
 * to be written first depends on what is in force. So what the kernel calls invalid waits until the others are written.
 */
function inSomeOrder<Item>(items: readonly Item[], perform: (item: Item) => void): void {
  let left = items;
  while (left.length > 0) {
    const refused: { readonly item: Item; readonly thrown: BoxError }[] = [];
    for (const item of left) {
      try {
        perform(item);
      } catch (thrown) {
        if (!(thrown instanceof BoxError) || thrown.details.errno !== "EINVAL") throw thrown;
        refused.push({ item, thrown });
      }
    }
    if (refused.length === left.length) throw refused[0]?.thrown;
    left = refused.map(({ item }) => item);
  }
}

/** One file, open for its setting. */
class SettingFile implements Disposable {
  readonly #setting: Setting;
  readonly #cgroup: Fd;
  readonly #file: Fd;
  readonly name: string;
  readonly #text: string;

  constructor(setting: Setting, cgroup: Fd, file: Fd, name: string, text: string) {
    this.#setting = setting;
    this.#cgroup = cgroup;
    this.#file = file;
    this.name = name;
    this.#text = text;
  }

  write(): void {
    within(this.#setting.property, () => {
      this.#requireRoom();
      try {
        writeOnce(this.#file, this.#text, this.name);
      } catch (thrown) {
        throw explained(thrown, this.name);
      }
    });
  }

  /** A limit below what is in use would end processes; where that is not wanted, it is refused. */
  #requireRoom(): void {
    const { atLeast } = this.#setting;
    if (atLeast === undefined || !/^\d+$/.test(this.#text)) return;
    const used = readFile(this.#cgroup, atLeast).trim();
    if (BigInt(used) > BigInt(this.#text))
      throw new BoxError(`${this.#text} is less than the ${used} bytes in use, and checkBeforeUpdate is set`);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** @returns undefined where the kernel has no such file and none is needed */
function openFirst(setting: Setting, cgroup: Fd): SettingFile | undefined {
  for (const { name, text } of setting.files) {
    try {
      return new SettingFile(setting, cgroup, open(cgroup, name, O_WRONLY | O_NOFOLLOW), name, text);
    } catch (thrown) {
      if (!isErrno(thrown, ENOENT)) throw addContext(setting.property, thrown);
    }
  }
  if (setting.optional) return undefined;
  const names = setting.files.map(({ name }) => name).join(" or ");
  throw new BoxError(`${setting.property}: this kernel has no ${names} (ENOENT)`, { errno: "ENOENT", path: names });
}

/** What some of the kernel's answers mean for these files. */
function explained(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof BoxError)) return thrown;
  const meaning = meanings.find(([file, errno]) => name.startsWith(file) && errno === thrown.details.errno)?.[2];
  return meaning === undefined ? thrown : new BoxError(`${thrown.message}: ${meaning}`, thrown.details);
}

const meanings: readonly (readonly [file: string, errno: string, meaning: string])[] = [
  ["memory.", "EBUSY", "more is in use"],
  ["cpuset.", "EACCES", "the parent cgroup does not have all of them"],
  ["cpu.rt_", "EINVAL", "the parent cgroup has less of it"],
  ["blkio.", "ENODEV", "there is no such device"],
  ["io.", "ENODEV", "there is no such device"],
  ["net_prio.", "ENODEV", "there is no such interface"],
];
