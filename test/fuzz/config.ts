/**
 * Configurations that are nearly right: a valid one with a few places changed, each to something likely, something
 * wrong, or nothing. The places and their types come from the schema, what is likely at a place from a vocabulary.
 */
import * as fc from "fast-check";
import { defaultSpec } from "../../src/spec/default.ts";
import { capabilityNames } from "../../src/spec/vocabulary.ts";
import type { Node } from "../../tools/gen-validators.ts";
import { arbitrary, nodeOf, type Place, places, spoilt, wrongValues } from "../schema/nodes.ts";

const paths = ["/", "/a", "/a/b", "/dev", "/dev/null", "/dev/pts", "/etc/passwd", "/proc", "/proc/self", "/proc/sys"];
const morePaths = ["/sys", "/sys/fs/cgroup", "/tmp", "/bin", "/bin/true", "/..", "/../etc", "/out", "/loop", "/in/x"];
const anyPath = [...paths, ...morePaths, "", "a", "../x", `/${"x".repeat(300)}`, `/${"y/".repeat(2100)}z`];
const options = ["ro", "rw", "nosuid", "nodev", "noexec", "bind", "rbind", "rro", "rnosuid", "private", "rshared"];
const moreOptions = ["slave", "unbindable", "idmap", "ridmap", "tmpcopyup", "size=64k", "mode=755", "remount", "x=y"];
const ids = [0, 1, 1000, 65534, 100_000, 4_294_967_294];
const numbers = [0, 1, -1, 2, 100, 4096, 1_048_576, 100_000_000, 2 ** 31, 2 ** 53 - 1];

/**
 * What is tried at a place besides what its type allows, by the end of its path. No file system of a block device, no
 * program that could do harm, and neither a frozen cgroup nor one that waits for memory: they would wait by right.
 */
const vocabulary: readonly (readonly [place: RegExp, values: readonly unknown[], only?: boolean])[] = [
  [/^ociVersion$/, ["1.0.0", "1.0.2", "1.1.0", "1.2.0", "1.3.0", "1.3.9"]],
  [/^root\.path$/, ["rootfs", "/fuzz/bundle/rootfs", "rootfs/", "link", "nothing", "config.json", "rootfs/bin"], true],
  [/mounts\[0]\.destination$/, anyPath],
  [
    /mounts\[0]\.type$/,
    ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "bind", "none", "overlay", "ramfs", "nosuchfs"],
    true,
  ],
  [
    /mounts\[0]\.source$/,
    ["rootfs", "/", "/proc", "/dev/null", "/etc/passwd", "nothing", "tmpfs", "link", ".", "/tmp"],
  ],
  [/mounts\[0]\.options\[0]$/, [...options, ...moreOptions], true],
  [/hooks\.\w+\[0]\.path$/, ["/bin/true", "/bin/false", "/nothing", "/etc/passwd", "/bin", "true"], true],
  [/hooks\.\w+\[0]\.args$/, [["true"], [], ["false", "x"]], true],
  [/hooks\.\w+\[0]\.timeout$/, [1, 5, 0, -1, 2 ** 31], true],
  [/process\.args$/, [["/bin/true"], ["true"], ["false"], ["sh", "-c", "exit 3"], ["/nothing"], [""], ["/bin"]], true],
  [/process\.args\[0]$/, ["/bin/true", "true", "/nothing", "", "/etc/passwd", "\u0007"], true],
  [/process\.cwd$/, anyPath],
  [/process\.env\[0]$/, ["PATH=/bin", "PATH=", "HOME=/", "A=1", "=x", "novalue", `B=${"x".repeat(100_000)}`]],
  [/capabilities\.\w+\[0]$/, [...capabilityNames, "CAP_NOTHING", "", "CHOWN"], true],
  [/rlimits\[0]\.(soft|hard)$/, [...numbers, 18_446_744_073_709_551_615n]],
  [/oomScoreAdj$/, [0, 1, 1000, -1000, 1001]],
  [/selinuxLabel|apparmorProfile|mountLabel$/, ["", "unconfined", "system_u:object_r:x_t:s0", "a\nb"]],
  [/execCPUAffinity\.\w+$/, ["0", "0-1", "999", "x", ""]],
  [/scheduler\.priority$/, [0, 1, 99, 100, -1]],
  [/namespaces\[0]\.path$/, ["pid", "net", "mnt", "ipc", "uts", "user", "time"].map((name) => `/proc/1/ns/${name}`)],
  [/(container|host)ID$/, ids],
  [/Mappings\[0]\.size$/, [1, 2, 65_536, 4_294_967_295, 0]],
  [/(uid|gid|additionalGids\[0])$/, ids],
  [/devices\[0]\.path$/, ["/dev/a", "/dev/null", "/dev/a/b", "/dev", "/proc/x", "/../x", "/out/x", "x"]],
  [/devices\[0]\.(major|minor)$/, [0, 1, 3, 5, 255, -1, 2 ** 20, 2 ** 32]],
  [
    /cgroupsPath$/,
    ["", "/leaf", "leaf", "/stays/leaf", "/", "/box", "a/../b", "/..", "s:b:n", "/self", `/${"z".repeat(300)}`],
    true,
  ],
  [/sysctl\["key"]$/, ["0", "1", "fuzz", "", "1\n2", "x".repeat(5000)], true],
  [/netDevices\["key"]\.name$/, ["eth0", "lo", "", "..", "x".repeat(20)]],
  [/unified\["key"]$/, ["max", "0", "100", "", "x\ny", "default 100"], true],
  [/cpu\.(cpus|mems)$/, ["0", "0-1", "99", "", "1-0", "x"]],
  [/cpu\.(quota|realtimeRuntime)$/, [-1, 0, 50_000, 1_000_000, -5], true],
  [/cpu\.(period|realtimePeriod)$/, [0, 1, 100_000, 1_000_000], true],
  [/disableOOMKiller$/, [false], true],
  [/hugepageLimits\[0]\.pageSize$/, ["2MB", "1GB", "3KB", "2M", "../x", ""]],
  [/(limit|reservation|swap|kernel\w*|shares|weight|burst|rate|priority|secs)$/, numbers],
  [/seccomp\.listenerPath$/, ["/tmp/nothing.sock", "nothing", "/dev/null"], true],
  [/seccomp\.syscalls\[0]\.names\[0]$/, ["read", "execve", "mount", "exit_group", "nosuchcall", "clone3", "getpid"]],
  [/maskedPaths\[0]|readonlyPaths\[0]$/, anyPath],
  [/memoryPolicy\.nodes$/, ["0", "0-1", "99", "", "x"]],
  [/intelRdt\.closID$/, ["", "fuzz", "..", "a/b", "/"]],
  [/annotations\["key"]$/, ["", "x", "x".repeat(10_000)]],
];

/** Keys of maps, which the schema leaves free. */
const keys: readonly (readonly [place: RegExp, keys: readonly string[]])[] = [
  [
    /sysctl$/,
    ["net.ipv4.ip_forward", "net/core/somaxconn", "kernel.shmmax", "kernel.hostname", "fs.mqueue.msg_max"].concat(
      "net.nothing",
      "vm.nothing",
      "../x",
      "kernel..x",
      "",
    ),
  ],
  [
    /unified$/,
    [
      "memory.max",
      "pids.max",
      "cgroup.freeze",
      "cgroup.kill",
      "cpu.weight",
      "hugetlb.2MB.max",
      "../x",
      "cgroup.procs",
      "nothing",
      "",
    ],
  ],
  [/netDevices$/, ["lo", "eth9", "../x", ""]],
  [/rdma$/, ["mlx5_0", "", "a b"]],
  [/annotations$/, ["a", "org.x", "", "__proto__", "constructor"]],
];

/** Something that may be right at a place. */
function likely(node: Node, path: string): fc.Arbitrary<unknown> {
  const known = vocabulary.find(([place]) => place.test(path));
  const typed = node.properties === undefined ? ofType(node, path) : record(node, path);
  if (known === undefined) return typed;
  const [, values, only = false] = known;
  const words = fc.constantFrom(...values);
  return only ? words : fc.oneof({ weight: 4, arbitrary: words }, { weight: 1, arbitrary: typed });
}

function ofType(node: Node, path: string): fc.Arbitrary<unknown> {
  if (node.items !== undefined)
    return fc.array(likely(node.items, `${path}[0]`), { minLength: node.minItems ?? 0, maxLength: 3 });
  const values = Object.values(node.patternProperties ?? {})[0];
  if (values === undefined) return arbitrary(node);
  const names = keys.find(([place]) => place.test(path))?.[1] ?? ["key"];
  return fc.dictionary(fc.constantFrom(...names), likely(values, `${path}["key"]`), { maxKeys: 3 });
}

function record(node: Node, path: string): fc.Arbitrary<unknown> {
  const entries = Object.entries(node.properties ?? {});
  const parts = Object.fromEntries(entries.map(([key, child]) => [key, likely(child, `${path}.${key}`)]));
  return fc.record(parts, { requiredKeys: [...(node.required ?? [])] });
}

const program = { terminal: false, args: ["/bin/true"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };

/** What the changes start from: the sample, hardly anything, one in a user namespace, one that asks for much. */
function bases(): readonly object[] {
  const sample = defaultSpec();
  const namespaces = ["pid", "network", "mount", "ipc", "uts", "cgroup"].map((type) => ({ type }));
  const map = [{ containerID: 0, hostID: 0, size: 65_536 }];
  const minimal = {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: program,
    linux: { namespaces: [{ type: "mount" }] },
  };
  return [
    { ...sample, root: { path: "rootfs" }, process: { ...sample.process, ...program } },
    minimal,
    {
      ...minimal,
      mounts: sample.mounts?.filter(({ type }) => type !== "cgroup"),
      linux: { namespaces: [...namespaces, { type: "user" }], uidMappings: map, gidMappings: map },
    },
    {
      ...minimal,
      hostname: "fuzz",
      mounts: [...(sample.mounts ?? []), { destination: "/data", source: "rootfs/bin", options: ["rbind", "ro"] }],
      process: {
        ...program,
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
        capabilities: { bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"] },
        noNewPrivileges: true,
        oomScoreAdj: 10,
      },
      hooks: { createRuntime: [{ path: "/bin/true" }], poststop: [{ path: "/bin/true" }] },
      linux: {
        namespaces,
        sysctl: { "net.ipv4.ip_forward": "1" },
        devices: [{ path: "/dev/fuzz", type: "c", major: 1, minor: 3 }],
        resources: {
          devices: [{ allow: false, access: "rwm" }],
          memory: { limit: 100_000_000 },
          pids: { limit: 50 },
          cpu: { shares: 512 },
        },
        seccomp: {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["mount"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
        },
        maskedPaths: ["/proc/kcore"],
        readonlyPaths: ["/proc/sys"],
      },
    },
  ];
}

interface Change {
  readonly steps: readonly (string | number)[];
  /** Which item of an array, counted from the first; beyond the last it is a new one. */
  readonly item: number;
  /** undefined: the place is removed. */
  readonly value: unknown;
}

function changeAt({ path, steps, node }: Place): fc.Arbitrary<Change> {
  const value = fc.oneof(
    { weight: 8, arbitrary: likely(node, path) },
    { weight: 1, arbitrary: fc.constantFrom(...wrongValues(node)) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  return fc.record({ steps: fc.constant(steps), item: fc.nat(3), value });
}

/** Applied as far as the document goes: what lies in an object that is not there changes nothing. */
function apply(document: unknown, { steps, item, value }: Change): unknown {
  const actual: (string | number)[] = [];
  let here = document;
  for (const [index, step] of steps.entries()) {
    if (typeof here !== "object" || here === null) return document;
    const last = index === steps.length - 1;
    const next = Array.isArray(here) ? Math.min(item, last ? here.length : here.length - 1) : step;
    if (Array.isArray(here) !== (typeof step === "number") || next === -1) return document;
    actual.push(next);
    here = (here as Record<string | number, unknown>)[next];
  }
  return spoilt(document, actual, value);
}

/** A configuration as JSON text; most of them are taken by create. */
export const configuration: fc.Arbitrary<string> = fc
  .record({
    base: fc.constantFrom(...bases()),
    changes: fc.array(fc.oneof(...places(nodeOf("Spec")).slice(1).map(changeAt)), { minLength: 1, maxLength: 5 }),
  })
  .map(({ base, changes }) => toJson(changes.reduce<unknown>(apply, base)));

/** Integers beyond 2^53 as they are written in a file. */
function toJson(document: unknown): string {
  const marked = JSON.stringify(document, (_, value: unknown) =>
    typeof value === "bigint" ? `\u{e000}${value}` : value,
  );
  return marked.replace(/"\u{e000}(-?[0-9]+)"/gu, "$1");
}
