/** Records of containers for tests, as `create` would write them. */
import { bootId } from "../../src/container/processes.ts";
import { type ContainerRecord, recordVersion } from "../../src/container/record.ts";

/** A container whose init has not been made, with some fields changed. */
export function recordWith(change: Partial<ContainerRecord>): ContainerRecord {
  return {
    version: recordVersion,
    id: "web",
    ociVersion: "1.3.0",
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    annotations: {},
    created: "2026-01-02T03:04:05.678Z",
    phase: "creating",
    bootId: bootId(),
    owner: null,
    init: null,
    initFile: null,
    cgroup: null,
    resctrl: null,
    startable: true,
    listener: null,
    ownPidNamespace: true,
    newKeyring: true,
    exitStatus: null,
    uid: 0,
    hooks: { poststart: [], poststop: [] },
    ...change,
  };
}
