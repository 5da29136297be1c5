/** What the soak does: configurations that go through different parts of box, and the calls of one cycle with each. */
import { type Capabilities, defaultSpec, type Spec } from "../acceptance/harness/config.ts";

export interface Ingredient {
  readonly name: string;
  readonly change: (spec: Spec) => void;
  /** The program ends by itself: `run` it. Others wait to be killed. */
  readonly ends: boolean;
  /** What the failing call says. */
  readonly fails?: RegExp;
}

const hook = { path: "/bin/true" };
const waiting = ["/bin/sleep", "1000"];
const everything: Capabilities = {
  bounding: ["CAP_SYS_ADMIN"],
  effective: ["CAP_SYS_ADMIN"],
  permitted: ["CAP_SYS_ADMIN"],
};

export const mixture: readonly Ingredient[] = [
  { name: "plain", ends: true, change: () => {} },
  {
    name: "waiting",
    ends: false,
    change: ({ process }) => {
      process.args = waiting;
    },
  },
  {
    name: "user and time namespaces",
    ends: true,
    change: ({ linux }) => {
      linux.namespaces.push({ type: "user" }, { type: "time" });
      linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      linux.timeOffsets = { boottime: { secs: 100 } };
    },
  },
  {
    name: "filter, limits and devices",
    ends: false,
    change: ({ process, linux }) => {
      process.args = waiting;
      linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["reboot", "kexec_load"], action: "SCMP_ACT_ERRNO" }],
      };
      linux.resources = {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 10, minor: 200, access: "rw" },
        ],
        memory: { limit: 100_000_000 },
        pids: { limit: 100 },
        cpu: { shares: 512 },
      };
      linux.devices = [{ path: "/dev/net/tun", type: "c", major: 10, minor: 200, fileMode: 0o666 }];
    },
  },
  {
    name: "hooks",
    ends: true,
    change: (spec) => {
      const kinds = [
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "poststop",
      ] as const;
      spec.hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook]]));
    },
  },
  {
    name: "the host's processes and network, descendants",
    ends: false,
    change: ({ process, linux }) => {
      process.args = ["/bin/sh", "-c", "/bin/sleep 1000 & /bin/sleep 1000 & wait"];
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid" && type !== "network");
    },
  },
  {
    name: "many mounts",
    ends: true,
    change: ({ mounts, process }) => {
      process.capabilities = everything;
      for (let index = 0; index < 10; index++)
        mounts.push(
          { destination: `/tmp/t${index}`, type: "tmpfs", source: "tmpfs", options: ["size=64k", "tmpcopyup"] },
          { destination: `/home/b${index}`, type: "bind", source: "/usr/share", options: ["rbind", "ro"] },
        );
    },
  },
  {
    name: "a program that is not there",
    ends: true,
    change: ({ process }) => {
      process.args = ["/bin/nothing"];
    },
    fails: /ENOENT/,
  },
  {
    name: "a source that is not there",
    ends: true,
    change: ({ mounts }) =>
      void mounts.push({ destination: "/tmp", type: "bind", source: "/nowhere", options: ["bind"] }),
    fails: /ENOENT/,
  },
  {
    name: "a hook that fails",
    ends: true,
    change: (spec) => {
      spec.hooks = { createRuntime: [hook], createContainer: [{ path: "/bin/false" }] };
    },
    fails: /hooks/,
  },
];

/** For an ordinary user, whose configuration is what `box spec --rootless` writes. */
export const ofUser: readonly Ingredient[] = [
  {
    name: "a user's",
    ends: true,
    change: ({ process }) => {
      process.args = ["/bin/true"];
    },
  },
  {
    name: "a user's, waiting",
    ends: false,
    change: ({ process }) => {
      process.args = waiting;
    },
  },
  {
    name: "a user's, with hooks",
    ends: true,
    change: (spec) => {
      spec.process.args = ["/bin/true"];
      spec.hooks = { createRuntime: [hook], createContainer: [hook], startContainer: [hook], poststop: [hook] };
    },
  },
];

export function specOfRoot(): Spec {
  const spec = defaultSpec(["/bin/true"], "");
  spec.linux.namespaces.push({ type: "cgroup" });
  return spec;
}

/** The calls of a cycle but for the deletion that always follows; `random` is below 1, `user` without cgroups. */
export function callsOf(
  { ends, fails }: Ingredient,
  { id, random, user }: { id: string; random: () => number; user: boolean },
): readonly (readonly string[])[] {
  const begin = [
    ["create", id],
    ["start", id],
  ];
  if (ends) return fails !== undefined || random() < 0.7 ? [["run", id]] : begin;
  const middle = [
    [["exec", id, "/bin/true"]],
    [["state", id]],
    [["ps", "--format", "json", id]],
    [["events", "--stats", id]],
    [["update", "--pids-limit", "50", id]],
    [["pause", id]],
    [
      ["pause", id],
      ["resume", id],
    ],
    [["kill", id, "KILL"]],
  ];
  return [...begin, ...(middle[Math.floor(random() * (user ? 2 : middle.length))] ?? [])];
}
