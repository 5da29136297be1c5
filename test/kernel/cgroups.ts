/** A cgroup of this machine for tests of one. */
import { Cgroup } from "../../src/cgroups/cgroup.ts";
import { isFrozen } from "../../src/cgroups/freezer.ts";
import { planCgroup } from "../../src/cgroups/plan.ts";
import { killAndWait } from "../../src/cgroups/processes.ts";
import { type CgroupRecord, recordOf } from "../../src/cgroups/record.ts";
import { removeCgroup } from "../../src/cgroups/removal.ts";
import { hostFacts } from "../../src/facts/host.ts";
import { monotonicMilliseconds } from "../../src/linux/clock.ts";
import { O_RDONLY, O_WRONLY } from "../../src/linux/constants.ts";
import { geteuid } from "../../src/linux/cred.ts";
import { open, writeAll } from "../../src/linux/file.ts";
import { getpid } from "../../src/linux/process.ts";
import { poll } from "../../src/linux/socket.ts";
import { hanging } from "./hanging.ts";

/** Why there can be no cgroup here; false when there can. */
export const noCgroups: string | false =
  geteuid() !== 0 ? "not root" : hostFacts().cgroups.mode === "none" ? "no cgroups" : false;

let made = 0;

/** Gives `action` the plan of a cgroup that does not exist yet; kills and removes what it has made of it. */
export function withCgroup(action: (make: () => Cgroup, record: CgroupRecord) => void): void {
  const linux = { cgroupsPath: `/box-test-${getpid()}-${made++}/c` };
  const ops = planCgroup({ ociVersion: "1.3.0", root: { path: "rootfs" }, linux }, "c", hostFacts());
  if (ops === undefined) throw new Error("no cgroups here");
  const record = { ...recordOf(ops), ownParent: true };
  try {
    action(() => Cgroup.make(ops), record);
  } finally {
    killAndWait(record);
    removeCgroup(record);
  }
}

/** Moves a process into every hierarchy of a cgroup. */
export function enter({ path, directories }: CgroupRecord, pid: number): void {
  for (const { mount } of directories) {
    using file = open("cwd", `${mount}${path}/cgroup.procs`, O_WRONLY);
    writeAll(file, `${pid}`);
  }
}

/** Freezes a cgroup, by the freezer that the host has, and waits until it is frozen. */
export function freeze(record: CgroupRecord): void {
  const v1 = record.directories.find(({ controllers }) => controllers.includes("freezer"));
  const v2 = record.directories.find(({ version }) => version === 2);
  const [directory, name, value] = v1 ? [v1, "freezer.state", "FROZEN"] : [v2, "cgroup.freeze", "1"];
  {
    using file = open("cwd", `${directory?.mount}${record.path}/${name}`, O_WRONLY);
    writeAll(file, value as string);
  }
  const deadline = monotonicMilliseconds() + hanging;
  while (!isFrozen(record)) {
    if (monotonicMilliseconds() > deadline) throw new Error("it does not freeze");
    poll([], 1);
  }
}

/** Whether a cgroup's directory is there in any hierarchy. */
export function exists({ path, directories }: CgroupRecord, of = path): boolean {
  return directories.some(({ mount }) => {
    try {
      open("cwd", `${mount}${of}`, O_RDONLY).close();
      return true;
    } catch {
      return false;
    }
  });
}
