/** From `linux.namespaces` and what hangs on them to the ops of namespaces/ops.ts. Pure. */
import type { IdRange, NamespaceFile } from "../linux/namespace.ts";
import { hasNamespace, hasNewNamespace } from "../spec/namespaces.ts";
import { refuse } from "../spec/refusal.ts";
import type { IdMapping, Linux, NamespaceType, Spec, TimeOffsets } from "../spec/types.ts";
import type { ForeignMounts, NamespaceOps, NetDeviceOp } from "./ops.ts";

const files: Readonly<Record<NamespaceType, NamespaceFile>> = {
  mount: "mnt",
  cgroup: "cgroup",
  uts: "uts",
  ipc: "ipc",
  user: "user",
  pid: "pid",
  network: "net",
  time: "time",
};

/** The kinds that planNamespaces takes: all of them. */
export const supportedNamespaces = Object.keys(files).sort() as readonly NamespaceType[];

/** A user namespace is joined first: it gives the rights to join the others. */
const joinOrder: readonly NamespaceFile[] = ["user", "pid", "ipc", "net", "uts", "cgroup", "time"];

/** @param mayMapIds whether the caller may map any ids: an ordinary user may not, and root without capabilities neither */
export function planNamespaces(spec: Spec, mayMapIds: () => boolean): NamespaceOps {
  const { namespaces = [], uidMappings = [], gidMappings = [], timeOffsets } = spec.linux ?? {};
  const create: NamespaceFile[] = [];
  const join = new Map<NamespaceFile, string>();
  for (const { type, path } of namespaces) {
    if (path === undefined) create.push(files[type]);
    else join.set(files[type], path);
  }
  const foreignMounts = create.includes("mnt") ? undefined : foreignMountsOf(join.get("mnt"));
  if (foreignMounts !== undefined && (create.includes("user") || (join.has("user") && !foreignMounts.joined))) {
    refuse(
      "linux.namespaces",
      'a "user" namespace has no rights over the mounts outside: it needs a new "mount" namespace',
    );
  }
  if (create.includes("user") && (uidMappings.length === 0 || gidMappings.length === 0)) {
    const missing = uidMappings.length === 0 ? "uidMappings" : "gidMappings";
    refuse(`linux.${missing}`, 'required with a new namespace of type "user"');
  }
  const isOrdinary = create.includes("user") && !mayMapIds();
  const mapper = isOrdinary && !(isSingle(uidMappings) && isSingle(gidMappings)) ? "helpers" : "self";
  return {
    create,
    join: joinOrder.flatMap((kind) => {
      const path = join.get(kind);
      return path === undefined ? [] : [{ kind, path }];
    }),
    foreignMounts,
    uidMap: uidMappings.map(idMap),
    gidMap: gidMappings.map(idMap),
    mapper,
    denySetgroups: isOrdinary && mapper === "self",
    timeOffsets: offsetsOf(timeOffsets),
    hostname: nameOf(spec.hostname),
    domainname: nameOf(spec.domainname),
  };
}

/**
 * Whether the network namespace can be made while the rest is still planned: for the kernel it is more work than all others
 * together. A user namespace would have to own it, and devices are moved to where init is: then it comes from the clone.
 */
export function makesNetworkAhead(spec: Spec): boolean {
  const hasDevices = Object.keys(spec.linux?.netDevices ?? {}).length > 0;
  return hasNewNamespace(spec, "network") && !hasNamespace(spec, "user") && !hasDevices;
}

function foreignMountsOf(path: string | undefined): ForeignMounts {
  return path === undefined ? { path: "/proc/self/ns/mnt", joined: false } : { path, joined: true };
}

/** An ordinary user may map one id by itself, its own: user_namespaces(7). */
function isSingle(mappings: readonly IdMapping[]): boolean {
  return mappings.length === 1 && mappings[0]?.size === 1;
}

/** An empty name asks for nothing; without a UTS namespace of its own it would take the host's away. */
function nameOf(name: string | undefined): string | undefined {
  return name === "" ? undefined : name;
}

function offsetsOf(offsets: TimeOffsets = {}): NamespaceOps["timeOffsets"] {
  return (["monotonic", "boottime"] as const).flatMap((clock) => {
    const offset = offsets[clock];
    return offset === undefined ? [] : [[clock, (offset.secs ?? 0).toString(), offset.nanosecs ?? 0] as const];
  });
}

/** @param mayConfigure whether the caller may configure the host's network */
export function planNetDevices({ netDevices = {} }: Linux, mayConfigure: () => boolean): readonly NetDeviceOp[] {
  const devices = Object.entries(netDevices);
  if (devices.length > 0 && !mayConfigure()) refuse("linux.netDevices", "moving a network device takes CAP_NET_ADMIN");
  return devices.map(([hostName, { name }]) => ({ hostName, name: name || hostName }));
}

function idMap({ containerID, hostID, size }: IdMapping): IdRange {
  return { containerId: containerID, hostId: hostID, size };
}
