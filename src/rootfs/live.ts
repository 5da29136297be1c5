/** Mounts in a container that is there already. Runs in a process that has entered its namespaces. */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { Proc } from "../fs/proc.ts";
import { Root } from "../fs/root.ts";
import { EINVAL, O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { performMount } from "./mounts.ts";
import type { MountsOps } from "./ops.ts";
import type { Sources } from "./sources.ts";

export type { Sources } from "./sources.ts";

/** Makes all mounts or none. @param sources what the caller has opened of them */
export function addMounts({ mounts }: MountsOps, sources: Sources): void {
  using root = open("cwd", "/", O_PATH | O_DIRECTORY);
  const made: Fd[] = [];
  try {
    mounts.forEach((op, index) => {
      const mount = performMount(new Root(root), op, sources[index]);
      if (mount !== undefined) made.push(mount);
    });
  } catch (thrown) {
    using proc = Proc.private();
    for (const mount of made.reverse()) proc.detachMount(mount);
    throw thrown;
  } finally {
    closeAll(made);
  }
}

/**
 * Removes what is mounted at each destination, with all that is below it. All are looked up before the first is removed,
 * and none by way of a link: a container could lead it to what hides a file from it.
 */
export function removeMounts(destinations: readonly string[]): void {
  using rootDirectory = open("cwd", "/", O_PATH | O_DIRECTORY);
  const root = new Root(rootDirectory);
  const found: { destination: string; mount: Fd }[] = [];
  try {
    for (const destination of destinations)
      within(
        () => `mount ${quote(destination)}`,
        () => found.push({ destination, mount: root.noLink(destination) }),
      );
    using proc = Proc.private();
    for (const { destination, mount } of found)
      within(
        () => `mount ${quote(destination)}`,
        () => detach(proc, mount),
      );
  } finally {
    closeAll(found.map(({ mount }) => mount));
  }
}

function detach(proc: Proc, mount: Fd): void {
  try {
    proc.detachMount(mount);
  } catch (thrown) {
    if (isErrno(thrown, EINVAL)) throw new BoxError("nothing is mounted there (EINVAL)", thrown.details);
    throw thrown;
  }
}
