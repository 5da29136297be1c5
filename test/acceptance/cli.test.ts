import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { command } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
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
  ["the root directory as the state root", ["--root", "/.", "list"]],
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

scenario("a wrong command line is told with the usage", { boxOnly: "usage errors" }, async (lab) => {
  for (const [args, text] of [
    [["kill"], "kill: ID is missing (usage: box kill [options] ID [SIGNAL], see box kill --help)"],
    [["run", "-x", "a"], 'unknown option "-x" (usage: box run [options] ID, see box run --help)'],
    [["frob"], 'unknown command "frob" (usage: box [global options] COMMAND [options] [arguments], see box --help)'],
  ] as const) {
    const result = await lab.runtime.call([...args]);
    refused(result);
    assert.equal(result.stderr, `box: ${text}\n`);
  }
});

for (const name of ["checkpoint", "restore"])
  scenario(`${name} is refused by name`, { boxOnly: "what it does not have yet" }, async (lab) => {
    for (const args of [
      [name, "x"],
      [name, "--help"],
    ])
      refused(await lab.runtime.call(args), new RegExp(`^box: ${name}: not supported by this version of box\n$`));
  });

/** What a log service hears of a command that fails, in a mount namespace where one listens. */
async function heard(lab: Lab, { socket, options }: { socket: string; options: string[] }): Promise<string> {
  const directory = socket.slice(0, socket.indexOf("/", 1));
  const script = `set -eu
rm -f ${lab.path("said")}; mkfifo ${lab.path("said")}
mount -t tmpfs tmpfs ${directory}
mkdir -p ${socket.slice(0, socket.lastIndexOf("/"))}
# The shell opens it for a job, and is in another /dev now.
[ -e /dev/null ] || mknod /dev/null c 1 3
"$1" manager ${socket} >${lab.path("said")} & exec 3<${lab.path("said")}
service=$!; shift
read ready <&3
"$@" >&2 || true
read -r line <&3
printf '%s' "$line"
kill $service`;
  const argv = [...lab.runtime.argv([]), ...options, "start", "missing"];
  const isolated = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", context.probe];
  const result = ok(await command([...isolated, ...argv]));
  assert.equal(result.stderr, 'box: container "missing": container does not exist\n');
  return result.stdout;
}

const services = { boxOnly: "how it writes there", bare: false } as const;

scenario(
  "--log journald: writes to the journal, with the severity and the name",
  { ...services, root: "mounts on the host" },
  async (lab) => {
    const journal = "/run/systemd/journal/socket";
    const line = await heard(lab, { socket: journal, options: ["--log", "journald:web"] });
    const message = 'MESSAGE=container "missing": container does not exist';
    assert.equal(line, `${message} PRIORITY=3 SYSLOG_IDENTIFIER=web BOX_STAGE=start  (0)`);
    const plain = await heard(lab, { socket: journal, options: ["--log", "journald:", "--log-format", "json"] });
    assert.match(
      plain,
      /^MESSAGE=\{"level":"error","msg":"container \\"missing\\": .*"\} PRIORITY=3 SYSLOG_IDENTIFIER=box /,
    );
  },
);

scenario("--log syslog: writes to the system's log", { ...services, root: "mounts on the host" }, async (lab) => {
  const line = await heard(lab, { socket: "/dev/log", options: ["--log", "syslog:web"] });
  assert.match(line, /^<11>web\[\d+\]: container "missing": container does not exist \(0\)$/);
});

scenario("--log file: appends to a file", { boxOnly: "how it writes there" }, async (lab) => {
  refused(await lab.runtime.call(["--log", `file:${lab.path("log")}`, "start", "missing"]), /does not exist/);
  assert.match(readFileSync(lab.path("log"), "utf8"), /level=error msg="container .*does not exist"\n$/);
});

scenario(
  "a log service that is not there is an error",
  { root: "mounts on the host", boxOnly: "told by box" },
  async (lab) => {
    const script = 'mount -t tmpfs tmpfs /run && exec "$@"';
    const argv = [context.runtime.path, "--root", lab.root, "--log", "journald:web", "list"];
    const isolated = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
    refused(
      await command([...isolated, ...argv]),
      /^box: --log: connect\("\/run\/systemd\/journal\/socket"\): no such file/,
    );
  },
);

const structured: [what: string, change: (spec: Spec) => void, flags: string[], details: Record<string, string>][] = [
  [
    "of a mount that init cannot make",
    (spec) => spec.mounts.push({ destination: "/x", type: "nofs", source: "x" }),
    [],
    { stage: "mounts", syscall: "fsopen", errno: "ENODEV", path: "nofs" },
  ],
  [
    "of a file that the host side cannot write",
    () => undefined,
    ["--pid-file", "/nonexistent/pid"],
    { stage: "record", syscall: "openat", errno: "ENOENT", path: "/nonexistent" },
  ],
  [
    "of a program that is not there",
    (spec) => {
      spec.process.args = ["/nonexistent"];
    },
    [],
    { stage: "program", errno: "ENOENT", path: "/nonexistent" },
  ],
];

for (const [what, change, flags, details] of structured)
  scenario(
    `the JSON error ${what} has its stage, system call, errno and path`,
    { boxOnly: "beside the message", bare: false },
    async (lab) => {
      const { runtime, bundle, id } = lab.container(["/bin/true"], change);
      const log = lab.path("log");
      refused(await runtime.call(["--log", log, "--log-format", "json", "create", "--bundle", bundle, ...flags, id]));
      const { level, msg, time, ...rest } = JSON.parse(readFileSync(log, "utf8")) as Record<string, string>;
      assert.equal(level, "error");
      assert.deepEqual(rest, details);
    },
  );

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

scenario("--debug tells of each step of the host side", { boxOnly: "messages of its own" }, async (lab) => {
  const { bundle, id } = lab.container(["/bin/true"]);
  const log = lab.path("log");
  const flags = ["--log", log, "--log-format", "json"];
  ok(await lab.runtime.call([...flags, "--debug", "run", "--bundle", bundle, id]));
  const lines = readFileSync(log, "utf8").trim().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as Record<string, string>);
  const messages = entries.map(({ msg }) => msg);
  assert.ok(entries.every(({ level }) => level === "debug"));
  for (const name of ["run", "configuration", "plan", "clone", "removal"])
    assert.ok(messages.includes(`step: ${name}`), name);
  assert.match(messages.find((message) => message?.startsWith("init ")) ?? "", /^init is process \d+/);
  // The container's side has no way out to the log.
  assert.ok(!messages.includes("step: mounts"));
  writeFileSync(log, "");
  ok(await lab.runtime.call([...flags, "run", "--bundle", bundle, id]));
  assert.equal(readFileSync(log, "utf8"), "");
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

scenario("the usage is that of the command, whatever the values before it", { boxOnly: "usage errors" }, async () => {
  for (const [args, text] of [
    [["--root", "run", "list", "--bad"], 'unknown option "--bad" (usage: box list [options], see box list --help)'],
    [
      ["--bad", "list"],
      'unknown option "--bad" (usage: box [global options] COMMAND [options] [arguments], see box --help)',
    ],
  ] as const) {
    const result = await direct(...args);
    refused(result);
    assert.equal(result.stderr, `box: ${text}\n`);
  }
});

scenario("help explains itself, and refuses what is no command", { boxOnly: "help texts" }, async () => {
  const overview = ok(await direct("help")).stdout;
  for (const args of [["help", "--help"], ["help", "-h"], ["help", "help"], ["--usage"], ["-?"]])
    assert.equal(ok(await direct(...args)).stdout, overview);
  assert.equal(ok(await direct("help", "run")).stdout, ok(await direct("run", "--help")).stdout);
  refused(await direct("help", "frob"), /unknown command "frob"/);
  refused(await direct("help", "run", "kill"), /help: too many arguments/);
});

scenario("global options have the short names that other runtimes give them", { boxOnly: "a union" }, async (lab) => {
  assert.equal(ok(await direct("-V")).stdout, ok(await direct("--version")).stdout);
  mkdirSync(lab.root);
  refused(await direct("-r", lab.root, "-l", lab.path("log"), "state", "unknown"), /does not exist/);
  assert.match(readFileSync(lab.path("log"), "utf8"), /does not exist/);
});

scenario("--rootless takes true, false and auto alone", { boxOnly: "usage errors" }, async (lab) => {
  mkdirSync(lab.root);
  for (const value of ["true", "false", "auto"]) ok(await lab.runtime.call([`--rootless=${value}`, "list"]));
  refused(await lab.runtime.call(["--rootless=foo", "list"]), /--rootless: must be auto or true or false, not "foo"/);
});

scenario(
  "--systemd-log writes to the journal, and nowhere else",
  { ...services, root: "mounts on the host" },
  async (lab) => {
    const line = await heard(lab, { socket: "/run/systemd/journal/socket", options: ["--systemd-log"] });
    assert.match(line, /^MESSAGE=container "missing": .* SYSLOG_IDENTIFIER=box /);
    refused(
      await lab.runtime.call(["--systemd-log", "--log", lab.path("log"), "list"]),
      /^box: --systemd-log: contradicts --log/,
    );
  },
);

scenario("an option with an empty value is one that is not given", { boxOnly: "as runc has it" }, async (lab) => {
  mkdirSync(lab.root);
  const empty = (...names: string[]) => names.flatMap((name) => [name, ""]);
  ok(await lab.runtime.call([...empty("--log", "--log-format", "--cgroup-manager", "--trace"), "list"]));
  ok(await lab.runtime.call(["spec", ...empty("-b", "-f")], { cwd: lab.dir }));
  const spec = JSON.parse(readFileSync(lab.path("config.json"), "utf8")) as { ociVersion: string };
  assert.match(spec.ociVersion, /^1\./);
  refused(await direct("--root", "", "list"), /^box: --root: must not be empty/);
  refused(await lab.runtime.call(["create", "--bundle", "", "x"]), /^box: --bundle: must not be empty/);
  refused(await lab.runtime.call(["events", "--interval", "", "x"]), /^box: --interval: must not be empty/);
  refused(await lab.runtime.call(["list", "--format", ""]), /^box: --format: must not be empty/);
  const { status, stderr } = await lab.runtime.call(["exec", "-p", "", "x"]);
  assert.deepEqual([status, stderr.slice(0, 29)], [1, "box: exec: COMMAND is missing"]);
});

scenario(
  "create and exec take empty values for options that are not given",
  { boxOnly: "as runc has it", bare: false },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"]);
    const nothing = ["--console-socket", "--pidfd-socket", "--preserve-fds", "--config"].flatMap((name) => [name, ""]);
    await container.create(nothing);
    const flags = ["--console-socket", "--pid-file", "--cwd", "--user", "--apparmor", "-p"].flatMap((name) => [
      name,
      "",
    ]);
    assert.equal(ok(await lab.runtime.exec(container.id, ["echo", "here"], flags)).stdout, "here\n");
  },
);

scenario(
  "files that the caller asks for have the caller's umask",
  { boxOnly: "0666 less the umask", bare: false },
  async (lab) => {
    const { id, bundle, runtime } = lab.container(["/bin/true"]);
    const modes = (...names: string[]) => names.map((name) => (statSync(lab.path(name)).mode & 0o777).toString(8));
    const masked = (umask: string, ...args: string[]) =>
      command(["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...runtime.argv(args)], { cwd: lab.dir });
    for (const [umask, mode] of [
      ["002", "664"],
      ["077", "600"],
      ["022", "644"],
    ] as const) {
      const [pid, log, trace, config] = [`pid-${umask}`, `log-${umask}`, `trace-${umask}`, `config-${umask}`] as const;
      ok(await masked(umask, "run", "--bundle", bundle, "--pid-file", lab.path(pid), id));
      await masked(umask, "--log", lab.path(log), "--trace", lab.path(trace), "state", "unknown");
      ok(await masked(umask, "spec", "--file", config));
      assert.deepEqual(modes(pid, log, trace, config), [mode, mode, mode, mode], umask);
    }
  },
);
