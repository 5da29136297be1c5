import assert from "node:assert/strict";
import { test } from "node:test";
import { BoxError } from "../../src/base/errors.ts";
import { defaultSpec } from "../../src/spec/default.ts";
import { type Host, planText } from "./cases.ts";

type Json = Record<string, unknown>;

/** The text of the default configuration with one property replaced: "process.cwd", or "" for all of it. */
function configWith(path: string, value: unknown): string {
  if (path === "") return typeof value === "string" ? value : JSON.stringify(value);
  const config = JSON.parse(JSON.stringify(defaultSpec())) as Json;
  const steps = path.split(".");
  const parent = steps.slice(0, -1).reduce<Json>((inner, step) => inner[step] as Json, config);
  const last = steps.at(-1) as string;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(config);
}

const needsMount =
  'linux.namespaces: a "user" namespace has no rights over the mounts outside: it needs a new "mount" namespace';

const oneId = [{ containerID: 0, hostID: 0, size: 1 }];
/** All that the default mounts show but the network. */
const inUserNamespace = ["mount", "uts", "pid", "ipc", "cgroup", "user"].map((type) => ({ type }));

/** What is refused before anything is made, and how it is said. */
const refused: readonly (readonly [path: string, value: unknown, message: string, host?: Host])[] = [
  ["", "", "invalid JSON at line 1, column 1: the text ends where a value should be"],
  ["", '{"ociVersion": "1.3.0"', 'invalid JSON at line 1, column 23: the text ends where "," or "}" should be'],
  ["", "[".repeat(100_000), "JSON is nested deeper than 256 levels"],
  ["", `"${"x".repeat(16 * 1024 * 1024)}"`, "JSON text is longer than 16777216 characters"],
  ["", [], "must be an object, not an array"],
  ["", null, "must be an object, not null"],
  ["ociVersion", undefined, "ociVersion: is required"],
  ["ociVersion", "2.0.0", 'ociVersion: must be from 1.0.0 to 1.3.x, not "2.0.0"'],
  ["root", undefined, "root: is required"],
  ["root.path", "", "root.path: must not be empty"],
  ["root.path", 5, "root.path: must be a string, not 5"],
  ["root.path", "a\u0000b", 'root.path: must not contain a NUL character: "a\\u0000b"'],
  ["process.cwd", undefined, "process.cwd: is required"],
  ["process.cwd", "work", 'process.cwd: must be an absolute path, not "work"'],
  ["process.args", undefined, "process.args: is required"],
  ["process.args", [], "process.args: must not be empty"],
  ["process.args", ["sh", "a\u0000b"], 'process.args[1]: must not contain a NUL character: "a\\u0000b"'],
  ["process.user.uid", 4294967296, "process.user.uid: must be an integer from 0 to 4294967294, not 4294967296"],
  ["process.user.gid", -1, "process.user.gid: must be an integer from 0 to 4294967294, not -1"],
  ["process.user.uid", 0.5, "process.user.uid: must be an integer from 0 to 4294967294, not 0.5"],
  ["process.env", ["A"], 'process.env[0]: must be of the form NAME=value, not "A"'],
  ["process.apparmorProfile", "unconfined", "process.apparmorProfile: AppArmor is not in force on this host"],
  ["process.selinuxLabel", "a:b:c", "process.selinuxLabel: SELinux is not in force on this host"],
  ["linux.namespaces", [{ type: "user", path: "/ns/user" }, { type: "uts" }], needsMount],
  ["linux.namespaces", undefined, 'hostname: needs a namespace of type "uts" in linux.namespaces'],
  [
    "linux.namespaces",
    [{ type: "mount" }, { type: "uts" }, { type: "space" }],
    "linux.namespaces[2].type: must be one of mount, pid, network, uts, ipc, user, cgroup, time, " + 'not "space"',
  ],
  ["linux.cgroupsPath", "/", "linux.cgroupsPath: must name a cgroup below the root one"],
  ["linux.cgroupsPath", "/a/../b", 'linux.cgroupsPath: must not contain "..", as in "/a/../b"'],
  [
    "linux.resources",
    { memory: { swappiness: 5 } },
    "linux.resources.memory.swappiness: cgroup v2 has no such setting",
  ],
  [
    "linux.seccomp",
    {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath: "/run/agent",
      syscalls: [{ names: ["mkdir", "sendmsg"], action: "SCMP_ACT_NOTIFY" }],
    },
    "linux.seccomp.syscalls: must always allow sendmsg where SCMP_ACT_NOTIFY is used: the agent gets its descriptor by it",
  ],
  [
    "mounts",
    [{ destination: "/a", type: "tmpfs", options: ["idmap"] }],
    "mounts[0].options[0]: needs uidMappings and gidMappings, or a user namespace",
  ],
  [
    "linux",
    { namespaces: inUserNamespace, uidMappings: oneId, gidMappings: oneId },
    'mounts[5].type: beside a new user namespace "sysfs" needs a namespace of type "network" too, or bind /sys',
  ],
  ["linux.intelRdt", {}, "linux.intelRdt: this host has no resctrl mounted"],
  ["mounts", [{ destination: "" }], "mounts[0].destination: must not be empty"],
  ["mounts", [{ destination: "/a", options: ["bind"] }], "mounts[0].source: is required for a bind mount"],
  ["mounts", [{ destination: "/a" }], 'mounts[0].type: required unless "bind" or "rbind" is among the options'],
  ["hooks", { poststop: [{ path: "a" }] }, 'hooks.poststop[0].path: must be an absolute path, not "a"'],
  ["hostname", undefined, "linux.resources: this host has no cgroups mounted at /sys/fs/cgroup", "bare"],
];

for (const [path, value, message, host = "v2"] of refused) {
  const shown = JSON.stringify(value)?.slice(0, 40) ?? "missing";
  test(`a configuration is refused when ${path === "" ? "it" : path} is ${shown}${host === "v2" ? "" : ` on ${host}`}`, () => {
    try {
      planText(configWith(path, value), { host });
    } catch (thrown) {
      assert.ok(thrown instanceof BoxError, String(thrown));
      assert.equal(thrown.message, message);
      return;
    }
    assert.fail("it was planned");
  });
}
