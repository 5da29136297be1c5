/** What rootfs/apply.ts performs: the container's file tree as data, made by rootfs/plan.ts. */
import type { IdRange } from "../linux/namespace.ts";

/** A flag of one mount, by the name of its option. */
export type MountFlag = "ro" | "nosuid" | "nodev" | "noexec" | "nosymfollow" | "nodiratime";

/** How access times are kept; exactly one holds for a mount. */
export type AccessTime = "relatime" | "noatime" | "strictatime";

/** Flags to set and to clear. */
export interface FlagChange {
  readonly set: readonly MountFlag[];
  readonly clear: readonly MountFlag[];
  readonly atime?: AccessTime;
}

export type PropagationKind = "private" | "shared" | "slave" | "unbindable";

export interface Propagation {
  readonly kind: PropagationKind;
  readonly recursive: boolean;
}

/** Which ids a mount shows in place of those on the disk: mapped as in a user namespace that is there, or by ranges. */
export type MountIds = (
  | { readonly namespace: string }
  | { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] }
) & {
  /** Whether the mounts below it that come along are mapped as well. */
  readonly recursive: boolean;
};

interface MountOpBase {
  /** Absolute path in the container. */
  readonly destination: string;
  /** The mount goes on a link that stands there, not on what it leads to. */
  readonly onLink: boolean;
  /** The options as the configuration has them, for errors. */
  readonly words: readonly string[];
  readonly flags: FlagChange;
  /** Flags for the whole tree that comes with the mount (`rro`, …). */
  readonly recursiveFlags: FlagChange;
  /** Applied after the mount is in place, in order. */
  readonly propagation: readonly Propagation[];
}

/** A mount that can have its ids mapped. */
interface MappableOp extends MountOpBase {
  readonly ids: MountIds | undefined;
  /** Opened by the host side with the caller's rights: init has not those it takes. */
  readonly byCaller: boolean;
}

/** A new file system. */
export interface FileSystemOp extends MappableOp {
  readonly kind: "filesystem";
  readonly type: string;
  readonly source: string;
  /** Options of the superblock, in order: [key] is a flag, [key, value] a parameter. */
  readonly options: readonly (readonly [key: string, value?: string])[];
  /** An option is longer than fsconfig(2) takes: all go to mount(2), as one string. */
  readonly hasLongOptions: boolean;
  /** The hidden directory's content is copied into the new tmpfs. */
  readonly copyUp: boolean;
  /** Something is made in it yet: it becomes read-only when all is there. */
  readonly readonlyAtEnd: boolean;
}

/** A directory or file of the host. */
export interface BindOp extends MappableOp {
  readonly kind: "bind";
  /** Absolute path on the host. */
  readonly source: string;
  /** What happens to a source that is a link: it is followed, bound itself, or made again in the container. */
  readonly sourceLink: "follow" | "bind" | "copy";
  readonly recursive: boolean;
  /** What is mounted in it appears on the host as well. */
  readonly outward: boolean;
}

/** The container's own view of its cgroups, in the host's layout. */
export interface CgroupViewOp extends MountOpBase {
  readonly kind: "cgroup";
  readonly layout: CgroupViewLayout;
}

/** One v1 hierarchy as it shows up below /sys/fs/cgroup. */
export interface CgroupViewHierarchy {
  /** Directory name, as in `cpu,cpuacct`. */
  readonly name: string;
  /** Mount options: controller names, or `name=systemd`. */
  readonly options: readonly string[];
  /** Host directory of the container's cgroup in it; bound where there is no cgroup namespace. */
  readonly source: string;
}

export type CgroupViewLayout =
  | { readonly mode: "v2"; readonly namespace: boolean; readonly source: string }
  | {
      readonly mode: "v1";
      readonly namespace: boolean;
      readonly hierarchies: readonly CgroupViewHierarchy[];
      /** Set on hybrid hosts: the cgroup2 hierarchy beside the v1 ones. */
      readonly unified?: string;
    };

export type MountOp = FileSystemOp | BindOp | CgroupViewOp;

/** A node below the container's root. */
export interface DeviceOp {
  readonly path: string;
  readonly type: "char" | "block" | "fifo";
  readonly major: number;
  readonly minor: number;
  /** Permission bits, whatever the umask. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Mounts, and how they are kept from the host's. */
export interface MountsOps {
  /** Whether the container's root is root of a user namespace only. */
  readonly inUserNamespace: boolean;
  readonly propagation: Propagation;
  readonly mounts: readonly MountOp[];
}

export interface RootfsOps extends MountsOps {
  /** Absolute path on the host. */
  readonly path: string;
  readonly readonly: boolean;
  readonly devices: readonly DeviceOp[];
  /** Whether /dev is the container's own, so that the default links are made in it. */
  readonly hasOwnDev: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** False: MS_MOVE and chroot in place of pivot_root, for a root on ramfs. */
  readonly pivot: boolean;
}
