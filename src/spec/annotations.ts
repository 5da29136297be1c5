/** Annotations of crun's, `run.oci.*`: the one that box follows, and those that ask for nothing that it does not do. */
import type { Spec } from "./types.ts";

/** Whoever runs the program keeps the groups of whoever called box: Podman's `--group-add keep-groups`. */
export const keepGroups = "run.oci.keep_original_groups";

/** Whether no group is to be set: as in crun, by any value but 0. */
export function keepsGroups({ annotations = {} }: Spec): boolean {
  return (annotations[keepGroups] ?? "0") !== "0";
}

/** Values that ask for what box does anyway. */
const askForNothing: Readonly<Record<string, string>> = {
  "run.oci.mount_context_type": "context",
  "run.oci.seccomp_fail_unknown_syscall": "0",
  "run.oci.systemd.subgroup": "",
};

/** Whether crun would do something for an annotation that box does not; `run.oci.crun.*` are what it tells of itself. */
export function isUnheard(key: string, value: string): boolean {
  if (!key.startsWith("run.oci.") || key.startsWith("run.oci.crun.") || key === keepGroups) return false;
  return !Object.hasOwn(askForNothing, key) || askForNothing[key] !== value;
}
