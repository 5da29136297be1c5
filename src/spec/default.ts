/**
 * The configuration that `box spec` writes: a shell on a terminal, every namespace, the file systems that programs
 * expect, and the parts of /proc and /sys that have hurt before hidden or read-only.
 */

import { ociVersion } from "./oci-version.ts";
import type { IdMapping, Linux, Mount, Spec } from "./types.ts";

/** Who runs box, for a configuration that works without privilege. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Subordinate ids, for the container's ids from 1 on. */
  readonly uids?: readonly Range[];
  readonly gids?: readonly Range[];
}

interface Range {
  readonly first: number;
  readonly size: number;
}

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const quiet = ["nosuid", "noexec", "nodev"];

const proc: Mount = { destination: "/proc", type: "proc", source: "proc" };
const dev: Mount = {
  destination: "/dev",
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
};
const devpts: Mount = {
  destination: "/dev/pts",
  type: "devpts",
  source: "devpts",
  options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
};
const shm: Mount = {
  destination: "/dev/shm",
  type: "tmpfs",
  source: "shm",
  options: [...quiet, "mode=1777", "size=65536k"],
};
const mqueue: Mount = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet };
const sysfs: Mount = { destination: "/sys", type: "sysfs", source: "sysfs", options: [...quiet, "ro"] };
const cgroup: Mount = {
  destination: "/sys/fs/cgroup",
  type: "cgroup",
  source: "cgroup",
  options: [...quiet, "relatime", "ro"],
};

/** sysfs shows the network namespace, and a user who does not own that one may not mount it anew. */
const boundSysfs: Mount = {
  destination: "/sys",
  type: "none",
  source: "/sys",
  options: ["rbind", ...quiet, "ro"],
};

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/interrupts",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The default configuration; with `rootless`, one that this caller can run without privilege. */
export function defaultSpec(rootless?: Caller): Spec {
  return {
    ociVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "box",
    mounts: rootless ? rootlessMounts(rootless) : [proc, dev, devpts, shm, mqueue, sysfs, cgroup],
    linux: { ...(rootless ? rootlessLinux(rootless) : privilegedLinux()), maskedPaths, readonlyPaths },
  };
}

function privilegedLinux(): Linux {
  return {
    resources: { devices: [{ allow: false, access: "rwm" }] },
    namespaces: [
      { type: "pid" },
      { type: "network" },
      { type: "ipc" },
      { type: "uts" },
      { type: "mount" },
      { type: "cgroup" },
    ],
  };
}

/** No cgroup limits, as none may be delegated, and the caller's network, as nobody would configure another one. */
function rootlessLinux({ uid, gid, uids, gids }: Caller): Linux {
  return {
    uidMappings: mappings(uid, uids),
    gidMappings: mappings(gid, gids),
    namespaces: [
      { type: "pid" },
      { type: "ipc" },
      { type: "uts" },
      { type: "mount" },
      { type: "user" },
      { type: "cgroup" },
    ],
  };
}

/** The caller as root, and what else the caller may map after it. */
function mappings(own: number, ranges: readonly Range[] = []): IdMapping[] {
  let next = 1;
  return [
    { containerID: 0, hostID: own, size: 1 },
    ...ranges.map(({ first, size }) => {
      const containerID = next;
      next += size;
      return { containerID, hostID: first, size };
    }),
  ];
}

/**
 * With one mapped id the tty group is not to be had. The last mount covers the host's cgroup tree, which the recursive
 * bind of /sys brings along and which a read-only flag on /sys does not reach (CVE-2023-25809).
 */
function rootlessMounts({ gids = [] }: Caller): readonly Mount[] {
  const options = devpts.options?.filter((option) => gids.length > 0 || option !== "gid=5") ?? [];
  return [proc, dev, { ...devpts, options }, shm, mqueue, boundSysfs, cgroup];
}
