/** What create refuses, with one clear line, before anything has been touched. */

import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { type Conditions, feature } from "./harness/suite.ts";

const scenario = feature("bad input", {
  clause:
    'runtime.md, Create: "If the runtime cannot apply a property as specified in the configuration, it MUST generate an error and a new container MUST NOT be created"',
});

async function refusedWithoutTrace(lab: Lab, container: Container, text?: RegExp): Promise<void> {
  refused(await container.creating().result(), text);
  await container.shim.finished();
  assert.deepEqual(lab.stateEntries(), []);
  assert.deepEqual(lab.leaks(), []);
  assert.ok(!existsSync(container.pidFile), "a pid file was written");
}

const configs: [string, (path: string) => void, RegExp?][] = [
  ["missing", (path) => rmSync(path), /config\.json/],
  ["empty", (path) => truncateSync(path), /config\.json/],
  ["cut short", (path) => truncateSync(path, 500), /config\.json/],
  ["no JSON", (path) => writeFileSync(path, "hello"), /config\.json/],
  ["followed by garbage", (path) => writeFileSync(path, '{"ociVersion":"1.0.2"} x'), /config\.json/],
  ["a list", (path) => writeFileSync(path, "[]"), /object/],
  ["null", (path) => writeFileSync(path, "null"), /object/],
  [
    "a directory",
    (path) => {
      rmSync(path);
      symlinkSync(".", path);
    },
    /config\.json/,
  ],
  [
    "a device",
    (path) => {
      rmSync(path);
      symlinkSync("/dev/zero", path);
    },
    /config\.json/,
  ],
  ["not UTF-8", (path) => writeFileSync(path, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))],
  [
    "100 MB of white space",
    (path) => {
      const fd = openSync(path, "w");
      const block = " ".repeat(1 << 20);
      for (let written = 0; written < 100; written++) writeSync(fd, block);
      closeSync(fd);
    },
    /config\.json: longer than 16777216 bytes/,
  ],
  ["100000 lists deep", (path) => writeFileSync(path, `{"annotations":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)],
];

/** runc would read /dev/zero for ever. */
const notForOthers = ["a device", "followed by garbage", "null", "not UTF-8"];

for (const [what, spoil, text] of configs) {
  const conditions: Conditions = notForOthers.includes(what) ? { boxOnly: "config.json is read with care" } : {};
  scenario(`create refuses a config.json that is ${what}`, conditions, async (lab) => {
    const container = lab.container(["/bin/true"]);
    spoil(join(container.bundle, "config.json"));
    await refusedWithoutTrace(lab, container, text);
  });
}

type Path = (string | number)[];

function set(spec: Spec, path: Path, value: unknown): void {
  const last = path.at(-1) ?? "";
  let at = spec as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Record<string | number, unknown>;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
}

/** Property, value (undefined: left out), and whether any runtime refuses it. */
const values: [string, Path, unknown, "all" | "box"][] = [
  ["no ociVersion", ["ociVersion"], undefined, "box"],
  ["an ociVersion of another major", ["ociVersion"], "2.0.0", "box"],
  ["an ociVersion that is a number", ["ociVersion"], 1, "all"],
  ["no root", ["root"], undefined, "all"],
  ["no root path", ["root", "path"], undefined, "box"],
  ["a root path that is a number", ["root", "path"], 7, "all"],
  ["a root path that does not exist", ["root", "path"], "nothing-here", "all"],
  ["a root path that is a file", ["root", "path"], "config.json", "all"],
  ["no cwd", ["process", "cwd"], undefined, "all"],
  ["a relative cwd", ["process", "cwd"], "tmp", "all"],
  ["no args", ["process", "args"], undefined, "all"],
  ["empty args", ["process", "args"], [], "all"],
  ["args that are a string", ["process", "args"], "/bin/true", "all"],
  ["an argument that is a number", ["process", "args"], ["/bin/true", 1], "all"],
  ["an argument with a NUL character", ["process", "args"], ["/bin/true", "a\0b"], "box"],
  ["a variable without an equals sign", ["process", "env"], ["PATH=/bin", "NOVALUE"], "box"],
  ["a uid below zero", ["process", "user", "uid"], -1, "all"],
  ["a uid of 2^32", ["process", "user", "uid"], 4_294_967_296, "all"],
  ["a uid with a fraction", ["process", "user", "uid"], 1.5, "all"],
  ["a gid that is a string", ["process", "user", "gid"], "0", "all"],
  ["a umask above 0777", ["process", "user", "umask"], 0o1777, "box"],
  ["a terminal that is a string", ["process", "terminal"], "yes", "all"],
  ["an unknown resource limit", ["process", "rlimits"], [{ type: "RLIMIT_NONE", soft: 1, hard: 1 }], "all"],
  [
    "a resource limit named twice",
    ["process", "rlimits"],
    [1, 2].map((n) => ({ type: "RLIMIT_NOFILE", soft: n, hard: n })),
    "box",
  ],
  ["a soft limit above the hard one", ["process", "rlimits"], [{ type: "RLIMIT_NOFILE", soft: 20, hard: 10 }], "all"],
  ["an oom_score_adj beyond 1000", ["process", "oomScoreAdj"], 1001, "all"],
  ["mounts that are an object", ["mounts"], {}, "all"],
  ["a mount without a destination", ["mounts", 0], { type: "proc", source: "proc" }, "box"],
  ["a mount option that is a number", ["mounts", 0, "options"], [1], "all"],
  ["namespaces that are a string", ["linux", "namespaces"], "all", "all"],
  ["a namespace without a type", ["linux", "namespaces", 0], {}, "all"],
  ["an unknown namespace", ["linux", "namespaces", 0], { type: "unknown" }, "all"],
  ["an unknown propagation", ["linux", "rootfsPropagation"], "sideways", "all"],
  ["a device of an unknown type", ["linux", "devices"], [{ path: "/dev/x", type: "q", major: 1, minor: 3 }], "all"],
  ["a relative masked path", ["linux", "maskedPaths"], ["proc/kcore"], "box"],
  ["a relative read-only path", ["linux", "readonlyPaths"], ["proc/sys"], "box"],
  ["an id mapping without a user namespace", ["linux", "uidMappings"], [{ containerID: 0, hostID: 0, size: 1 }], "box"],
  ["a time offset without a time namespace", ["linux", "timeOffsets"], { monotonic: { secs: 1 } }, "box"],
  ["hooks that are a list", ["hooks"], [], "all"],
  ["a hook without a path", ["hooks"], { createRuntime: [{}] }, "box"],
  ["a hook with a relative path", ["hooks"], { poststop: [{ path: "bin/true" }] }, "box"],
  ["a hook with a timeout of zero", ["hooks"], { createRuntime: [{ path: "/bin/true", timeout: 0 }] }, "box"],
  ["an annotation that is a number", ["annotations"], { key: 1 }, "all"],
  ["an unknown seccomp action", ["linux", "seccomp"], { defaultAction: "SCMP_ACT_NOTHING" }, "all"],
];

for (const [what, path, value, by] of values) {
  const conditions: Conditions = by === "box" ? { boxOnly: "validation before action" } : {};
  scenario(`create refuses ${what}`, conditions, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => set(spec, path, value));
    // The name of the property that is wrong, wherever it stands in the path.
    const last = path.findLast((part) => typeof part === "string") as string;
    const name = last === "path" ? "root" : last;
    await refusedWithoutTrace(lab, container, new RegExp(name, "i"));
  });
}

scenario(
  "create ignores unknown properties",
  { clause: 'config.md, Extensibility: "MUST ignore unknown properties"' },
  async (lab) => {
    const container = await lab.created(["/bin/true"], (spec) => {
      for (const path of [
        ["unknown"],
        ["process", "unknown"],
        ["process", "user", "unknown"],
        ["linux", "unknown"],
        ["linux", "namespaces", 0, "unknown"],
        ["linux", "resources", "unknown"],
        ["root", "unknown"],
        ["mounts", 0, "unknown"],
      ]) {
        set(spec, path, { anything: [1, null] });
      }
    });
    await container.expectStatus("created");
  },
);

scenario(
  "create ignores what other platforms have",
  { clause: "config.md, Platform-specific configuration" },
  async (lab) => {
    const container = await lab.created(["/bin/true"], (spec) => {
      set(spec, ["windows"], { layerFolders: ["C:\\\\layer"], network: { endpointList: ["one"] } });
      set(spec, ["solaris"], { milestone: "svc:/milestone/container:default" });
      set(spec, ["vm"], { kernel: { path: "/nothing/vmlinuz" } });
      set(spec, ["zos"], {});
      set(spec, ["freebsd"], {});
      set(spec, ["process", "commandLine"], "nothing.exe /x");
    });
    await container.expectStatus("created");
  },
);

scenario("create refuses a bundle that does not exist", async (lab) => {
  refused(await lab.runtime.call(["create", "--bundle", lab.path("nothing"), lab.newId()]), /nothing/);
});

scenario("create refuses a bundle that is a file", async (lab) => {
  writeFileSync(lab.path("file"), "");
  refused(await lab.runtime.call(["create", "--bundle", lab.path("file"), lab.newId()]), /file/);
});

scenario("create refuses a pid file in a directory that does not exist, and leaves nothing", async (lab) => {
  const container = lab.container(["/bin/true"]);
  const shim = lab.watch(lab.runtime.create(container.id, container.bundle, ["--pid-file", lab.path("no/such/pid")]));
  refused(await shim.result());
  await shim.finished();
  assert.deepEqual(lab.leaks(), []);
});

scenario("an id of 255 bytes is as good as any", async (lab) => {
  const container = lab.container(["/bin/echo", "long"]);
  const id = `${container.id}-${"x".repeat(255)}`.slice(0, 255);
  container.spec.linux.cgroupsPath = lab.cgroupsPath(container.id);
  container.writeConfig();
  const shim = lab.watch(lab.runtime.create(id, container.bundle));
  lab.later(async () => void (await lab.runtime.delete(id, "--force")));
  await shim.ok();
  assert.equal((await lab.runtime.start(id)).status, 0);
  assert.equal(await shim.stdout.end(), "long\n");
});

scenario("create refuses an offset of a clock that has none, and names it", { boxOnly: "its text" }, async (lab) => {
  const container = lab.container(["/bin/true"], ({ linux }) => {
    linux.namespaces.push({ type: "time" });
    linux.timeOffsets = { realtime: { secs: 1 } };
  });
  await refusedWithoutTrace(lab, container, /linux\.timeOffsets\["realtime"\]: must be for monotonic or boottime/);
});
