/** The check that every test ends with: nothing of it is left on the host. And the broom for when something is. */

import { existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { cgroupsNamed, isAlive, mounts, processes } from "./host.ts";

export interface Territory {
  /** In the name of everything that the test makes. */
  token: string;
  /** In the name of everything that the run makes. */
  run: string;
  /** Directories that must be empty when the test is over. */
  empty: string[];
  /** Namespaces that belonged to the test's containers, as `net:[…]`. */
  namespaces: string[];
  /** Processes that are meant to be there still. */
  except: number[];
}

/** One sentence for each thing that is left. */
export function leaks(territory: Territory): string[] {
  const { token, run, except } = territory;
  const inodes = new Set(territory.namespaces);
  const all = mounts();
  return [
    ...all.filter((mount) => mount.point.includes(token)).map((mount) => `mount ${mount.point} (${mount.type})`),
    ...all
      // The kernel gives the inodes out again: a mount in another test's directory is that test's own.
      .filter((mount) => mount.type === "nsfs" && inodes.has(mount.root) && !mount.point.includes(run))
      .map((mount) => `namespace ${mount.root} kept by the mount ${mount.point}`),
    ...cgroupsNamed(token).map((path) => `cgroup ${path}`),
    ...processes()
      .filter(({ pid, marks }) => !except.includes(pid) && marks.includes(token) && isAlive(pid))
      .map(({ pid, command: line }) => `process ${pid}: ${line}`),
    ...territory.empty
      .filter((directory) => existsSync(directory))
      .flatMap((directory) => readdirSync(directory).map((name) => `file ${join(directory, name)}`)),
  ];
}

/** Removes everything that carries the token, whatever made it. Says what could not be removed. */
export async function sweep(token: string, directories: string[]): Promise<string[]> {
  const stuck: string[] = [];
  await killAll(token);
  // Newest first: a mount may lie on another.
  for (const mount of mounts()
    .filter(({ point }) => point.includes(token))
    .reverse()) {
    await command(["umount", "-l", mount.point]).catch((error: Error) => stuck.push(error.message));
  }
  for (const path of cgroupsNamed(token)) {
    try {
      rmdirSync(path);
    } catch (error) {
      stuck.push(`cgroup ${path}: ${(error as Error).message}`);
    }
  }
  for (const path of directories) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      stuck.push(`files ${path}: ${(error as Error).message}`);
    }
  }
  return stuck;
}

/**
 * SIGKILL until nobody is left. The end of a process that is not our child is no event for us, hence the short
 * bounded poll; a frozen one is thawed first, for it would not die.
 */
async function killAll(token: string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const left = processes().filter(({ pid, marks }) => pid !== process.pid && marks.includes(token) && isAlive(pid));
    if (left.length === 0) return;
    if (round % 20 === 0) thaw(token);
    for (const { pid } of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function thaw(token: string): void {
  for (const path of cgroupsNamed(token)) {
    for (const [file, value] of [
      ["freezer.state", "THAWED"],
      ["cgroup.freeze", "0"],
    ] as const) {
      if (existsSync(join(path, file))) writeFileSync(join(path, file), value);
    }
  }
}
