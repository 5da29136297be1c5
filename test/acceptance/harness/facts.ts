/** What this machine and this runtime offer. Probed once per run by doing the thing, not by reading about it. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, statfsSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { CgroupManager } from "./context.ts";
import { cgroupHost } from "./host.ts";
import { cgroupHome } from "./user.ts";

const unshareFlags = {
  pid: ["--pid", "--fork"],
  network: ["--net"],
  mount: ["--mount"],
  ipc: ["--ipc"],
  uts: ["--uts"],
  cgroup: ["--cgroup"],
  time: ["--time", "--fork"],
  user: ["--user"],
} as const;

const controllers = ["memory", "pids", "cpu", "cpuset", "devices", "freezer"] as const;

const optionalCommands = [
  "exec",
  "mounts",
  "pause",
  "resume",
  "ps",
  "update",
  "events",
  "checkpoint",
  "features",
  "run",
  "list",
  "spec",
] as const;

/** Options that not every runtime has. */
const optionsOfExec = ["additional-gids", "ignore-paused", "pidfd-socket"] as const;
const optionsOfCreate = ["pidfd-socket"] as const;

export type Need =
  | "root"
  | "busybox"
  | "userspace: setpriv"
  | "userspace: ps"
  | "mount: proc"
  | "mount: sysfs"
  | "mount: overlay"
  | "mount: id mapping"
  | "pidfd: exit status"
  | "memfd: not to be executed"
  | "files that outlive a boot"
  | "cgroup: writable"
  | "cgroup: by cgroupfs"
  | "systemd"
  | "user manager"
  | "cgroup: v2"
  | "cgroup: v1"
  | `cgroup: ${(typeof controllers)[number]}`
  | `namespace: ${keyof typeof unshareFlags}`
  | "mount: proc of the caller's pid namespace"
  | "user namespaces of an ordinary user"
  | "newuidmap with subordinate ids"
  | "device: fuse"
  | "network device: veth"
  | "seccomp"
  | "machine: x86-64"
  | "apparmor"
  | "selinux"
  | "criu"
  | `command: ${(typeof optionalCommands)[number]}`
  | `exec: ${(typeof optionsOfExec)[number]}`
  | `create: ${(typeof optionsOfCreate)[number]}`;

/** A directory for files that are to be there after a boot: hier(7). Somebody may have put a tmpfs there all the same. */
export const outlivesBoot = "/var/tmp";
const tmpfsMagic = 0x0102_1994;

/** The reason why a need is not met; an empty one where it is. */
export type Facts = Record<Need, string>;

const isRoot = process.getuid?.() === 0;

/** What running any container takes. */
export const toRunAContainer: Need[] = [
  ...(isRoot ? (["cgroup: writable"] as const) : (["user namespaces of an ordinary user"] as const)),
  "busybox",
  "namespace: pid",
  "namespace: network",
  "namespace: ipc",
  "namespace: uts",
  "namespace: mount",
  "mount: proc",
  "mount: sysfs",
];

function tried(...argv: [string, ...string[]]): string {
  const [file, ...args] = argv;
  const { status, stderr, error } = spawnSync(file, args, { encoding: "utf8" });
  if (status === 0) return "";
  // There is no output then.
  if (error !== undefined) return error.message;
  const words = stderr.trim().split("\n");
  return words.findLast((line) => !line.includes("dmesg(1)")) || `${file} ended with ${status}`;
}

/** As `tried`, by an ordinary user as root of a user namespace of its own. */
function triedByRoot(...argv: [string, ...string[]]): string {
  return isRoot ? tried(...argv) : tried("unshare", "--user", "--map-root-user", "--", ...argv);
}

function readable(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function cgroupFacts(): [Need, string][] {
  const { layout, hierarchies } = cgroupHost();
  const trial = (top: string | undefined): string => {
    if (top === undefined) return "no cgroup file system is mounted";
    if (home === undefined) return `none is delegated to an ordinary user (${layout})`;
    const path = join(top, home, `acceptance-probe-${process.pid}`);
    try {
      mkdirSync(path);
      rmdirSync(path);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const home = cgroupHome();
  const enabled = readable(join(hierarchies["unified"] ?? "/nonexistent", home ?? "", "cgroup.controllers")).split(" ");
  const has = (name: string): boolean => {
    if (layout !== "v2") return name in hierarchies;
    if (name === "devices" && !isRoot) return false;
    // cgroup2 has no controller for these: devices is a BPF program, freezing is part of the core.
    return enabled.includes(name) || name === "devices" || name === "freezer";
  };
  return [
    ["cgroup: writable", trial(Object.values(hierarchies)[0])],
    ["cgroup: v2", layout === "v2" ? "" : `the cgroup layout is ${layout}`],
    ["cgroup: v1", layout === "v1" || layout === "hybrid" ? "" : `the cgroup layout is ${layout}`],
    ...controllers.map((name): [Need, string] => [
      `cgroup: ${name}`,
      home === undefined
        ? `none is delegated to an ordinary user (${layout})`
        : has(name)
          ? ""
          : `no ${name} controller (${layout})`,
    ]),
  ];
}

/** As an ordinary user, whoever we are. */
function asUser(...argv: [string, ...string[]]): string {
  if (process.getuid?.() !== 0) return tried(...argv);
  return tried("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", ...argv);
}

function systemdFact(): string {
  if (!existsSync("/run/systemd/system")) return "systemd does not run on this host";
  return tried("systemctl", "show", "--property=Version");
}

function userManagerFact(): string {
  if (process.getuid?.() === 0) return "root has the system's own";
  return systemdFact() || tried("systemctl", "--user", "show", "--property=Version");
}

export interface Tools {
  cgroupManager: CgroupManager;
  busybox: string;
  runtime: string;
}

export function probe(tools: Tools): Facts {
  const root = process.getuid?.() === 0 ? "" : `not root (uid ${process.getuid?.()})`;
  const facts: [Need, string][] = [
    ["root", root],
    [
      "busybox",
      existsSync(tools.busybox) ? "" : `no static busybox at ${tools.busybox} (apt-get install busybox-static)`,
    ],
    ["userspace: setpriv", tried("setpriv", "--version")],
    ["userspace: ps", tried("ps", "-ef")],
    ["mount: proc", triedByRoot("unshare", "--mount", "--pid", "--fork", "--mount-proc", "true")],
    [
      "mount: proc of the caller's pid namespace",
      triedByRoot("unshare", "--mount", "mount", "-t", "proc", "proc", "/proc"),
    ],
    ["mount: sysfs", triedByRoot("unshare", "--mount", "--net", "mount", "-t", "sysfs", "none", "/sys")],
    [
      "mount: overlay",
      triedByRoot("unshare", "--mount", "mount", "-t", "overlay", "-o", "lowerdir=/usr:/etc", "none", "/mnt"),
    ],
    ["mount: id mapping", kernelSince(5, 12)],
    ["pidfd: exit status", kernelSince(6, 15)],
    ["memfd: not to be executed", existsSync("/proc/sys/vm/memfd_noexec") ? "" : "the kernel has no vm.memfd_noexec"],
    ["files that outlive a boot", statfsSync(outlivesBoot).type === tmpfsMagic ? `${outlivesBoot} is in memory` : ""],
    ...cgroupFacts(),
    ["cgroup: by cgroupfs", tools.cgroupManager === "cgroupfs" ? "" : `the cgroup manager is ${tools.cgroupManager}`],
    ["systemd", systemdFact()],
    ["user manager", userManagerFact()],
    ...Object.entries(unshareFlags).map(([kind, flags]): [Need, string] => [
      `namespace: ${kind as keyof typeof unshareFlags}`,
      triedByRoot("unshare", ...flags, "true"),
    ]),
    ["user namespaces of an ordinary user", asUser("unshare", "--user", "--map-root-user", "true")],
    ["newuidmap with subordinate ids", subordinateIds()],
    ["device: fuse", existsSync("/dev/fuse") ? "" : "the kernel has no /dev/fuse"],
    ["network device: veth", triedByRoot("unshare", "--net", "ip", "link", "add", "acc0", "type", "veth")],
    ["seccomp", readable("/proc/sys/kernel/seccomp/actions_avail") ? "" : "the kernel has no seccomp filters"],
    ["machine: x86-64", process.arch === "x64" ? "" : `the machine is ${process.arch}`],
    ["apparmor", readable("/sys/module/apparmor/parameters/enabled") === "Y" ? "" : "AppArmor is not enabled"],
    ["selinux", existsSync("/sys/fs/selinux/enforce") ? "" : "SELinux is not enabled"],
    ["criu", tried("criu", "check")],
    ...optionalCommands.map((name): [Need, string] => [
      `command: ${name}`,
      tried(tools.runtime, name, "--help") && `the runtime has no command ${name}`,
    ]),
    ...optionFacts(tools.runtime, "exec", optionsOfExec),
    ...optionFacts(tools.runtime, "create", optionsOfCreate),
  ];
  return Object.fromEntries(facts) as Facts;
}

function optionFacts(runtime: string, command: "exec" | "create", options: readonly string[]): [Need, string][] {
  const help = spawnSync(runtime, [command, "--help"], { encoding: "utf8" }).stdout ?? "";
  return options.map((option) => [
    `${command}: ${option}` as Need,
    help.includes(`--${option}`) ? "" : `the runtime's ${command} has no option --${option}`,
  ]);
}

function kernelSince(major: number, minor: number): string {
  const [has = 0, hasMinor = 0] = release().split(".").map(Number);
  return has > major || (has === major && hasMinor >= minor)
    ? ""
    : `the kernel is ${release()}, not ${major}.${minor} or newer`;
}

function subordinateIds(): string {
  // The tests make an account with ranges of its own.
  const absent = ["newuidmap", "newgidmap", "useradd"].find((name) => tried("which", name) !== "");
  return absent === undefined ? "" : `no ${absent} (apt-get install uidmap passwd)`;
}
