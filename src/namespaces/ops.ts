/** The container's namespaces as data: made by namespaces/plan.ts, performed by handshake/spawn and init. */
import type { IdRange, NamespaceFile } from "../linux/namespace.ts";

export interface Join {
  readonly kind: NamespaceFile;
  /** Absolute path on the host of a namespace of that kind. */
  readonly path: string;
}

/** A mount namespace that is somebody else's: the caller's, or one that is joined. */
export interface ForeignMounts {
  readonly path: string;
  readonly joined: boolean;
}

/** A network device of the host that goes into the container's network namespace. */
export interface NetDeviceOp {
  readonly hostName: string;
  /** Its name there; `%d` stands for a number that is free. */
  readonly name: string;
}

export interface NamespaceOps {
  /** Kinds that are made new. */
  readonly create: readonly NamespaceFile[];
  /** Kinds that are joined, in the order in which they must be; the mount namespace is not among them. */
  readonly join: readonly Join[];
  /** The mount namespace in which the program is to be, where that is not one of its own. */
  readonly foreignMounts: ForeignMounts | undefined;
  /** Maps of a new user namespace. */
  readonly uidMap: readonly IdRange[];
  readonly gidMap: readonly IdRange[];
  /** Who writes the maps: this process, or for an ordinary user's subordinate ids newuidmap(1) and newgidmap(1). */
  readonly mapper: "self" | "helpers";
  /** Whether the namespace gives up setgroups(2): an ordinary user cannot map a group by itself otherwise. */
  readonly denySetgroups: boolean;
  /** Offsets of a new time namespace: [clock, seconds, nanoseconds], decimal text for 64 bits. */
  readonly timeOffsets: readonly (readonly [clock: "monotonic" | "boottime", seconds: string, nanoseconds: number])[];
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
}
