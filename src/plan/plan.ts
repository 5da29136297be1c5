/** The plan of one `create`: everything that will be done, as plain data. Printed, diffed and compared in tests. */
import type { CgroupOps } from "../cgroups/ops.ts";
import type { HookOps } from "../hooks/ops.ts";
import type { NamespaceOps, NetDeviceOp } from "../namespaces/ops.ts";
import type { ProcessOps } from "../process/ops.ts";
import type { ResctrlOps } from "../resctrl/ops.ts";
import type { RootfsOps } from "../rootfs/ops.ts";
import type { SeccompOps } from "../seccomp/ops.ts";
import type { SecurityOps } from "../security/ops.ts";
import type { Finding } from "../spec/findings.ts";

/** What the container's state says of it for ever. */
export interface Identity {
  readonly id: string;
  readonly ociVersion: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The program and its rights; absent when the configuration has no `process`. */
export interface ProgramPlan {
  readonly process: ProcessOps;
  readonly security: SecurityOps;
  readonly seccomp: SeccompOps | undefined;
  /** How many descriptors from 3 on the program keeps. */
  readonly preserveFds: number;
}

/** What init performs inside the namespaces. */
export interface InitPlan {
  readonly identity: Identity;
  readonly namespaces: NamespaceOps;
  readonly rootfs: RootfsOps;
  /** Paths below /proc/sys. */
  readonly sysctl: readonly (readonly [path: string, value: string])[];
  readonly hooks: HookOps;
  readonly program: ProgramPlan | undefined;
}

/** What the host side performs. */
export interface ParentPlan {
  readonly cgroup: CgroupOps | undefined;
  readonly oomScoreAdj: number | undefined;
  readonly netDevices: readonly NetDeviceOp[];
  readonly resctrl: ResctrlOps | undefined;
}

export interface Plan {
  readonly parent: ParentPlan;
  readonly init: InitPlan;
  readonly warnings: readonly Finding[];
}
