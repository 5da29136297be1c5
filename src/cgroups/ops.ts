/** The container's cgroup as data: made by cgroups/plan.ts, performed by the parent. */

/** One rule about devices; undefined stands for every number. */
export interface DeviceRuleOp {
  readonly allow: boolean;
  readonly type: "all" | "char" | "block";
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters of r, w, m. */
  readonly access: string;
}

/** A directory of the container in one hierarchy. */
export interface CgroupDirectory {
  /** Where the hierarchy is mounted: `/sys/fs/cgroup`, `/sys/fs/cgroup/memory`. */
  readonly mount: string;
  readonly version: 1 | 2;
  /** v1 controllers, or `name=systemd`; empty for v2. */
  readonly controllers: readonly string[];
}

/** One value for one of the kernel's files in the container's cgroup. */
export interface Setting {
  /** Who asks for it, as errors name it: `linux.resources.memory.limit`. */
  readonly property: string;
  /** Hierarchy: `mount` of its CgroupDirectory. */
  readonly mount: string;
  /** The first of these files that the kernel has is written. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Whose line of the file it is, where each device or interface has one: `8:0`. */
  readonly key?: string;
  /** Whether it is passed over where the kernel has none of the files. */
  readonly optional: boolean;
  /** Whether a new cgroup has it anyway: it is written to older ones only. */
  readonly neutral: boolean;
  /** A file that must not say more than the value: a limit is not put below what is in use. */
  readonly atLeast?: string | undefined;
}

/** Values for a cgroup, and what they take. */
export interface CgroupSettings {
  /** In the order of cgroups/resources.ts. */
  readonly settings: readonly Setting[];
  /** cgroup2 controllers that the settings need: enabled on the way to the cgroup. */
  readonly controllers: readonly string[];
  /** In order, the last match counts; none where nothing is asked for. */
  readonly devices: readonly DeviceRuleOp[];
}

/** What `update` changes of a cgroup in use. */
export interface CgroupUpdate extends CgroupSettings {
  /** The device rules that are in force. */
  readonly formerDevices: readonly DeviceRuleOp[];
}

export interface CgroupOps extends CgroupSettings {
  /** Absolute below each mount, as in `/box/web`. Recorded in state.json. */
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
  /** Controllers of a pure cgroup2: what they count can be asked for (`events`, `docker stats`), so they are enabled where that is possible. */
  readonly offered: readonly string[];
  /** Whether the parent of `path` is box's own and goes away with its last container. */
  readonly ownParent: boolean;
  /** Host's id of the user who may make cgroups below this one; undefined for nobody but root. */
  readonly owner: number | undefined;
  /** The scope whose cgroup it is, where systemd makes it; absent where box does. */
  readonly unit?: UnitOps;
}

/** A scope that systemd makes around the container's first process. */
export interface UnitOps extends UnitRecord {
  /** In order; of a property that is there twice the last counts. */
  readonly properties: readonly UnitProperty[];
}

/** How systemd knows a container. */
export interface UnitRecord {
  /** `box-web.scope` */
  readonly name: string;
  /** D-Bus address of the manager's bus. */
  readonly bus: string;
}

/** A property of a unit with its D-Bus type; lists and structs are arrays. */
export interface UnitProperty {
  readonly name: string;
  readonly signature: string;
  readonly value: UnitValue;
}

export type UnitValue = boolean | number | bigint | string | readonly UnitValue[];

/** A cgroup that is there and that one more process is to enter. */
export interface CgroupPlace {
  readonly directory: CgroupDirectory;
  /** Absolute below the mount. */
  readonly path: string;
  /** Whether it was named by the caller: then no other one will do. */
  readonly named: boolean;
}
