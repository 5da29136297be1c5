/**
 * The golden plans: each folder beside this file holds a config.json and the plan.json that it must lead to, on a host
 * and with a command line that stand here.
 *
 * After a wanted change, `node --import ./tools/ts-loader.mjs test/golden/update.ts` writes the plans anew; their diff
 * is what the change does, and is read before it is committed.
 */
import type { HostFacts } from "../../src/facts/host.ts";
import { type CreateOptions, planCreate } from "../../src/plan/create.ts";
import { decodeSpec } from "../../src/spec/decode.ts";
import { format } from "../../src/spec/findings.ts";

/** Root with the capabilities that a runtime has in a container of its own: neither SYS_RESOURCE nor AUDIT_READ. */
const root = {
  euid: 0,
  mayLimitDevices: true,
  egid: 0,
  capabilities: 2n ** 41n - 1n - 2n ** 24n - 2n ** 37n,
  ownCgroups: { "": "/caller" },
  cgroupHome: "/box",
  systemd: { bus: "unix:path=/run/dbus/system_bus_socket", isUser: false, controlGroup: "" },
  apparmor: false,
  selinux: false,
  resctrl: undefined,
};

const hierarchies = [
  { name: "blkio", options: ["blkio"] },
  { name: "cpu,cpuacct", options: ["cpu", "cpuacct"] },
  { name: "cpuset", options: ["cpuset"] },
  { name: "devices", options: ["devices"] },
  { name: "freezer", options: ["freezer"] },
  { name: "memory", options: ["memory"] },
  { name: "net_cls,net_prio", options: ["net_cls", "net_prio"] },
  { name: "pids", options: ["pids"] },
  { name: "systemd", options: ["name=systemd"] },
];

const controllers = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"];

const hosts = {
  v2: { ...root, cgroups: { mode: "v2", controllers } },
  hybrid: { ...root, cgroups: { mode: "v1", hierarchies, unified: true, controllers: ["hugetlb"] } },
  v1: { ...root, cgroups: { mode: "v1", hierarchies, unified: false, controllers: [] } },
  bare: { ...root, cgroups: { mode: "none" } },
  user: {
    euid: 1000,
    mayLimitDevices: false,
    egid: 100,
    capabilities: 0n,
    ownCgroups: { "": "/user" },
    cgroupHome: "/user/box",
    cgroups: { mode: "v2", controllers: [] },
    systemd: {
      bus: "unix:path=/run/user/1000/bus",
      isUser: true,
      controlGroup: "/user.slice/user-1000.slice/user@1000.service",
    },
    apparmor: false,
    selinux: false,
    resctrl: undefined,
  },
  selinux: { ...root, cgroups: { mode: "v2", controllers }, selinux: true },
  rdt: { ...root, cgroups: { mode: "v2", controllers }, resctrl: "/sys/fs/resctrl" },
} as const satisfies Record<string, HostFacts>;

export type Host = keyof typeof hosts;

/** What the command line says where it says nothing else. */
const plain: CreateOptions = {
  id: "web",
  bundle: "/bundles/web",
  pivot: true,
  newKeyring: true,
  cgroupManager: "cgroupfs",
  preserveFds: 0,
  activation: [],
};

export interface Case {
  readonly host: Host;
  readonly options?: Partial<CreateOptions>;
}

/** By the name of the folder. */
export const cases: Readonly<Record<string, Case>> = {
  "default-v2": { host: "v2" },
  "default-v1": { host: "v1" },
  "default-hybrid": { host: "hybrid" },
  "default-user": { host: "user", options: { id: "a.b+c_d-e" } },
  "systemd-scope": { host: "v2", options: { cgroupManager: "systemd" } },
  "systemd-scope-of-user": { host: "user", options: { cgroupManager: "systemd" } },
  minimal: { host: "v2", options: { newKeyring: false } },
  "no-cgroups": { host: "bare" },
  "no-process": { host: "v2" },
  binds: { host: "v2" },
  options: { host: "v2" },
  mounts: { host: "selinux" },
  "intel-rdt": { host: "rdt" },
  devices: { host: "v2" },
  hooks: { host: "v2" },
  capabilities: { host: "v2" },
  "user-namespace": { host: "hybrid" },
  "joined-namespaces": { host: "v2" },
  names: { host: "v2" },
  terminal: { host: "v2" },
  process: { host: "v2" },
  "preserve-fds": {
    host: "v2",
    options: {
      pivot: false,
      newKeyring: false,
      preserveFds: 3,
      activation: ["LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"],
    },
  },
  "cgroups-path": { host: "v2" },
  "cgroups-path-relative": { host: "hybrid", options: { id: "other" } },
};

/** Integers of 64 bits as text. */
function wide(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** The plan of a config.json as JSON, with every warning that `create` would tell. */
export function planText(config: string, { host, options = {} }: Case): string {
  const warnings: string[] = [];
  const spec = decodeSpec(config, (message) => warnings.push(message));
  const plan = planCreate(spec, hosts[host], { ...plain, ...options });
  return `${JSON.stringify({ ...plan, warnings: [...warnings, ...plan.warnings.map(format)] }, wide, 2)}\n`;
}
