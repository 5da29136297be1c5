/** Writes settings to the kernel's files, and takes them back. */
import { BoxError, within } from "../base/errors.ts";
import { EACCES, EINVAL, EPERM, O_NOFOLLOW, O_WRONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { openIfThere, writeOnce } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { readFile, readFileIfThere } from "./directory.ts";
import type { Setting } from "./ops.ts";

/** The opened cgroup in the hierarchy of this mount. */
export type DirectoryOf = (mount: string) => Fd;

/** Writes all settings. @throws BoxError that names the property of the one that the kernel refused */
export function writeSettings(settings: readonly Setting[], directoryOf: DirectoryOf): void {
  inSomeOrder(settings, (setting) => write(setting, directoryOf(setting.mount)));
}

/** What brings the files of these settings back to what they say now. */
export function formerSettings(settings: readonly Setting[], directoryOf: DirectoryOf): readonly Setting[] {
  return settings.flatMap((setting) => {
    for (const { name } of setting.files) {
      const content = within(setting.property, () => contentOf(directoryOf(setting.mount), name));
      if (content === undefined) continue;
      return formerTexts(name, setting.key, content).map(
        (text): Setting => ({ ...setting, files: [{ name, text }], atLeast: undefined }),
      );
    }
    return [];
  });
}

/** Nothing of files that can only be written; undefined where there is no such file. */
function contentOf(cgroup: Fd, name: string): string | undefined {
  try {
    return readFileIfThere(cgroup, name);
  } catch (thrown) {
    if (isErrno(thrown, EACCES, EINVAL, EPERM)) return undefined;
    throw thrown;
  }
}

/** What brings a file back to what it says now, one write each. Pure. */
export function formerTexts(name: string, key: string | undefined, content: string): readonly string[] {
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

function write(setting: Setting, cgroup: Fd): void {
  within(setting.property, () => {
    for (const { name, text } of setting.files) {
      using file = openIfThere(cgroup, name, O_WRONLY | O_NOFOLLOW);
      if (file === undefined) continue;
      requireRoom(setting, cgroup, text);
      try {
        writeOnce(file, text, name);
      } catch (thrown) {
        throw explained(thrown, name);
      }
      return;
    }
    if (setting.optional) return;
    const names = setting.files.map(({ name }) => name).join(" or ");
    throw new BoxError(`this kernel has no ${names} (ENOENT)`, { errno: "ENOENT", path: names });
  });
}

/** A limit below what is in use would end processes; where that is not wanted, it is refused. */
function requireRoom({ atLeast }: Setting, cgroup: Fd, text: string): void {
  if (atLeast === undefined || !/^\d+$/.test(text)) return;
  const used = readFile(cgroup, atLeast).trim();
  if (BigInt(used) > BigInt(text))
    throw new BoxError(`${text} is less than the ${used} bytes in use, and checkBeforeUpdate is set`);
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
  ["rdma.", "ENODEV", "there is no such device"],
];
