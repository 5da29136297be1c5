/** The state of a container as the specification and the callers of `state` and `list` see it. */
import type { ContainerRecord } from "./record.ts";
import { type Status, statusOf } from "./status.ts";

/** What `box state` prints: the specification's fields, and those that callers of runc read besides. */
export interface StateOutput {
  readonly ociVersion: string;
  readonly id: string;
  /** The host's pid of the container's first process; 0 when there is none. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  /** Name of whoever created it. */
  readonly owner: string;
  /** The scope, where systemd has made the cgroup; crun says it so. */
  readonly "systemd-scope"?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @param ownerName the name of a user id */
export function stateOf(record: ContainerRecord, ownerName: (uid: number) => string): StateOutput {
  const status = statusOf(record);
  const { ociVersion, id, bundle, rootfs, created, uid, annotations, init } = record;
  const pid = status === "stopped" ? 0 : (init?.pid ?? 0);
  const unit = record.cgroup?.unit;
  return {
    ociVersion,
    id,
    pid,
    status,
    bundle,
    rootfs,
    created,
    owner: ownerName(uid),
    ...(unit !== undefined && { "systemd-scope": unit.name }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}
