/** What of a test only root can do, so that an ordinary user skips it; docs/rootless.md tells what stands behind each. */
export const takesRoot = [
  "mounts on the host",
  "device nodes",
  "files and processes of other users",
  "namespaces that are not the user's",
  "a container without a user namespace",
  "a procfs of the host's pid namespace",
  "network devices of the host",
  "more priority than the user has",
  "ids that are not the user's",
  "cgroups above the user's",
  "what an ordinary user cannot hand down",
  "profiles of AppArmor",
  "the machine's own systemd",
  "the report of root",
  "other users",
] as const;

export type TakesRoot = (typeof takesRoot)[number];
