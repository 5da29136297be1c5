/** The cgroup manager that the command line names. */
import type { CgroupManager } from "../plan/create.ts";
import { type Arguments, UsageError } from "./args.ts";

/** @throws UsageError for an unknown word, and where the two options contradict each other */
export function cgroupManagerOf(globals: Arguments): CgroupManager {
  const manager = globals.word("cgroup-manager", ["cgroupfs", "systemd", "disabled"]);
  if (!globals.has("systemd-cgroup")) return manager;
  if (globals.has("cgroup-manager") && manager !== "systemd")
    throw new UsageError(`--systemd-cgroup: contradicts --cgroup-manager ${manager}`);
  return "systemd";
}
