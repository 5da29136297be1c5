/** Further programs in a container that is there. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import { join, relative } from "node:path";
import { command, describeResult, type Result } from "./harness/command.ts";
import type { Process, Spec } from "./harness/config.ts";
import { type Container, cgroupsPathOf, type Report } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupHost, isAlive, namespaces } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("exec", { needs: ["command: exec"] });

/** What an exec'd program says of itself. */
async function reportOf({ runtime, id }: Container, flags: string[] = [], args: string[] = []): Promise<Report> {
  const result = ok(await runtime.exec(id, ["/bin/probe", "report", ...args], flags));
  return JSON.parse(result.stdout) as Report;
}

/** `exec --process` with a file that holds this process. */
async function execProcess(lab: Lab, { runtime, id }: Container, process: Partial<Process>): Promise<Result> {
  const file = lab.path("process.json");
  writeFileSync(file, JSON.stringify({ user: { uid: 0, gid: 0 }, cwd: "/", ...process }));
  return await runtime.call(["exec", "--process", file, id]);
}

const pidsIn = async ({ runtime, id }: Container): Promise<number> =>
  Number(ok(await runtime.exec(id, ["/bin/sh", "-c", "set -- /proc/[0-9]*; echo $#"])).stdout);

/** The cgroup of a process in every hierarchy, as the kernel lists them. */
const cgroupsOf = (pid: number | "self"): string[] => readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");

/** The directories of a container's cgroup. */
function cgroupDirectories(container: Container): string[] {
  const places = [...new Set(Object.values(cgroupHost().hierarchies))];
  return places.map((place) => join(place, cgroupsPathOf(container))).filter((path) => existsSync(path));
}

function freeze(container: Container, on: boolean): void {
  for (const directory of cgroupDirectories(container)) {
    const v1 = join(directory, "freezer.state");
    const v2 = join(directory, "cgroup.freeze");
    if (existsSync(v1)) writeFileSync(v1, on ? "FROZEN" : "THAWED");
    else if (existsSync(v2) && cgroupHost().layout === "v2") writeFileSync(v2, on ? "1" : "0");
  }
}

scenario("the program reads the caller's standard input and writes to its output and error", async (lab) => {
  const { runtime, id } = await lab.running();
  const shim = lab.watch(runtime.executing(id, ["/bin/sh", "-c", "cat; echo done >&2"]));
  shim.stdin.end("through\n");
  assert.equal(await shim.stdout.end(), "through\n");
  assert.equal(await shim.stderr.end(), "done\n");
  assert.equal(await shim.exited(), "exit 0");
});

scenario("exec ends with the status of the program", { limit: 120_000 }, async (lab) => {
  const { runtime, id } = await lab.running();
  for (const status of [0, 1, 2, 126, 127, 128, 137, 254, 255]) {
    const result = await runtime.exec(id, ["/bin/sh", "-c", `exit ${status}`]);
    assert.equal(result.status, status, describeResult(result));
    assert.equal(result.stdout + result.stderr, "");
  }
});

for (const [name, number] of [
  ["KILL", 9],
  ["TERM", 15],
  ["SEGV", 11],
] as const) {
  scenario(`exec ends with ${128 + number} when SIG${name} ends the program`, async (lab) => {
    const { runtime, id } = await lab.running();
    const result = await runtime.exec(id, ["/bin/sh", "-c", `kill -${name} $$`]);
    assert.equal(result.status, 128 + number, describeResult(result));
  });
}

for (const [name, number] of [
  ["SIGTERM", 15],
  ["SIGINT", 2],
  ["SIGHUP", 1],
  ["SIGUSR1", 10],
] as const) {
  scenario(`exec forwards ${name} to the program`, async (lab) => {
    const { runtime, id } = await lab.running();
    const shim = lab.watch(runtime.executing(id, ["/bin/probe", "signals"]));
    await shim.stdout.line(/^ready$/);
    process.kill(await shim.started(), name);
    await shim.stdout.line(new RegExp(`^signal ${`${number}`.padStart(2, "0")}$`));
    process.kill(await shim.started(), "SIGKILL");
  });
}

scenario("the program gets its arguments byte for byte", async (lab) => {
  const odd = ["", " ", "a b", '"quoted"', "it's", "$HOME", "ünïcödé", "-x", "--", "--tty", "a\nb", "\\"];
  const report = await reportOf(await lab.running(), [], odd);
  assert.deepEqual(report.argv, ["/bin/probe", "report", ...odd]);
});

scenario("the command may stand behind --", { boxOnly: "as getopt's users write it" }, async (lab) => {
  const { runtime, id } = await lab.running();
  assert.equal(ok(await runtime.exec(id, ["--", "/bin/echo", "--", "x"])).stdout, "-- x\n");
  assert.equal(ok(await runtime.call(["exec", "--", id, "/bin/echo", "y"])).stdout, "y\n");
});

const userNamespace = ({ linux }: Spec): void => {
  // Of an ordinary user's container the suite's own one.
  if (context.user !== undefined) return;
  linux.namespaces.push({ type: "user" });
  linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
};

for (const [what, change] of [
  ["its own namespaces", () => undefined],
  [
    "the host's pid and network namespaces",
    ({ linux }: Spec) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid" && type !== "network");
    },
  ],
  ["a cgroup namespace", ({ linux }: Spec) => linux.namespaces.push({ type: "cgroup" })],
] as [string, (spec: Spec) => void][]) {
  scenario(
    `the program is in every namespace of a container with ${what}`,
    { root: what.includes("host's") ? "a procfs of the host's pid namespace" : undefined },
    async (lab) => {
      const container = await lab.running(["/bin/probe", "wait"], change);
      const { namespaces: inside } = await reportOf(container);
      assert.deepEqual(inside, namespaces(container.pid));
    },
  );
}

scenario(
  "the program is in the user namespace of the container, with the ids of there",
  { needs: ["namespace: user"] },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"], userNamespace);
    for (const path of [context.dir, lab.dir, container.bundle, container.rootfs]) chmodSync(path, 0o755);
    await (await container.create()).start();
    await container.line(/^ready$/);
    const { namespaces: inside, uid, gid, status } = await reportOf(container, ["--user", "7:8"]);
    assert.deepEqual(inside, namespaces(container.pid));
    assert.deepEqual([uid, gid, status["Groups"]], [7, 8, ""]);
    // What is made on the way belongs to the container's root.
    assert.equal((await reportOf(container, ["--cwd", "/dev/shm/made/here"])).cwd, "/dev/shm/made/here");
  },
);

scenario("the program is in a time namespace of the container", { needs: ["namespace: time"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ linux }) => {
    linux.namespaces.push({ type: "time" });
    linux.timeOffsets = { monotonic: { secs: 1000 } };
  });
  assert.deepEqual((await reportOf(container)).namespaces, namespaces(container.pid));
});

scenario(
  "an ordinary user executes in a container of its own",
  {
    root: "files and processes of other users",
    needs: ["user namespaces of an ordinary user", "userspace: setpriv"],
    boxOnly: "a container without a cgroup",
  },
  async (lab) => {
    const user = 65_534;
    const container = lab.container(["/bin/probe", "wait"], (spec) => {
      spec.linux.namespaces = (["user", "mount", "pid", "ipc", "uts"] as const).map((type) => ({ type }));
      spec.linux.uidMappings = [{ containerID: 0, hostID: user, size: 1 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: user, size: 1 }];
      spec.mounts = spec.mounts.filter(({ type }) => type === "proc" || type === "tmpfs" || type === "devpts");
      delete spec.linux.cgroupsPath;
      delete spec.linux.resources;
    });
    for (const path of [context.dir, lab.dir, container.bundle, container.rootfs]) chmodSync(path, 0o755);
    const root = lab.path("of-the-user");
    mkdirSync(root);
    chownSync(root, user, user);
    const asUser = (args: string[], before: string[] = []): Promise<Result> => {
      const box = [context.runtime.path, "--root", root, "--cgroup-manager", "disabled", ...args];
      const change = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
      return command([...change, ...before, ...box], { env: lab.runtime.place.env });
    };
    const quietly = ["/bin/sh", "-c", '"$@" </dev/null >/dev/null 2>&1', "sh"];
    ok(await asUser(["run", "--detach", "--bundle", container.bundle, container.id], quietly));
    lab.later(async () => void ok(await asUser(["delete", "--force", container.id])));
    const state = JSON.parse(ok(await asUser(["state", container.id])).stdout) as { pid: number };
    const report = JSON.parse(ok(await asUser(["exec", container.id, "/bin/probe", "report"])).stdout) as Report;
    assert.deepEqual(report.namespaces, namespaces(state.pid));
    assert.deepEqual([report.uid, report.gid], [0, 0]);
    assert.equal(ok(await asUser(["exec", "--tty", container.id, "/bin/tty"])).stdout, "/dev/pts/0\n");
  },
);

scenario("the program is in the container's cgroup in every hierarchy", async (lab) => {
  const container = await lab.running();
  const pidFile = lab.path("exec.pid");
  const shim = lab.watch(
    lab.runtime.executing(container.id, ["/bin/probe", "wait"], ["--detach", "--pid-file", pidFile]),
  );
  await shim.ok();
  await shim.stdout.line(/^ready$/);
  assert.deepEqual(cgroupsOf(Number(readFileSync(pidFile, "utf8"))), cgroupsOf(container.pid));
});

scenario("--detach returns once the program runs, and leaves it to the caller's subreaper", async (lab) => {
  const container = await lab.running();
  const pidFile = lab.path("exec.pid");
  const script = "echo started; read line; exit 5";
  const shim = lab.watch(
    lab.runtime.executing(container.id, ["/bin/sh", "-c", script], ["--detach", "--pid-file", pidFile]),
  );
  assert.equal(await shim.exited(), "exit 0");
  const text = readFileSync(pidFile, "utf8");
  assert.match(text, /^[1-9][0-9]*$/);
  await shim.stdout.line(/^started$/);
  assert.ok(isAlive(Number(text)));
  shim.stdin.end("go\n");
  assert.equal(await shim.reaped(Number(text)), "exit 5");
});

scenario("the program has the environment of the configuration, and what --env says", async (lab) => {
  const container = await lab.running();
  const flags = ["--env", "HOME=/there", "--env", "NEW=a=b", "--env", "EMPTY="];
  const { env } = await reportOf(container, flags);
  assert.deepEqual(env.toSorted(), ["EMPTY=", "HOME=/there", "NEW=a=b", "PATH=/usr/bin:/bin"]);
});

scenario("the environment of the runtime does not reach the program", async (lab) => {
  const { runtime, id } = await lab.running();
  const result = await runtime.exec(id, ["/bin/probe", "report"], [], { env: { SECRET_OF_THE_CALLER: "x" } });
  const { env } = JSON.parse(ok(result).stdout) as Report;
  assert.deepEqual(env.toSorted(), ["HOME=/", "PATH=/usr/bin:/bin"]);
});

scenario("HOME is taken from the container's passwd for the user of --user", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.env = ["PATH=/bin"];
  });
  const { env } = await reportOf(container, ["--user", "1000"]);
  assert.ok(env.includes("HOME=/home"), env.join(" "));
});

scenario("the program starts in the configured directory, or in that of --cwd", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.cwd = "/usr/bin";
  });
  assert.equal((await reportOf(container)).cwd, "/usr/bin");
  assert.equal((await reportOf(container, ["--cwd", "/home"])).cwd, "/home");
});

scenario("the program has the configured group, groups, limits and oom_score_adj", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.user = { uid: 0, gid: 3, additionalGids: [7, 99] };
    process.oomScoreAdj = 321;
  });
  const { gid, rlimits, oomScoreAdj, status } = await reportOf(container);
  assert.deepEqual([gid, rlimits["NOFILE"], oomScoreAdj], [3, ["1024", "1024"], 321]);
  assert.equal(status["Groups"], "7 99");
});

scenario("the program has the configured umask, whatever the caller's", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.user.umask = 0o027;
  });
  const argv = lab.runtime.argv(["exec", container.id, "/bin/probe", "report"]);
  const result = await command(["/bin/sh", "-c", 'umask 0; exec "$@"', "sh", ...argv]);
  const { status } = JSON.parse(ok(result).stdout) as Report;
  assert.equal(status["Umask"], "0027");
});

scenario("the program has the no_new_privs of the configuration", async (lab) => {
  assert.equal((await reportOf(await lab.running())).status["NoNewPrivs"], "1");
});

scenario("--no-new-privs sets it where the configuration does not", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.noNewPrivileges = false;
  });
  assert.equal((await reportOf(container)).status["NoNewPrivs"], "0");
  assert.equal((await reportOf(container, ["--no-new-privs"])).status["NoNewPrivs"], "1");
});

/** CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE: what the suite's configuration gives. */
const configured = 0x20000420n;
const netRaw = 1n << 13n;

function sets({ status }: Report): Record<string, bigint> {
  const names = ["CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"];
  return Object.fromEntries(names.map((name) => [name, BigInt(`0x${status[name]}`)]));
}

scenario("the program has the capabilities of the configuration and no other", async (lab) => {
  const got = sets(await reportOf(await lab.running()));
  assert.deepEqual(got, { CapBnd: configured, CapPrm: configured, CapEff: configured, CapInh: 0n, CapAmb: 0n });
});

scenario("--cap adds to the bounding, effective and permitted set alone", async (lab) => {
  const got = sets(await reportOf(await lab.running(), ["--cap", "CAP_NET_RAW"]));
  const all = configured | netRaw;
  assert.deepEqual(got, { CapBnd: all, CapPrm: all, CapEff: all, CapInh: 0n, CapAmb: 0n });
});

scenario("a user other than root has no capability, whatever --cap says", async (lab) => {
  const got = sets(await reportOf(await lab.running(), ["--user", "1000:1000", "--cap", "CAP_NET_RAW"]));
  assert.deepEqual([got["CapPrm"], got["CapEff"], got["CapInh"], got["CapAmb"]], [0n, 0n, 0n, 0n]);
});

scenario(
  "exec refuses a capability that it does not know or cannot give",
  { boxOnly: "no answer half-way" },
  async (lab) => {
    const { runtime, id } = await lab.running();
    const unknown = await runtime.exec(id, ["/bin/true"], ["--cap", "CAP_NOSUCH"]);
    assert.equal(unknown.status, 1, describeResult(unknown));
    assert.match(unknown.stderr, /unknown capability "CAP_NOSUCH"/);
  },
);

scenario("--user takes a user and a group", async (lab) => {
  const { uid, euid, gid, egid, status } = await reportOf(await lab.running(), ["--user", "1234:5678"]);
  assert.deepEqual([uid, euid, gid, egid, status["Groups"]], [1234, 1234, 5678, 5678, ""]);
});

scenario("--user without a group leaves the configured one", { boxOnly: "as runc; crun takes 0" }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
    process.user.gid = 44;
  });
  const { uid, gid } = await reportOf(container, ["-u", "1234"]);
  assert.deepEqual([uid, gid], [1234, 44]);
});

scenario(
  "--user takes numbers from 0 to 2^32-2 and nothing else",
  { boxOnly: "a doubtful id is no id" },
  async (lab) => {
    const { runtime, id } = await lab.running();
    const wrong = [":", ":1", "1:", "+1", "-1", "01", "0x10", "1e1", " 1", "1 ", "1;0", "root", "1:1:1", "4294967295"];
    for (const user of [...wrong, "4294967296", "18446744073709551616", "1:4294967296", "0:-1"]) {
      const result = await runtime.exec(id, ["/bin/true"], [`--user=${user}`]);
      assert.equal(result.status, 1, describeResult(result));
      assert.match(result.stderr, /^box: --user: must be [^\n]+\n$/);
    }
  },
);

scenario("--additional-gids adds groups", { needs: ["exec: additional-gids"] }, async (lab) => {
  const { status } = await reportOf(await lab.running(), ["--additional-gids", "5", "--additional-gids", "60000"]);
  assert.equal(status["Groups"], "5 60000");
});

scenario("--process takes the whole process from a file", async (lab) => {
  const container = await lab.running();
  const result = await execProcess(lab, container, {
    args: ["/bin/probe", "report", "x y"],
    env: ["PATH=/bin", "ONLY=this"],
    cwd: "/usr",
    user: { uid: 12, gid: 34, additionalGids: [56] },
    noNewPrivileges: true,
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 50, hard: 60 }],
    capabilities: { bounding: ["CAP_KILL"], effective: [], permitted: [] },
  });
  const report = JSON.parse(ok(result).stdout) as Report;
  assert.deepEqual(report.argv, ["/bin/probe", "report", "x y"]);
  assert.deepEqual(report.env.filter((entry) => !entry.startsWith("HOME=")).toSorted(), ["ONLY=this", "PATH=/bin"]);
  assert.deepEqual([report.cwd, report.uid, report.gid, report.status["Groups"]], ["/usr", 12, 34, "56"]);
  assert.deepEqual([report.rlimits["NOFILE"], report.status["NoNewPrivs"]], [["50", "60"], "1"]);
  assert.deepEqual(sets(report), { CapBnd: 32n, CapPrm: 0n, CapEff: 0n, CapInh: 0n, CapAmb: 0n });
});

scenario("--process takes a file that is a pipe", async (lab) => {
  const { runtime, id } = await lab.running();
  const process = JSON.stringify({ user: { uid: 0, gid: 0 }, cwd: "/", args: ["/bin/echo", "piped"] });
  const argv = runtime.argv(["exec", "--process", "/dev/stdin", id]);
  const result = await command(["/bin/sh", "-c", `printf %s "$0" | "$@"`, process, ...argv], {
    env: runtime.place.env,
  });
  assert.equal(ok(result).stdout, "piped\n");
});

scenario(
  "what confines the container's program confines one of --process that says nothing of it",
  { boxOnly: "less would be a way out" },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
      process.user.umask = 0o077;
      process.oomScoreAdj = 200;
    });
    const report = JSON.parse(
      ok(await execProcess(lab, container, { args: ["/bin/probe", "report"] })).stdout,
    ) as Report;
    assert.deepEqual(sets(report), {
      CapBnd: configured,
      CapPrm: configured,
      CapEff: configured,
      CapInh: 0n,
      CapAmb: 0n,
    });
    const { status, rlimits, oomScoreAdj } = report;
    assert.deepEqual([status["NoNewPrivs"], status["Umask"]], ["1", "0077"]);
    assert.deepEqual([rlimits["NOFILE"], oomScoreAdj], [["1024", "1024"], 200]);
  },
);

for (const [what, text, problem] of [
  ["that is not there", undefined, /ENOENT/],
  ["that is no JSON", "{", /line 1/],
  ["without arguments", '{"cwd":"/","user":{"uid":0,"gid":0},"args":[]}', /args: must not be empty/],
  ["with a relative directory", '{"cwd":"x","args":["/bin/true"]}', /cwd: must be an absolute path/],
  ["with a user that is none", '{"cwd":"/","user":{"uid":-1,"gid":0},"args":["/bin/true"]}', /user\.uid: must be/],
] as const) {
  scenario(`--process refuses a file ${what}`, async (lab) => {
    const { runtime, id } = await lab.running();
    const file = lab.path("process.json");
    if (text !== undefined) writeFileSync(file, text);
    refused(await runtime.call(["exec", "--process", file, id]), problem);
  });
}

for (const [what, args, flags, text] of [
  ["does not exist", ["/nosuch"], [], /no such file or directory/],
  ["is not on the PATH", ["nosuch"], [], /executable file not found in \$PATH/],
  ["is not executable", ["/etc/passwd"], [], /permission denied/],
  ["is a directory", ["/bin"], [], /permission denied|is a directory/],
  ["does not exist, with --detach", ["/nosuch"], ["--detach"], /no such file or directory/],
] as [string, string[], string[], RegExp][]) {
  scenario(`exec reports a program that ${what}`, async (lab) => {
    const container = await lab.running();
    const pidFile = lab.path("exec.pid");
    refused(await lab.runtime.exec(container.id, args, [...flags, "--pid-file", pidFile]), text);
    assert.ok(!existsSync(pidFile));
    await container.expectStatus("running");
  });
}

scenario("the program has descriptors 0, 1 and 2 and no other", async (lab) => {
  const { runtime, id } = await lab.running();
  const shim = lab.watch(runtime.executing(id, ["/bin/probe", "report"], [], { pass: [openSync("/etc", "r")] }));
  const { fds } = JSON.parse(await (await shim.ok()).stdout.end()) as Report;
  assert.deepEqual(Object.keys(fds).toSorted(), ["0", "1", "2"]);
});

scenario("--preserve-fds passes so many descriptors from 3 on", async (lab) => {
  const { runtime, id } = await lab.running();
  const file = openSync("/etc/passwd", "r");
  const options = { pass: [file, file, file] };
  const shim = lab.watch(runtime.executing(id, ["/bin/probe", "report"], ["--preserve-fds", "2"], options));
  const { fds } = JSON.parse(await (await shim.ok()).stdout.end()) as Report;
  assert.deepEqual(Object.keys(fds).toSorted(), ["0", "1", "2", "3", "4"]);
});

scenario(
  "sockets that are handed to exec are the program's, which LISTEN_PID names",
  { boxOnly: "neither runc nor crun passes them on" },
  async (lab) => {
    const { runtime, id } = await lab.running();
    const file = openSync("/etc/passwd", "r");
    const args = ["exec", "--preserve-fds", "1", id, "/bin/probe", "report"];
    const shim = lab.watch(runtime.activated(args, [file, file, file, file], ["a", "b"]));
    const { fds, env, pid } = JSON.parse(await (await shim.ok()).stdout.end()) as Report;
    assert.deepEqual(Object.keys(fds).toSorted(), ["0", "1", "2", "3", "4", "5"]);
    assert.notEqual(pid, 1);
    assert.deepEqual(env.filter((entry) => entry.startsWith("LISTEN_")).toSorted(), [
      "LISTEN_FDNAMES=a:b",
      "LISTEN_FDS=2",
      `LISTEN_PID=${pid}`,
    ]);
  },
);

scenario(
  "--preserve-fds refuses a descriptor that is not open",
  { boxOnly: "box's own would be passed" },
  async (lab) => {
    const { runtime, id } = await lab.running();
    refused(await runtime.exec(id, ["/bin/true"], ["--preserve-fds", "3"]), /descriptor 3 is not open/);
  },
);

scenario("no signal is blocked and none ignored in the program", async (lab) => {
  const { status } = await reportOf(await lab.running());
  assert.deepEqual([status["SigBlk"], status["SigIgn"]], ["0000000000000000", "0000000000000000"]);
});

scenario("the program leads a session of its own", async (lab) => {
  const { pid, sid, pgid } = await reportOf(await lab.running());
  assert.deepEqual([sid, pgid], [pid, pid]);
});

scenario("the program has a session keyring of its own", { boxOnly: "a new session keyring" }, async (lab, t) => {
  const { sessionKeyring: ours } = JSON.parse(ok(await command([context.probe, "report"])).stdout) as Report;
  if (ours < 0) return t.skip("the kernel has no keyrings");
  assert.notEqual((await reportOf(await lab.running())).sessionKeyring, ours);
  const kept = await lab.container(["/bin/probe", "wait"]).create(["--no-new-keyring"]);
  await kept.start();
  // Without a session keyring the kernel tells of another one in each user namespace.
  if (context.user === undefined) assert.equal((await reportOf(kept)).sessionKeyring, ours);
});

scenario("--cwd cannot lead to a directory of the caller's by its descriptors", async (lab) => {
  const { runtime, id } = await lab.running();
  mkdirSync(lab.path("secret"));
  const directory = openSync(lab.path("secret"), "r");
  for (let number = 3; number < 16; number++) {
    for (const cwd of [`/proc/self/fd/${number}`, `/proc/thread-self/fd/${number}`]) {
      const options = { pass: [directory, directory, directory] };
      const shim = lab.watch(runtime.executing(id, ["/bin/probe", "report"], ["--cwd", cwd], options));
      const result = await shim.result();
      if (result.status === 0) assert.fail(`${cwd}: ${result.stdout}`);
    }
  }
});

scenario(
  "nothing of the host's can be seen in a process on its way into the container",
  { limit: 120_000, boxOnly: "CVE-2016-9962" },
  async (lab) => {
    // The watcher is root in there, and sees every process of its pid namespace.
    const container = await lab.running(["/bin/probe", "spy"], ({ process }) => {
      process.noNewPrivileges = true;
    });
    const work = async (): Promise<void> => {
      for (let round = 0; round < 25; round++) ok(await lab.runtime.exec(container.id, ["/bin/true"]));
    };
    await Promise.all([work(), work()]);
    container.say("\n");
    const seen = await container.line(/^(nothing|saw .*)$/);
    assert.match(seen, /^nothing$/);
  },
);

scenario("exec is refused when the container is paused", { needs: ["cgroup: freezer"] }, async (lab) => {
  const container = await lab.running();
  freeze(container, true);
  lab.later(() => freeze(container, false));
  refused(
    await lab.runtime.exec(container.id, ["/bin/true"]),
    /cannot exec in a paused container \(use --ignore-paused/,
  );
});

scenario(
  "exec --ignore-paused waits until the container goes on",
  { needs: ["cgroup: freezer", "exec: ignore-paused"] },
  async (lab) => {
    const container = await lab.running();
    freeze(container, true);
    lab.later(() => freeze(container, false));
    const before = await threads(container);
    const shim = lab.watch(lab.runtime.executing(container.id, ["/bin/echo", "thawed"], ["--ignore-paused"]));
    await until("a process has come", async () => (await threads(container)) > before);
    assert.equal(shim.stdout.text, "");
    freeze(container, false);
    assert.equal(await shim.exited(), "exit 0");
    assert.equal(await shim.stdout.end(), "thawed\n");
  },
);

/** How many processes are in the container's cgroup. */
async function threads(container: Container): Promise<number> {
  const [directory = ""] = cgroupDirectories(container).toSorted(
    (a, b) => Number(/unified/.test(b)) - Number(/unified/.test(a)),
  );
  return readFileSync(join(directory, "cgroup.procs"), "utf8").trim().split("\n").length;
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  scenario(
    `an exec that waits for a paused container ends by ${signal} and runs nothing`,
    { needs: ["cgroup: freezer"], boxOnly: "the others wait on" },
    async (lab) => {
      const container = await lab.running();
      freeze(container, true);
      lab.later(() => freeze(container, false));
      const before = await threads(container);
      const shim = lab.watch(lab.runtime.executing(container.id, ["/bin/echo", "ran"], ["--ignore-paused"]));
      await until("a process has come", async () => (await threads(container)) > before);
      process.kill(await shim.started(), signal);
      assert.equal(await shim.exited(), signal === "SIGTERM" ? "exit 255" : "signal 9");
      freeze(container, false);
      assert.equal(await shim.stdout.end(), "");
      await until("it is gone", async () => (await threads(container)) === before);
    },
  );
}

scenario("--cgroup puts the program below the container's cgroup", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.running();
  const made = cgroupDirectories(container).map((directory) => join(directory, "sub"));
  for (const directory of made) {
    mkdirSync(directory);
    lab.later(() => until("it is empty", () => tryRemove(directory)).then(() => undefined));
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      const [from, to] = [join(directory, "..", name), join(directory, name)];
      if (existsSync(to) && !/unified/.test(to) && cgroupHost().layout !== "v2") writeFileSync(to, readFileSync(from));
    }
  }
  const { stdout } = ok(await lab.runtime.exec(container.id, ["/bin/cat", "/proc/self/cgroup"], ["--cgroup", "sub"]));
  const own = stdout.trim().split("\n");
  const path = cgroupsPathOf(container);
  const used = own.filter((line) => line.includes(context.token));
  assert.ok(used.length > 0);
  for (const line of used) assert.ok(line.endsWith(`${path}/sub`), line);
});

function tryRemove(directory: string): boolean {
  try {
    if (existsSync(directory)) rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

for (const [what, cgroup] of [
  ["is not there", "nosuch"],
  ["leads out", "../.."],
  ["leads out and back", "sub/../../x"],
  ["has an unknown controller", "nosuch:sub"],
] as const) {
  scenario(`--cgroup refuses a path that ${what}`, async (lab) => {
    const { runtime, id } = await lab.running();
    refused(await runtime.exec(id, ["/bin/true"], ["--cgroup", cgroup]), /cgroup/);
  });
}

scenario(
  "exec in a cgroup that takes no processes any more puts the program where init is",
  { root: "cgroups above the user's", needs: ["cgroup: v2"], clause: "the kernel: no internal processes, cgroups(7)" },
  async (lab, t) => {
    const container = await lab.running();
    const [directory = ""] = cgroupDirectories(container);
    const root = cgroupHost().hierarchies["unified"] ?? "";
    const [controller = ""] = readFileSync(join(root, "cgroup.controllers"), "utf8").trim().split(" ");
    if (controller === "") return t.skip("no controller can be enabled below");
    let parent = root;
    for (const name of relative(root, directory).split("/")) {
      writeFileSync(join(parent, "cgroup.subtree_control"), `+${controller}`);
      parent = join(parent, name);
    }
    mkdirSync(join(directory, "init"));
    writeFileSync(join(directory, "init/cgroup.procs"), `${container.pid}`);
    writeFileSync(join(directory, "cgroup.subtree_control"), `+${controller}`);
    const { stdout } = ok(await lab.runtime.exec(container.id, ["/bin/cat", "/proc/self/cgroup"]));
    assert.match(stdout, new RegExp(`${cgroupsPathOf(container)}/init$`, "m"));
  },
);

scenario("exec gives a pidfd of the program to --pidfd-socket", { needs: ["exec: pidfd-socket"] }, async (lab) => {
  const { runtime, id } = await lab.running();
  const socket = lab.path("pidfd.sock");
  const receiver = await lab.receiver("pidfd", socket);
  const pidFile = lab.path("exec.pid");
  const flags = ["--detach", "--pid-file", pidFile, "--pidfd-socket", socket];
  const shim = lab.watch(runtime.executing(id, ["/bin/probe", "wait"], flags));
  await shim.ok();
  await receiver.says(/^received /);
  assert.equal(await receiver.says(/^pid /), `pid ${readFileSync(pidFile, "utf8")}`);
});

scenario("exec and the end of the container meet at any time, with a clear end", { limit: 120_000 }, async (lab) => {
  for (let round = 0; round < 10; round++) {
    const container = await lab.running();
    const work = async (): Promise<Result[]> => {
      const results: Result[] = [];
      for (;;) {
        const result = await lab.runtime.exec(container.id, ["/bin/true"]);
        results.push(result);
        if (result.status !== 0) return results;
      }
    };
    const workers = [work(), work()];
    if (round % 2 === 0) await container.kill("KILL");
    else await container.stop();
    for (const result of (await Promise.all(workers)).flat()) {
      if (context.runtime.name !== "box" || result.status === 0 || result.status === 137) continue;
      refused(result, /cannot exec in a stopped container/);
    }
    await container.exit();
    await container.delete();
  }
});

/** `make acceptance-execs` asks for more. */
const execs = Number(process.env["EXECS"] || 200);

scenario(
  "many execs, 8 at a time, leave nothing",
  { needs: ["cgroup: writable"], limit: 120_000 + 300 * execs },
  async (lab) => {
    const container = await lab.running();
    const { runtime, id } = container;
    const numbers = Array.from({ length: execs }, (_, index) => index);
    const worker = async (): Promise<void> => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop())
        assert.equal(ok(await runtime.exec(id, ["/bin/echo", `${number}`])).stdout, `${number}\n`);
    };
    // What is made once and kept, in the kernel's caches too, is there after the first.
    for (let number = 0; number < 20; number++) ok(await runtime.exec(id, ["/bin/true"]));
    const look = async () => ({
      processes: await pidsIn(container),
      cgroups: cgroupDirectories(container).flatMap((directory) => readdirSync(directory)),
      descriptors: readdirSync(`/proc/${container.pid}/fd`),
      state: readdirSync(join(lab.root, id)),
    });
    const [before, memory] = [await look(), memoryOf(container)];
    await Promise.all(Array.from({ length: 8 }, worker));
    assert.deepEqual(await look(), before);
    // A kilobyte a program would be a leak; what eight at a time leave in caches is less than this, and what the kernel
    // has charged in advance for each processor.
    const grown = memoryOf(container) - memory;
    assert.ok(grown < 8 * 2 ** 20 + cpus().length * 512 * 1024, `${grown} bytes`);
  },
);

/** Bytes that are charged to a container's cgroup; 0 where no controller counts them. */
function memoryOf(container: Container): number {
  const files = cgroupDirectories(container).flatMap((directory) =>
    ["memory.usage_in_bytes", "memory.current"].map((name) => join(directory, name)),
  );
  const file = files.find((name) => existsSync(name));
  return file === undefined ? 0 : Number(readFileSync(file, "utf8"));
}

scenario(
  "options are refused that the configuration could not have either",
  { boxOnly: "its own words" },
  async (lab) => {
    const { runtime, id } = await lab.running();
    for (const [flags, problem] of [
      [["--cwd", "x"], /process\.cwd: must be an absolute path, not "x"/],
      [["--env", "NAME"], /must be of the form NAME=value, not "NAME"/],
      [["--env", "=value"], /must be of the form NAME=value/],
    ] as [string[], RegExp][])
      refused(await runtime.exec(id, ["/bin/true"], flags), problem);
  },
);

scenario("exec needs a command", { boxOnly: "its own words" }, async (lab) => {
  const { runtime, id } = await lab.running();
  const result = await runtime.call(["exec", id]);
  assert.deepEqual([result.status, result.stdout], [1, ""]);
  assert.match(
    result.stderr,
    /^box: exec: COMMAND is missing \(usage: box exec \[options\] ID \[COMMAND\.\.\.\], see box exec --help\)\n$/,
  );
});
