/** Puts a container into its group of resctrl, and takes away what was made for it. Runs on the host side. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { EEXIST, ENOENT, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, O_WRONLY } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { mkdir, open, openIfThere, readAll, rmdir, writeOnce } from "../linux/file.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import type { ResctrlOps } from "./ops.ts";
import { matches } from "./schemata.ts";

/** What state.json keeps: what delete is to take away. */
export interface ResctrlRecord {
  readonly mount: string;
  readonly group: string;
  /** Whether the group was made for this container alone. */
  readonly ownsGroup: boolean;
  readonly monitoring: string | null;
}

/** What will have been made for a container, found out before anything is. */
export function recordResctrl(ops: ResctrlOps): ResctrlRecord {
  using group = findGroup(ops);
  const { mount, group: name, isOwn, monitoring = null } = ops;
  return { mount, group: name, ownsGroup: isOwn && group === undefined, monitoring };
}

/** Makes and sets the group as the plan says, and puts a process into it. @throws BoxError */
export function enterResctrl(ops: ResctrlOps, record: ResctrlRecord, pid: number): void {
  within("linux.intelRdt", () => {
    using mount = open("cwd", ops.mount, O_PATH | O_DIRECTORY);
    using group = openGroup(ops, record);
    if (ops.schemata.length > 0) write(mount, group, "schemata", ops.schemata.map((line) => `${line}\n`).join(""));
    // The monitoring group takes only what is in its class of service.
    write(mount, group, "tasks", `${pid}`);
    if (ops.monitoring === undefined) return;
    using groups = open(group, "mon_groups", O_PATH | O_DIRECTORY | O_NOFOLLOW);
    mkdir(groups, ops.monitoring, 0o755);
    using monitoring = open(groups, ops.monitoring, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    write(mount, monitoring, "tasks", `${pid}`);
  });
}

/** Changes lines of the schemata of a container's own group. @returns how to take them back */
export function changeSchemata(
  { mount: path, group: name, ownsGroup }: ResctrlRecord,
  lines: readonly string[],
): () => void {
  const change = (text: (group: Fd) => string): void =>
    within("linux.intelRdt", () => {
      using mount = open("cwd", path, O_PATH | O_DIRECTORY);
      using group = find(mount, name);
      if (group === undefined) throw new BoxError(`group ${quote(name)} is gone`, { errno: "ENOENT" });
      write(mount, group, "schemata", text(group));
    });
  if (!ownsGroup) throw new BoxError(`linux.intelRdt: group ${quote(name)} is not the container's own`);
  let former = "";
  change((group) => {
    former = read(group, "schemata");
    return lines.map((line) => `${line}\n`).join("");
  });
  return () => change(() => former);
}

/** Takes away what the record says was made. What is not there is no error. */
export function removeResctrl(record: ResctrlRecord): void {
  within("remove from resctrl", () => {
    using mount = find("cwd", record.mount);
    if (mount === undefined) return;
    if (record.monitoring !== null) {
      using group = record.group === "" ? undefined : find(mount, record.group);
      const parent = record.group === "" ? mount : group;
      using groups = parent === undefined ? undefined : find(parent, "mon_groups");
      if (groups !== undefined) removeIfThere(groups, record.monitoring);
    }
    if (record.ownsGroup) removeIfThere(mount, record.group);
  });
}

function openGroup(ops: ResctrlOps, record: ResctrlRecord): Fd {
  const there = findGroup(ops);
  if (there === undefined) return makeGroup(ops);
  try {
    // It came into being since the record was written: somebody else's.
    if (record.ownsGroup) throw new BoxError(`group ${quote(ops.group)} is there already`, { errno: "EEXIST" });
    const file = ops.mustMatch.length === 0 ? "" : read(there, "schemata");
    const wrong = ops.mustMatch.find((line) => !matches(file, line));
    if (wrong !== undefined) throw new BoxError(`group ${quote(ops.group)} has another schema than ${quote(wrong)}`);
    return there;
  } catch (thrown) {
    there.close();
    throw thrown;
  }
}

function makeGroup(ops: ResctrlOps): Fd {
  if (!ops.mayMake) throw new BoxError(`there is no group ${quote(ops.group)}, and no schema to make one with`);
  using mount = open("cwd", ops.mount, O_PATH | O_DIRECTORY);
  try {
    mkdir(mount, ops.group, 0o755);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
  }
  return open(mount, ops.group, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

function findGroup({ mount, group }: ResctrlOps): Fd | undefined {
  const root = open("cwd", mount, O_PATH | O_DIRECTORY);
  if (group === "") return root;
  using parent = root;
  return find(parent, group);
}

function find(parent: Fd | "cwd", name: string): Fd | undefined {
  return openIfThere(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

function removeIfThere(parent: Fd, name: string): void {
  try {
    rmdir(parent, name);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
  }
}

function read(group: Fd, name: string): string {
  using file = open(group, name, O_RDONLY | O_NOFOLLOW);
  const bytes = readAll(file, 1024 * 1024, name);
  return bytes === "too long" ? "" : decodeUtf8(bytes);
}

function write(mount: Fd, group: Fd, name: string, text: string): void {
  using file = open(group, name, O_WRONLY | O_NOFOLLOW);
  try {
    writeOnce(file, text, name);
  } catch (thrown) {
    if (!(thrown instanceof SyscallError)) throw thrown;
    throw new BoxError(`${thrown.message}${explanation(mount)}`, thrown.details);
  }
}

/** The kernel's own words for what it has refused last. */
function explanation(mount: Fd): string {
  try {
    const text = read(mount, "info/last_cmd_status").trim();
    return text === "" || text === "ok" ? "" : `: ${text}`;
  } catch (thrown) {
    if (thrown instanceof SyscallError) return "";
    throw thrown;
  }
}
