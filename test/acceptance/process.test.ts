import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Capabilities, Process, Spec } from "./harness/config.ts";
import type { Report } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("process", { clause: "config.md, Process" });

/** What the program says of itself, its configuration changed. */
async function reportWith(lab: Lab, change: (process: Process) => void, args: string[] = []): Promise<Report> {
  const container = lab.container(["/bin/probe", "report", ...args], (spec) => change(spec.process));
  return await container.report();
}

scenario("the program gets its arguments byte for byte", async (lab) => {
  const odd = ["", " ", "a b", '"quoted"', "it's", "$HOME", "ünïcödé", "-x", "--", "a\nb", "\\"];
  const report = await reportWith(lab, () => undefined, odd);
  assert.deepEqual(report.argv, ["/bin/probe", "report", ...odd]);
});

scenario("the program gets exactly the environment of the configuration", async (lab) => {
  const env = ["PATH=/bin", "HOME=/somewhere", "EMPTY=", "WITH=equals=signs", "SPACE= x "];
  const report = await reportWith(lab, (process) => {
    process.env = env;
  });
  assert.deepEqual(report.env.toSorted(), env.toSorted());
});

scenario("the environment of the runtime does not reach the program", async (lab) => {
  const container = lab.container(["/bin/probe", "report"]);
  await container.create([], { env: { SECRET_OF_THE_CALLER: "x", NOTIFY: "y" } });
  await container.start();
  const { env } = JSON.parse(await container.output()) as Report;
  assert.deepEqual(
    env.filter((entry) => /SECRET|NOTIFY|ACCEPTANCE|TMPDIR|LIBCONTAINER/.test(entry)),
    [],
  );
});

scenario("HOME is taken from the container's passwd when the configuration has none", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.user = { uid: 1000, gid: 1000 };
    process.env = ["PATH=/bin"];
  });
  assert.ok(report.env.includes("HOME=/home"), report.env.join(" "));
});

scenario("the program starts in the configured directory", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.cwd = "/usr/bin";
  });
  assert.equal(report.cwd, "/usr/bin");
});

scenario(
  "the program starts in a directory that only its user may enter",
  { root: "files and processes of other users" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "report"], ({ process }) => {
      process.cwd = "/home/private";
      process.user = { uid: 1000, gid: 1000 };
    });
    const { chownSync } = await import("node:fs");
    mkdirSync(join(container.rootfs, "home/private"));
    chownSync(join(container.rootfs, "home/private"), 1000, 1000);
    chmodSync(join(container.rootfs, "home/private"), 0o700);
    assert.equal((await container.report()).cwd, "/home/private");
  },
);

scenario("the program runs as the configured user and group", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.user = { uid: 1234, gid: 5678 };
  });
  const { uid, euid, gid, egid, status } = report;
  assert.deepEqual([uid, euid, gid, egid, status["Groups"]], [1234, 1234, 5678, 5678, ""]);
});

scenario("the program has exactly the configured supplementary groups", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.user.additionalGids = [7, 60_000, 99];
  });
  assert.equal(report.status["Groups"], "7 99 60000");
});

scenario(
  "ids above 2147483647 are as good as others",
  {
    root: "ids that are not the user's",
    clause: "config.md, POSIX-platform User: uid and gid; schema/defs.json: UID and GID are uint32",
  },
  async (lab) => {
    const report = await reportWith(lab, (process) => {
      process.user = { uid: 4_000_000_000, gid: 4_000_000_001, additionalGids: [4_000_000_002] };
    });
    const { uid, gid, status } = report;
    assert.deepEqual([uid, gid, status["Groups"]], [4_000_000_000, 4_000_000_001, "4000000002"]);
  },
);

for (const umask of [0o000, 0o027, 0o777]) {
  scenario(`the program has umask ${umask.toString(8).padStart(4, "0")} when configured`, async (lab) => {
    const report = await reportWith(lab, (process) => {
      process.user.umask = umask;
    });
    assert.equal(Number.parseInt(report.status["Umask"] ?? "", 8), umask);
  });
}

scenario("the umask is 0022 when none is configured", async (lab) => {
  assert.equal((await reportWith(lab, () => undefined)).status["Umask"], "0022");
});

const bits: Record<string, bigint> = { CAP_CHOWN: 1n << 0n, CAP_KILL: 1n << 5n, CAP_NET_RAW: 1n << 13n };
const files: Record<keyof Capabilities, string> = {
  bounding: "CapBnd",
  effective: "CapEff",
  permitted: "CapPrm",
  inheritable: "CapInh",
  ambient: "CapAmb",
};

function capabilitySets(report: Report): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(files).map(([set, file]) => {
      const mask = BigInt(`0x${report.status[file]}`);
      const names = Object.entries(bits).filter(([, bit]) => (mask & bit) !== 0n);
      const rest = names.reduce((left, [, bit]) => left & ~bit, mask);
      return [set, [...names.map(([name]) => name), ...(rest ? [`0x${rest.toString(16)}`] : [])]];
    }),
  );
}

scenario("root has exactly the configured capabilities", async (lab) => {
  const capabilities: Required<Capabilities> = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
    permitted: ["CAP_CHOWN", "CAP_KILL"],
    effective: ["CAP_CHOWN", "CAP_KILL"],
    inheritable: [],
    ambient: [],
  };
  // A program of root's gains permitted = bounding at execve, unless the set-user-ID rules are switched off.
  const report = await reportWith(lab, (process) => {
    process.capabilities = { ...capabilities, bounding: capabilities.permitted };
  });
  assert.deepEqual(capabilitySets(report), { ...capabilities, bounding: capabilities.permitted });
});

scenario("an ordinary user keeps the ambient capabilities through execve", async (lab) => {
  const all = ["CAP_CHOWN", "CAP_KILL"];
  const report = await reportWith(lab, (process) => {
    process.user = { uid: 1000, gid: 1000 };
    process.capabilities = { bounding: all, permitted: all, effective: all, inheritable: all, ambient: all };
  });
  assert.deepEqual(capabilitySets(report), {
    bounding: all,
    permitted: all,
    effective: all,
    inheritable: all,
    ambient: all,
  });
});

scenario("an ordinary user has no capabilities when none are ambient", async (lab) => {
  const all = ["CAP_CHOWN", "CAP_KILL"];
  const report = await reportWith(lab, (process) => {
    process.user = { uid: 1000, gid: 1000 };
    process.capabilities = { bounding: all, permitted: all, effective: all };
  });
  const { bounding, permitted, effective, ambient } = capabilitySets(report);
  assert.deepEqual(
    { bounding, permitted, effective, ambient },
    { bounding: all, permitted: [], effective: [], ambient: [] },
  );
});

scenario("an inheritable capability is not ambient when it is not configured to be", async (lab) => {
  const all = ["CAP_CHOWN", "CAP_KILL"];
  const report = await reportWith(lab, (process) => {
    process.user = { uid: 1000, gid: 1000 };
    process.capabilities = { bounding: all, permitted: all, effective: all, inheritable: all };
  });
  const { permitted, inheritable, ambient } = capabilitySets(report);
  assert.deepEqual({ permitted, inheritable, ambient }, { permitted: [], inheritable: all, ambient: [] });
});

scenario("the program has no capability when all sets are empty", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] };
  });
  assert.deepEqual(Object.values(capabilitySets(report)).flat(), []);
});

scenario(
  "an unknown capability is not fatal",
  {
    clause:
      'config.md, Linux Process: "The runtime SHOULD NOT fail if the container configuration requests capabilities that cannot be granted"',
  },
  async (lab) => {
    const report = await reportWith(lab, (process) => {
      const sets = ["CAP_KILL", "CAP_NOT_INVENTED_YET"];
      process.capabilities = { bounding: sets, permitted: sets, effective: sets };
    });
    assert.deepEqual(capabilitySets(report)["permitted"], ["CAP_KILL"]);
  },
);

for (const [value, shown] of [
  [true, "1"],
  [false, "0"],
] as const) {
  scenario(`no_new_privs is ${shown} when configured ${value}`, async (lab) => {
    const report = await reportWith(lab, (process) => {
      process.noNewPrivileges = value;
    });
    assert.equal(report.status["NoNewPrivs"], shown);
  });
}

scenario(
  "the program has the configured resource limits",
  { clause: 'config.md, POSIX process: "rlimits"' },
  async (lab) => {
    const report = await reportWith(lab, (process) => {
      process.rlimits = [
        { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
        { type: "RLIMIT_CORE", soft: 0, hard: 0 },
        { type: "RLIMIT_FSIZE", soft: 1_000_000, hard: 2_000_000 },
        { type: "RLIMIT_STACK", soft: 4_194_304, hard: 8_388_608 },
        { type: "RLIMIT_AS", soft: 1_073_741_824, hard: 1_073_741_824 },
      ];
    });
    const { NOFILE, CORE, FSIZE, STACK, AS } = report.rlimits;
    assert.deepEqual(
      { NOFILE, CORE, FSIZE, STACK, AS },
      {
        NOFILE: ["100", "200"],
        CORE: ["0", "0"],
        FSIZE: ["1000000", "2000000"],
        STACK: ["4194304", "8388608"],
        AS: ["1073741824", "1073741824"],
      },
    );
  },
);

scenario("a resource limit that is not configured stays as the caller has it", async (lab) => {
  const { execFileSync } = await import("node:child_process");
  const [soft, hard] = ["-Ss", "-Hs"].map((flag) =>
    execFileSync("/bin/bash", ["-c", `ulimit ${flag}`], { encoding: "utf8" }).trim(),
  );
  const report = await reportWith(lab, () => undefined);
  const bytes = (limit = ""): string => (limit === "unlimited" ? "18446744073709551615" : `${Number(limit) * 1024}`);
  assert.deepEqual(report.rlimits["STACK"], [bytes(soft), bytes(hard)]);
});

scenario("the program has the caller's core limit", async (lab) => {
  const { execFileSync } = await import("node:child_process");
  const limitCore = (soft: string): void =>
    void execFileSync("prlimit", [`--core=${soft}:`, "--pid", `${process.pid}`], { stdio: "inherit" });
  const before = execFileSync("prlimit", ["--core", "--raw", "--noheadings", "--output=SOFT"], { encoding: "utf8" });
  lab.later(() => limitCore(before.trim()));
  limitCore("12345");
  const report = await reportWith(lab, () => undefined);
  assert.equal(report.rlimits["CORE"]?.[0], "12345");
});

scenario(
  "the program has a session keyring of its own",
  { boxOnly: "a new session keyring, but for --no-new-keyring" },
  async (lab, t) => {
    const { sessionKeyring: ours } = JSON.parse(ok(await command([context.probe, "report"])).stdout) as Report;
    if (ours < 0) return t.skip("the kernel has no keyrings");
    assert.notEqual((await reportWith(lab, () => undefined)).sessionKeyring, ours);
    const container = await lab.container(["/bin/probe", "report"]).create(["--no-new-keyring"]);
    await container.start();
    // Without a session keyring the kernel tells of another one in each user namespace.
    const { sessionKeyring: kept } = JSON.parse(await container.output()) as Report;
    if (context.user === undefined) assert.equal(kept, ours);
  },
);

scenario("the program has the configured oom_score_adj", async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.oomScoreAdj = 123;
  });
  assert.equal(report.oomScoreAdj, 123);
});

scenario("the program has descriptors 0, 1 and 2 and no other", async (lab) => {
  const report = await reportWith(lab, () => undefined);
  assert.deepEqual(Object.keys(report.fds).toSorted(), ["0", "1", "2"]);
});

scenario("descriptors of the caller do not leak into the program", async (lab) => {
  const container = lab.container(["/bin/probe", "report"]);
  await container.create([], { pass: [openSync("/etc/passwd", "r")] });
  await container.start();
  const { fds } = JSON.parse(await container.output()) as Report;
  assert.deepEqual(Object.keys(fds).toSorted(), ["0", "1", "2"]);
});

scenario("--preserve-fds passes so many descriptors from 3 on", async (lab) => {
  const container = lab.container(["/bin/probe", "report"]);
  const file = openSync("/etc/passwd", "r");
  await container.create(["--preserve-fds", "2"], { pass: [file, file, file] });
  await container.start();
  const { fds } = JSON.parse(await container.output()) as Report;
  assert.deepEqual(Object.keys(fds).toSorted(), ["0", "1", "2", "3", "4"]);
});

/** What a program says of descriptors 3 and up, and of the variables that tell of them. */
function activationOf({ fds, env }: Report): { fds: string[]; env: string[] } {
  const numbers = Object.keys(fds).filter((number) => Number(number) > 2);
  return { fds: numbers.toSorted(), env: env.filter((entry) => entry.startsWith("LISTEN_")).toSorted() };
}

scenario("sockets that are handed to run are the program's, which LISTEN_PID names", async (lab) => {
  const file = openSync("/etc/passwd", "r");
  const { runtime, bundle, id } = lab.container(["/bin/probe", "report"]);
  const args = ["run", "--bundle", bundle, "--preserve-fds", "1", id];
  const shim = lab.watch(runtime.activated(args, [file, file, file], ["a", "b"]));
  const report = JSON.parse(await (await shim.ok()).stdout.end()) as Report;
  const { fds, env } = activationOf(report);
  assert.deepEqual(fds, ["3", "4", "5"]);
  const named = context.runtime.name === "box" ? ["LISTEN_FDNAMES=a:b"] : [];
  assert.deepEqual(env, [...named, "LISTEN_FDS=2", `LISTEN_PID=${report.pid}`]);
});

scenario(
  "LISTEN_PID names the program in a joined pid namespace too",
  { root: "namespaces that are not the user's", boxOnly: "others say 1" },
  async (lab) => {
    const { pid } = await lab.running();
    const { runtime, bundle, id } = lab.container(["/bin/probe", "report"], ({ linux }) => {
      for (const namespace of linux.namespaces) if (namespace.type === "pid") namespace.path = `/proc/${pid}/ns/pid`;
    });
    const create = ["create", "--bundle", bundle, id];
    const shim = lab.watch(runtime.activated(create, [openSync("/etc/passwd", "r")], ["a"]));
    await shim.ok();
    ok(await runtime.start(id));
    const report = JSON.parse(await shim.stdout.end()) as Report;
    assert.notEqual(report.pid, 1);
    assert.deepEqual(activationOf(report), {
      fds: ["3"],
      env: ["LISTEN_FDNAMES=a", "LISTEN_FDS=1", `LISTEN_PID=${report.pid}`],
    });
  },
);

scenario("sockets that were handed to somebody else are not passed on", async (lab) => {
  const container = lab.container(["/bin/probe", "report"]);
  await container.create([], {
    env: { LISTEN_FDS: "1", LISTEN_PID: "1" },
    pass: [openSync("/etc/passwd", "r")],
  });
  await container.start();
  assert.deepEqual(activationOf(JSON.parse(await container.output()) as Report), { fds: [], env: [] });
});

scenario("--pidfd-socket takes a pidfd of the first process", { needs: ["create: pidfd-socket"] }, async (lab) => {
  const socket = lab.path("pidfd.sock");
  const receiver = await lab.receiver("pidfd", socket);
  const container = await lab.container(["/bin/probe", "wait"]).create(["--pidfd-socket", socket]);
  assert.equal(await receiver.says(/^pid /), `pid ${container.pid}`);
});

scenario("the program reads what is written to the caller's standard input", async (lab) => {
  const container = await lab.created(["/bin/cat"]);
  await container.start();
  container.say("one\ntwo\n");
  container.shim.stdin.end();
  assert.equal(await container.output(), "one\ntwo\n");
});

scenario("standard error of the program is the caller's", async (lab) => {
  const container = await lab.created(["/bin/sh", "-c", "echo out; echo err >&2"]);
  await container.start();
  assert.equal(await container.output(), "out\n");
  assert.equal(await container.shim.stderr.end(), "err\n");
});

scenario("no signal is blocked and none ignored in the program", async (lab) => {
  const { status } = await reportWith(lab, () => undefined);
  assert.deepEqual([status["SigBlk"], status["SigIgn"]], ["0000000000000000", "0000000000000000"]);
});

scenario("the program leads a session of its own", async (lab) => {
  const { pid, sid, pgid, ppid } = await reportWith(lab, () => undefined);
  assert.deepEqual([pid, sid, pgid, ppid], [1, 1, 1, 0]);
});

scenario("a working directory that is missing is made, in a read-only root file system too", async (lab) => {
  for (const readonly of [false, true]) {
    const container = lab.container(["/bin/sh", "-c", "pwd; stat -c '%a %u:%g' ."], (spec) => {
      spec.root.readonly = readonly;
      spec.process.cwd = "/not/there/yet";
      spec.process.user = { uid: 7, gid: 8 };
    });
    assert.equal(await container.outputOfRun(), "/not/there/yet\n755 0:0\n");
  }
});

for (const [what, redirect] of [
  ["a pipe", `"$@" 2>&1 | cat`],
  ["a file", `rm -f "$0"; "$@" >>"$0" 2>&1; cat "$0"`],
] as const)
  scenario(`a program of another user than root opens ${what} again that is its output`, async (lab) => {
    const script = ["/bin/sh", "-c", "echo one >>/proc/self/fd/1; echo two >>/proc/self/fd/2; echo done"];
    const { bundle, id } = lab.container(script, ({ process }) => {
      process.user = { uid: 7, gid: 8 };
    });
    // Some runtimes carry both streams themselves, so that one may overtake the other.
    const by = async (args: string[]): Promise<string[]> => {
      const argv = ["/bin/sh", "-c", redirect, lab.path("out"), ...lab.runtime.argv(args)];
      return ok(await command(argv, { env: lab.runtime.place.env }))
        .stdout.trim()
        .split("\n")
        .toSorted();
    };
    assert.deepEqual(await by(["run", "--bundle", bundle, id]), ["done", "one", "two"]);
    const running = await lab.running();
    assert.deepEqual(await by(["exec", "--user", "9:9", running.id, ...script]), ["done", "one", "two"]);
  });

scenario(
  "a file that a program only reads stays whose it is",
  { boxOnly: "runc and crun give it away", root: "ids that are not the user's" },
  async (lab) => {
    const file = lab.path("in");
    writeFileSync(file, "text\n");
    const { bundle, id } = lab.container(["/bin/cat"], ({ process }) => {
      process.user = { uid: 7, gid: 8 };
    });
    const argv = ["/bin/sh", "-c", `exec "$@" <"$0"`, file, ...lab.runtime.argv(["run", "--bundle", bundle, id])];
    assert.equal(ok(await command(argv, { env: lab.runtime.place.env })).stdout, "text\n");
    assert.equal(statSync(file).uid, 0);
  },
);

scenario("the program is found on the PATH of its environment", async (lab) => {
  const container = lab.container(["hello"], ({ process }) => {
    process.env = ["PATH=/nowhere:/opt/tools:/bin"];
  });
  mkdirSync(join(container.rootfs, "opt/tools"), { recursive: true });
  writeFileSync(join(container.rootfs, "opt/tools/hello"), '#!/bin/sh\necho "from $0"\n', { mode: 0o755 });
  assert.equal(await container.outputOfRun(), "from /opt/tools/hello\n");
});

scenario("a script is run by the interpreter it names", async (lab) => {
  const container = lab.container(["/script", "x"]);
  writeFileSync(join(container.rootfs, "script"), '#!/bin/sh\necho "$0 $1"\n', { mode: 0o755 });
  assert.equal(await container.outputOfRun(), "/script x\n");
});

scenario("a relative program is found from the working directory", async (lab) => {
  const container = lab.container(["./script"], ({ process }) => {
    process.cwd = "/usr";
  });
  writeFileSync(join(container.rootfs, "usr/script"), "#!/bin/sh\npwd\n", { mode: 0o755 });
  assert.equal(await container.outputOfRun(), "/usr\n");
});

for (const status of [0, 1, 2, 42, 126, 127, 128, 137, 255]) {
  scenario(`init ends with ${status} when the program does`, async (lab) => {
    const container = await lab.created(["/bin/sh", "-c", `exit ${status}`]);
    await container.start();
    assert.equal(await container.exit(), `exit ${status}`);
  });
}

for (const [name, number] of [
  ["TERM", 15],
  ["SEGV", 11],
  ["ABRT", 6],
] as const) {
  // Without a pid namespace: the first process of one ignores what it does not handle.
  scenario(
    `init ends by SIG${name} when the program does`,
    { needs: ["mount: proc of the caller's pid namespace"] },
    async (lab) => {
      const container = await lab.created(["/bin/sh", "-c", `kill -${name} $$`], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
      });
      await container.start();
      assert.equal(await container.exit(), `signal ${number}`);
    },
  );
}

// --- A program that is not there: create says so. One that cannot be executed: start itself does, and the container is
// then stopped. --------------------------------------------------------------------------------------------------------

for (const [what, args, text] of [
  ["does not exist", ["/bin/nothing-here"], /no such file or directory/],
  ["is not on the PATH", ["nothing-here"], /executable file not found in \$PATH/],
] as const) {
  scenario(`create refuses a program that ${what}`, async (lab) => {
    const container = lab.container([...args]);
    refused(await container.creating().result(), text);
    await container.shim.finished();
    assert.deepEqual(lab.leaks(), []);
  });
}

interface BadProgram {
  what: string;
  args: string[];
  prepare?: (rootfs: string) => void;
  /** When the container is created. */
  afterwards?: (rootfs: string) => void;
  text: RegExp;
}

const badPrograms: BadProgram[] = [
  {
    what: "has vanished",
    args: ["/gone"],
    prepare: (rootfs) => symlinkSync("bin/busybox", join(rootfs, "gone")),
    afterwards: (rootfs) => unlinkSync(join(rootfs, "gone")),
    text: /ENOENT|no such file or directory/,
  },
  {
    what: "is not executable",
    args: ["/plain"],
    prepare: (rootfs) => writeFileSync(join(rootfs, "plain"), "text", { mode: 0o644 }),
    text: /EACCES|permission denied/,
  },
  { what: "is a directory", args: ["/etc"], text: /EACCES|EISDIR|permission denied|is a directory/ },
  {
    what: "has no known format",
    args: ["/garbage"],
    prepare: (rootfs) => writeFileSync(join(rootfs, "garbage"), "\0\u0001\u0002 no program", { mode: 0o755 }),
    text: /ENOEXEC|exec format error/,
  },
  {
    what: "names an interpreter that does not exist",
    args: ["/script"],
    prepare: (rootfs) => writeFileSync(join(rootfs, "script"), "#!/no/such/interpreter\n", { mode: 0o755 }),
    text: /ENOENT|no such file or directory/,
  },
  {
    what: "has an argument longer than the kernel allows",
    args: ["/bin/true", "x".repeat(200_000)],
    text: /E2BIG|argument list too long/,
  },
];

for (const { what, args, prepare, afterwards, text } of badPrograms) {
  scenario(`start reports a program that ${what}`, { boxOnly: "start reports the failure of execve" }, async (lab) => {
    const container = lab.container(args);
    prepare?.(container.rootfs);
    await container.create();
    afterwards?.(container.rootfs);
    const result = await lab.runtime.start(container.id);
    refused(result, text);
    await container.exit();
    await container.expectStatus("stopped");
    ok(await lab.runtime.delete(container.id));
  });
}

scenario(
  "the program has the configured scheduling policy and nice value",
  { root: "more priority than the user has" },
  async (lab) => {
    for (const [policy, number] of [
      ["SCHED_OTHER", 0],
      ["SCHED_BATCH", 3],
    ] as const) {
      const report = await reportWith(lab, (process) => {
        process.scheduler = { policy, nice: 7 };
      });
      assert.deepEqual([report.scheduler, report.nice], [[number, 0], 7], policy);
    }
    const idle = await reportWith(lab, (process) => {
      process.scheduler = { policy: "SCHED_IDLE" };
    });
    assert.deepEqual(idle.scheduler, [5, 0]);
  },
);

scenario("the program may have a deadline", { root: "more priority than the user has" }, async (lab) => {
  const report = await reportWith(lab, (process) => {
    process.scheduler = { policy: "SCHED_DEADLINE", runtime: 1e6, deadline: 1e7, period: 1e7 };
  });
  assert.deepEqual(report.scheduler, [6, 0]);
});

for (const [name, number] of [
  ["IOPRIO_CLASS_BE", 2],
  ["IOPRIO_CLASS_RT", 1],
  ["IOPRIO_CLASS_IDLE", 3],
] as const) {
  scenario(
    `the program has the configured I/O priority of class ${name}`,
    { root: name === "IOPRIO_CLASS_RT" ? "more priority than the user has" : undefined },
    async (lab) => {
      const report = await reportWith(lab, (process) => {
        process.ioPriority = { class: name, priority: 6 };
      });
      assert.equal(report.ioPriority >> 13, number);
      // The kernel forgets the priority of the idle class, since some version.
      if (number !== 3) assert.equal(report.ioPriority & 7, 6);
      const silent = await reportWith(lab, (process) => {
        process.ioPriority = { class: name };
      });
      assert.equal(silent.ioPriority, number << 13);
    },
  );
}

scenario(
  "priorities are the host's to give in a user namespace too",
  { root: "more priority than the user has" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "report"], ({ process, linux }) => {
      linux.namespaces.push({ type: "user" });
      linux.uidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
      linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
      process.scheduler = { policy: "SCHED_OTHER", nice: -5 };
      process.ioPriority = { class: "IOPRIO_CLASS_RT", priority: 1 };
    });
    const { spawnSync } = await import("node:child_process");
    spawnSync("chown", ["-R", "200000:200000", container.rootfs]);
    chmodSync(container.bundle, 0o755);
    const report = await container.report();
    assert.deepEqual([report.nice, report.ioPriority], [-5, (1 << 13) | 1]);
  },
);

for (const [domain, number] of [
  ["LINUX", 0],
  ["LINUX32", 8],
] as const) {
  scenario(`the program has the execution domain ${domain}`, async (lab) => {
    const container = lab.container(["/bin/probe", "report"], ({ linux }) => {
      linux.personality = { domain };
    });
    assert.equal((await container.report()).personality, number);
  });
}

for (const [mode, nodes, expected] of [
  ["MPOL_DEFAULT", undefined, [0, 0]],
  ["MPOL_LOCAL", undefined, [4, 0]],
  ["MPOL_BIND", "0", [2, 1]],
  ["MPOL_INTERLEAVE", "0", [3, 1]],
  ["MPOL_PREFERRED", "0", [1, 1]],
] as const) {
  scenario(`the program's memory comes by ${mode}`, { clause: "config-linux.md, Memory Policy" }, async (lab) => {
    const container = lab.container(["/bin/probe", "report"], ({ linux }) => {
      linux.memoryPolicy = { mode, ...(nodes === undefined ? {} : { nodes }) };
    });
    const { memoryPolicy } = await container.report();
    // Before Linux 5.14 the kernel calls MPOL_LOCAL by the name of MPOL_PREFERRED without nodes.
    const isLocal = mode === "MPOL_LOCAL" && memoryPolicy.join() === "1,0";
    assert.deepEqual(isLocal ? [4, 0] : memoryPolicy, expected);
  });
}

scenario(
  "an exec'd process has the container's domain, memory policy and priorities",
  { root: "more priority than the user has", needs: ["command: exec"] },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], ({ process, linux }) => {
      process.scheduler = { policy: "SCHED_BATCH", nice: 3 };
      process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 5 };
      linux.personality = { domain: "LINUX32" };
      linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0" };
    });
    const result = ok(await lab.runtime.exec(container.id, ["/bin/probe", "report"]));
    const { scheduler, nice, ioPriority, personality, memoryPolicy } = JSON.parse(result.stdout) as Report;
    assert.deepEqual([scheduler, nice, ioPriority, personality, memoryPolicy], [[3, 0], 3, (2 << 13) | 5, 8, [2, 1]]);
  },
);

scenario(
  "an exec'd process runs on the configured processors, the container's first one on all",
  { needs: ["command: exec"], clause: "config.md, execCPUAffinity" },
  async (lab) => {
    for (const [affinity, expected] of [
      [{ final: "0" }, "0"],
      [{ initial: "0", final: "0" }, "0"],
    ] as const) {
      const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
        process.execCPUAffinity = { ...affinity };
      });
      const cpus = (text: string): string | undefined => /Cpus_allowed_list:\s*(\S+)/.exec(text)?.[1];
      const everywhere = cpus(readFileSync("/proc/self/status", "utf8"));
      assert.equal(cpus(readFileSync(`/proc/${container.pid}/status`, "utf8")), everywhere);
      const result = ok(await lab.runtime.exec(container.id, ["/bin/probe", "report"]));
      assert.equal((JSON.parse(result.stdout) as Report).status["Cpus_allowed_list"], expected);
      await container.stop();
    }
  },
);

scenario(
  "a container and what is exec'd in it run on all processors, whatever the caller is bound to",
  { needs: ["command: exec"], boxOnly: "runc 1.3.1 and newer" },
  async (lab) => {
    const bound = async (argv: string[]): Promise<string | undefined> => {
      const { stdout } = ok(await command(["taskset", "-c", "0", ...argv], { env: lab.runtime.place.env }));
      return (JSON.parse(stdout) as Report).status["Cpus_allowed_list"];
    };
    const everywhere = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    const short = lab.container(["/bin/probe", "report"]);
    assert.equal(await bound(lab.runtime.argv(["run", "--bundle", short.bundle, short.id])), everywhere);
    const { id } = await lab.running();
    assert.equal(await bound(lab.runtime.argv(["exec", id, "/bin/probe", "report"])), everywhere);
  },
);

scenario(
  "processors of an exec'd process hold only until it is in the container's cgroup, unless there are final ones",
  { needs: ["command: exec"], boxOnly: "the cgroup's own processors are used again" },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], ({ process }) => {
      process.execCPUAffinity = { initial: "0" };
    });
    const all = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`/proc/${container.pid}/status`, "utf8"))?.[1];
    const result = ok(await lab.runtime.exec(container.id, ["/bin/probe", "report"]));
    assert.equal((JSON.parse(result.stdout) as Report).status["Cpus_allowed_list"], all);
  },
);

const wrong: [string, (process: Process, linux: Spec["linux"]) => void, RegExp][] = [
  ["a policy that Linux has not", (process) => (process.scheduler = { policy: "SCHED_ISO" }), /scheduler.policy/],
  [
    "a memory policy with a node that is not there",
    (_, linux) => (linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "1000" }),
    /linux.memoryPolicy: set_mempolicy.*EINVAL/,
  ],
  [
    "a deadline longer than its period",
    (process) => (process.scheduler = { policy: "SCHED_DEADLINE", runtime: 2000, deadline: 3000, period: 2500 }),
    /scheduler/,
  ],
];

for (const [what, change, text] of wrong) {
  scenario(
    `create refuses ${what}, and leaves nothing`,
    { boxOnly: "create fails for what cannot be applied" },
    async (lab) => {
      const container = lab.container(["/bin/true"], ({ process, linux }) => change(process, linux));
      refused(await lab.runtime.call(["create", "--bundle", container.bundle, container.id]), text);
      assert.deepEqual(lab.stateEntries(), []);
    },
  );
}

for (const [property, value, need] of [
  ["apparmorProfile", "acceptance-none", "apparmor"],
  ["selinuxLabel", "system_u:system_r:container_t:s0", "selinux"],
] as const) {
  if (context.facts[need] === "") continue;
  scenario(
    `create refuses ${property} where nobody would look at it`,
    { boxOnly: "validation before action" },
    async (lab) => {
      const container = lab.container(["/bin/true"], ({ process }) => {
        process[property] = value;
      });
      refused(
        await lab.runtime.call(["create", "--bundle", container.bundle, container.id]),
        new RegExp(`${property}.*not in force`),
      );
    },
  );
}

scenario("an empty name is the name of no program", { boxOnly: "execvp's meaning of args[0]" }, async (lab) => {
  const text = /exec: "": executable file not found in \$PATH \(ENOENT\)\n$/;
  const container = lab.container([""]);
  refused(await container.creating().result(), text);
  const running = await lab.running();
  refused(await lab.runtime.exec(running.id, [""]), text);
});

const keepGroups = "run.oci.keep_original_groups";

for (const [where, change] of [
  ["on the host", () => undefined],
  [
    // As rootless engines set it up: groups of the host's that are not mapped count all the same.
    "in a user namespace that does not map them",
    ({ linux }: Spec) => {
      linux.namespaces = [...linux.namespaces.filter(({ type }) => type !== "user"), { type: "user" }];
      linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 0, size: 100 }];
    },
  ],
] as const)
  scenario(
    `the program and those of exec have the caller's groups when an annotation says so, ${where}`,
    { root: "what an ordinary user cannot hand down", needs: ["userspace: setpriv"], boxOnly: "crun's annotation" },
    async (lab) => {
      const { id, runtime, bundle } = lab.container(["/bin/probe", "wait"], (spec) => {
        change(spec);
        // What Podman adds from the image's files gives way.
        spec.process.user = { uid: 7, gid: 8, additionalGids: [9] };
        spec.annotations = { [keepGroups]: "1" };
      });
      const as = (...args: string[]) => command(["setpriv", "--groups", "70123,70124", ...runtime.argv(args)]);
      const detach = ["sh", "-c", 'exec "$@" </dev/null >/dev/null 2>&1', "sh"];
      const run = ["setpriv", "--groups", "70123,70124", ...runtime.argv(["run", "--detach", "--bundle", bundle, id])];
      ok(await command([...detach, ...run]));
      const { pid } = JSON.parse(ok(await runtime.state(id)).stdout) as { pid: number };
      const groupsOf = (status: string) => /^Groups:\t(.*?) ?$/m.exec(status)?.[1];
      // As the host sees them.
      assert.equal(groupsOf(readFileSync(`/proc/${pid}/status`, "utf8")), "70123 70124");
      const seen = groupsOf(ok(await as("exec", id, "cat", "/proc/self/status")).stdout);
      assert.equal(seen, where === "on the host" ? "70123 70124" : "65534 65534");
      refused(await as("exec", "--additional-gids", "5", id, "true"), /--additional-gids: .*keep_original_groups/);
    },
  );

scenario(
  "the caller's groups are kept by no other value of that annotation than one",
  { root: "what an ordinary user cannot hand down", needs: ["userspace: setpriv"], boxOnly: "crun's annotation" },
  async (lab) => {
    const { id, runtime, bundle } = lab.container(["cat", "/proc/self/status"], (spec) => {
      spec.process.user.additionalGids = [9];
      spec.annotations = { [keepGroups]: "0" };
    });
    const argv = runtime.argv(["run", "--bundle", bundle, id]);
    assert.match(ok(await command(["setpriv", "--groups", "70123", ...argv])).stdout, /^Groups:\t9 ?$/m);
  },
);
