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

export interface CgroupOps {
  /** Absolute below each mount, as in `/box/web`. Recorded in state.json. */
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
  /** Whether the parent of `path` is box's own and goes away with its last container. */
  readonly ownParent: boolean;
  /** In order, the last match counts; none where nothing is asked for. */
  readonly devices: readonly DeviceRuleOp[];
}
