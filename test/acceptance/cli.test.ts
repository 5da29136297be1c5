import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { command } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import { type Conditions, feature } from "./harness/suite.ts";

const scenario = feature("command line", { bare: true });

const direct = (...args: string[]) => command([context.runtime.path, ...args]);

const commands = ["create", "start", "state", "kill", "delete", "run", "list", "spec", "features"];
const ownCommands = ["validate", "doctor", "trace"];

for (const flag of ["--version", "-v"]) {
  scenario(`${flag} prints name, version and specification`, async () => {
    const { stdout, stderr } = ok(await direct(flag));
    assert.match(stdout, /^\w+ version \S+\n(.*\n)*spec: 1\.\d+\.\d+/);
    assert.equal(stderr, "");
  });
}

for (const flag of ["--help", "-h", "help"]) {
  scenario(`${flag} lists the commands`, { boxOnly: "help texts" }, async () => {
    const { stdout, stderr } = ok(await direct(flag));
    for (const name of [...commands, ...ownCommands]) assert.match(stdout, new RegExp(`^\\s+${name}\\b`, "m"));
    assert.equal(stderr, "");
  });
}

for (const name of [...commands, ...ownCommands]) {
  const conditions: Conditions = ownCommands.includes(name) ? { boxOnly: "a command of box's own" } : {};
  scenario(`${name} --help explains its options`, conditions, async () => {
    const { stdout } = ok(await direct(name, "--help"));
    assert.match(stdout, new RegExp(name));
  });
}

const wrong: [string, string[]][] = [
  ["an unknown command", ["frobnicate"]],
  ["an unknown global option", ["--frobnicate", "list"]],
  ["an unknown option of a command", ["state", "--frobnicate", "x"]],
  ["a global option without its value", ["--root"]],
  ["an unknown log format", ["--log-format", "xml", "list"]],
  ["an unknown cgroup manager", ["--cgroup-manager", "openrc", "list"]],
  ["two cgroup managers at once", ["--systemd-cgroup", "--cgroup-manager", "cgroupfs", "list"]],
  ["state without an id", ["state"]],
  ["state with two ids", ["state", "a", "b"]],
  ["start without an id", ["start"]],
  ["create without an id", ["create"]],
  ["create with two ids", ["create", "a", "b"]],
  ["kill without an id", ["kill"]],
  ["delete without an id", ["delete"]],
  ["list with an operand", ["list", "x"]],
  ["list with an unknown format", ["list", "--format", "yaml"]],
];

for (const [what, args] of wrong) {
  scenario(`${what} is an error with one clear line`, { boxOnly: "usage errors" }, async (lab) => {
    const global = args[0]?.startsWith("--") ? [] : ["--root", lab.root];
    refused(await direct(...global, ...args));
  });
}

scenario("options take their value after an equals sign too", async (lab) => {
  mkdirSync(lab.root);
  const { stdout } = ok(await command([context.runtime.path, `--root=${lab.root}`, "list", "--format=json"]));
  assert.match(stdout, /^(null|\[\s*\])\s*$/);
});

const badIds: [string, string][] = [
  ["empty", ""],
  ["a full stop", "."],
  ["two full stops", ".."],
  ["a path", "a/b"],
  ["a path upwards", "../x"],
  ["an absolute path", "/tmp/x"],
  ["a space", "a b"],
  ["a line feed", "a\nb"],
  ["a colon", "a:b"],
  ["an at sign", "a@b"],
  ["a letter beyond ASCII", "ä"],
  ["256 bytes", "x".repeat(256)],
  ["100000 bytes", "x".repeat(100_000)],
];

for (const [what, id] of badIds) {
  for (const name of ["create", "state", "kill", "delete"] as const) {
    scenario(
      `${name} refuses an id that is ${what}`,
      name === "create" ? {} : { boxOnly: "ids are checked by every command" },
      async (lab) => {
        mkdirSync(lab.path("bundle/rootfs"), { recursive: true });
        const config = {
          ociVersion: "1.0.2",
          process: { cwd: "/", args: ["x"], user: { uid: 0, gid: 0 } },
          root: { path: "rootfs" },
          linux: {},
        };
        writeFileSync(lab.path("bundle/config.json"), JSON.stringify(config));
        const args = name === "create" ? ["create", "--bundle", lab.path("bundle"), "--", id] : [name, "--", id];
        refused(await lab.runtime.call(args), /id/i);
      },
    );
  }
}

scenario(
  "list of an empty state directory prints the header alone",
  { boxOnly: "the table of list", needs: ["command: list"] },
  async (lab) => {
    mkdirSync(lab.root);
    assert.match(ok(await lab.runtime.list()).stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/);
  },
);

scenario(
  "features prints JSON with what the specification asks for",
  { needs: ["command: features"], clause: "features.md" },
  async () => {
    const features = JSON.parse(ok(await direct("features")).stdout) as {
      ociVersionMin: string;
      ociVersionMax: string;
      hooks: string[];
      mountOptions: string[];
      linux: { namespaces: string[]; capabilities: string[] };
    };
    assert.match(features.ociVersionMin, /^1\./);
    assert.match(features.ociVersionMax, /^1\./);
    for (const hook of ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]) {
      assert.ok(features.hooks.includes(hook), hook);
    }
    for (const option of ["ro", "bind", "rbind", "nosuid", "rshared"])
      assert.ok(features.mountOptions.includes(option), option);
    for (const type of ["pid", "network", "mount", "ipc", "uts", "user", "cgroup"]) {
      assert.ok(features.linux.namespaces.includes(type), type);
    }
    assert.ok(features.linux.capabilities.includes("CAP_SYS_ADMIN"));
  },
);

scenario("--log receives the error", async (lab) => {
  refused(
    await lab.runtime
      .call(["--log", lab.path("log"), "state", "unknown"])
      .then((result) => ({ ...result, stderr: result.stderr || "x\n" })),
  );
  assert.match(readFileSync(lab.path("log"), "utf8"), /does not exist/);
});

scenario("--log-format json writes one object with level, message and time", async (lab) => {
  await lab.runtime.call(["--log", lab.path("log"), "--log-format", "json", "state", "unknown"]);
  const lines = readFileSync(lab.path("log"), "utf8").trimEnd().split("\n");
  assert.equal(lines.length, 1);
  const entry = JSON.parse(lines[0] ?? "") as Record<string, string>;
  assert.equal(entry["level"], "error");
  assert.match(entry["msg"] ?? "", /does not exist/);
  assert.ok(!Number.isNaN(Date.parse(entry["time"] ?? "")), entry["time"]);
});

scenario("the log is appended to", async (lab) => {
  for (const id of ["first", "second"])
    await lab.runtime.call(["--log", lab.path("log"), "--log-format", "json", "state", id]);
  assert.equal(readFileSync(lab.path("log"), "utf8").trimEnd().split("\n").length, 2);
});

scenario("a log that cannot be opened is an error", async (lab) => {
  refused(await lab.runtime.call(["--log", lab.path("no/such/place"), "list"]));
});

const withoutRoot = { boxOnly: "of a user without XDG_RUNTIME_DIR", needs: ["root" as const] };
for (const name of ["spec", "features"]) {
  scenario(`${name} needs no state directory`, withoutRoot, async (lab) => {
    const user = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"];
    const cwd = lab.path("bundle");
    mkdirSync(cwd, { mode: 0o777 });
    chmodSync(cwd, 0o777);
    ok(await command([...user, context.runtime.path, name], { cwd, env: { XDG_RUNTIME_DIR: undefined } }));
  });
}
