import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as numbers from "../../src/linux/nr/x86_64.ts";
import { largeProfile } from "../kernel/profile.ts";
import type { Seccomp, SeccompRule, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { Lines } from "./harness/lines.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("seccomp", { clause: "config-linux.md, Seccomp", needs: ["seccomp", "machine: x86-64"] });

/** Of system calls, by their names. */
const NR: Readonly<Record<string, number>> = { ...numbers };

const EPERM = 1;
const EFAULT = 14;
const ENOSYS = 38;
const EUSERS = 87;
const SIGSYS = 31;

/** A profile for this machine. */
const profile = (change: Partial<Seccomp>): Seccomp => ({
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: ["SCMP_ARCH_X86_64"],
  ...change,
});
const rule = (names: string[], action: string, more: Partial<SeccompRule> = {}): SeccompRule => ({
  names,
  action,
  ...more,
});

/** A change of the configuration to this filter. */
const filtered =
  (change: Partial<Seccomp>, more: (spec: Spec) => void = () => undefined) =>
  (spec: Spec) => {
    spec.linux.seccomp = profile(change);
    more(spec);
  };

/** A call as `probe calls` takes it. */
const call = (name: keyof typeof numbers, ...args: (number | bigint)[]): string =>
  args.length === 0 ? `${NR[name]}` : `${NR[name]}:${args.join(",")}`;

/** The errno values of calls, 0 for those that succeed, made by a program under a filter. */
async function errnos(lab: Lab, change: (spec: Spec) => void, ...calls: string[]): Promise<number[]> {
  const output = await lab.container(["/bin/probe", "calls", ...calls], change).outputOfRun();
  return output
    .trim()
    .split("\n")
    .map((line) => Number(line.split(" ")[1]));
}

scenario("a call that is named fails with the errno of its rule, and no other call", async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir", "rmdir"], "SCMP_ACT_ERRNO", { errnoRet: 99 })] });
  assert.deepEqual(await errnos(lab, change, call("mkdir"), call("rmdir"), call("unlink")), [99, 99, EFAULT]);
});

scenario("the errno is EPERM where the rule has none", async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ERRNO")] });
  assert.deepEqual(await errnos(lab, change, call("mkdir")), [EPERM]);
});

scenario("the program is filtered, and says so in its status", async (lab) => {
  const container = lab.container(["/bin/probe", "report"], filtered({}));
  assert.equal((await container.report()).status["Seccomp"], "2");
});

scenario("without a profile nothing is filtered", async (lab) => {
  const container = lab.container(["/bin/probe", "report"]);
  assert.equal((await container.report()).status["Seccomp"], "0");
});

scenario("what no rule names gets the default action and its errno", async (lab) => {
  const allowed = Object.keys(NR).filter((name) => !["mkdir", "uname"].includes(name));
  const change = filtered({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 88,
    syscalls: [rule(allowed, "SCMP_ACT_ALLOW")],
  });
  assert.deepEqual(await errnos(lab, change, call("mkdir"), call("uname"), call("rmdir")), [88, 88, EFAULT]);
});

for (const [action, signal] of [
  ["SCMP_ACT_KILL", SIGSYS],
  ["SCMP_ACT_KILL_THREAD", SIGSYS],
  ["SCMP_ACT_KILL_PROCESS", SIGSYS],
  ["SCMP_ACT_TRAP", SIGSYS],
] as const) {
  scenario(`${action} ends the program that makes the call`, async (lab) => {
    const change = filtered({ syscalls: [rule(["mkdir"], action)] });
    const container = await lab.container(["/bin/probe", "calls", call("rmdir"), call("mkdir")], change).create();
    await container.start();
    assert.equal(await container.output(), `${numbers.rmdir} ${EFAULT}\n`);
    assert.equal(await container.exit(), `signal ${signal}`);
  });
}

scenario("SCMP_ACT_LOG lets the call pass", async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_LOG")] });
  assert.deepEqual(await errnos(lab, change, call("mkdir")), [EFAULT]);
});

scenario("SCMP_ACT_TRACE fails with ENOSYS where nobody traces", async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_TRACE")] });
  assert.deepEqual(await errnos(lab, change, call("mkdir")), [ENOSYS]);
});

// lseek of no descriptor: EBADF where it is let through.
const EBADF = 9;
const sought = (...offsets: bigint[]) => offsets.map((offset) => call("lseek", 0xffff_ffff, offset));
const high = 2n ** 40n;

for (const [op, value, valueTwo, denied, passed] of [
  ["NE", 5, 0, [6n, high + 5n], [5n]],
  ["LT", 5, 0, [4n, 0n], [5n, 6n, high]],
  ["LE", 5, 0, [5n, 4n], [6n, high]],
  ["EQ", 5, 0, [5n], [4n, 6n, high + 5n]],
  ["GE", 5, 0, [5n, 6n, high], [4n]],
  ["GT", 5, 0, [6n, high], [5n, 4n]],
  ["MASKED_EQ", 0xf0, 0x50, [0x50n, 0x5fn, high + 0x50n], [0x60n, 5n]],
] as const) {
  scenario(`SCMP_CMP_${op} compares an argument`, async (lab) => {
    const args = [{ index: 1, op: `SCMP_CMP_${op}`, value, valueTwo }];
    const change = filtered({ syscalls: [rule(["lseek"], "SCMP_ACT_ERRNO", { errnoRet: 99, args })] });
    assert.deepEqual(
      await errnos(lab, change, ...sought(...denied)),
      denied.map(() => 99),
      "denied",
    );
    assert.deepEqual(
      await errnos(lab, change, ...sought(...passed)),
      passed.map(() => EBADF),
      "passed",
    );
  });
}

const equals = (index: number, value: number) => ({ index, op: "SCMP_CMP_EQ", value });

scenario("all comparisons of different arguments must hold", async (lab) => {
  const args = [equals(1, 5), equals(2, 1)];
  const change = filtered({ syscalls: [rule(["lseek"], "SCMP_ACT_ERRNO", { errnoRet: 99, args })] });
  const calls = [call("lseek", 0xffff_ffff, 5, 1), call("lseek", 0xffff_ffff, 5, 0), call("lseek", 0xffff_ffff, 6, 1)];
  assert.deepEqual(await errnos(lab, change, ...calls), [99, EBADF, EBADF]);
});

scenario("of several comparisons of one argument one is enough", async (lab) => {
  const args = [equals(1, 5), equals(1, 7)];
  const change = filtered({ syscalls: [rule(["lseek"], "SCMP_ACT_ERRNO", { errnoRet: 99, args })] });
  assert.deepEqual(await errnos(lab, change, ...sought(5n, 7n, 6n)), [99, 99, EBADF]);
});

scenario("a system call that nobody knows is passed over", async (lab) => {
  const change = filtered({ syscalls: [rule(["no_such_call", "mkdir"], "SCMP_ACT_ERRNO")] });
  assert.deepEqual(await errnos(lab, change, call("mkdir")), [EPERM]);
});

scenario("a rule that says what the default says is as good as none", async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ALLOW"), rule(["rmdir"], "SCMP_ACT_ERRNO")] });
  assert.deepEqual(await errnos(lab, change, call("mkdir"), call("rmdir")), [EFAULT, EPERM]);
});

scenario("calls of another architecture than those that are named are not let through", async (lab) => {
  const x32Bit = 0x4000_0000;
  const container = await lab
    .container(["/bin/probe", "calls", call("rmdir"), `${numbers.getpid + x32Bit}`], filtered({}))
    .create();
  await container.start();
  assert.equal(await container.output(), `${numbers.rmdir} ${EFAULT}\n`);
  assert.equal(await container.exit(), `signal ${SIGSYS}`);
});

scenario(
  "calls that are newer than the profile fail with ENOSYS, so that a C library takes the older one",
  async (lab) => {
    const known = Object.entries(NR).filter(([, number]) => number < numbers.clone3);
    const change = filtered({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: EPERM,
      syscalls: [
        rule(
          known.map(([name]) => name).filter((name) => name !== "mkdir"),
          "SCMP_ACT_ALLOW",
        ),
      ],
    });
    assert.deepEqual(await errnos(lab, change, call("mkdir"), call("clone3"), call("faccessat2")), [
      EPERM,
      ENOSYS,
      ENOSYS,
    ]);
  },
);

scenario("a filter without no_new_privs leaves the program the capabilities that are configured", async (lab) => {
  for (const uid of [0, 1000]) {
    const container = lab.container(
      ["/bin/probe", "report"],
      filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ERRNO")] }, ({ process }) => {
        process.noNewPrivileges = false;
        process.user = { uid, gid: uid };
        process.capabilities = { bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"] };
      }),
    );
    const { status } = await container.report();
    const own = uid === 0 ? "0000000000000001" : "0000000000000000";
    const { Seccomp, NoNewPrivs, CapBnd, CapPrm, CapEff } = status;
    assert.deepEqual([Seccomp, NoNewPrivs, CapBnd, CapPrm, CapEff], ["2", "0", "0000000000000001", own, own], `${uid}`);
  }
});

scenario("speculation is left alone unless the profile has flags", async (lab) => {
  const report = async (change: Partial<Seccomp>): Promise<string | undefined> =>
    (await lab.container(["/bin/probe", "report"], filtered(change)).report()).status["Speculation_Store_Bypass"];
  const before = (await lab.container(["/bin/probe", "report"]).report()).status["Speculation_Store_Bypass"];
  assert.equal(await report({}), before);
  assert.equal(await report({ flags: ["SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"] }), before);
});

scenario("a profile of 400 names allows what it names and forbids the rest", async (lab) => {
  const change = (spec: Spec): void => {
    spec.linux.seccomp = JSON.parse(JSON.stringify(largeProfile)) as Seccomp;
  };
  assert.deepEqual(
    await errnos(
      lab,
      change,
      ...[call("mkdir"), call("mount"), call("personality", 0xffff_ffff), call("personality", 0x20_0000)],
      ...[call("socket", 40, 1, 0), call("clone3")],
    ),
    [EFAULT, EPERM, 0, EPERM, EPERM, ENOSYS],
  );
});

scenario("an exec'd process has the container's filter", { needs: ["command: exec"] }, async (lab) => {
  const container = await lab.running(
    ["/bin/probe", "wait"],
    filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ERRNO", { errnoRet: 99 })] }),
  );
  const result = ok(await lab.runtime.exec(container.id, ["/bin/probe", "calls", call("mkdir"), call("rmdir")]));
  assert.equal(result.stdout, `${numbers.mkdir} 99\n${numbers.rmdir} ${EFAULT}\n`);
});

const own = { boxOnly: "no call of its own between the filter and execve" };

/** What a static program of no more than `probe calls` needs. */
const bare = [
  ...[
    "execve",
    "brk",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "readlinkat",
    "readlink",
  ],
  ...["getrandom", "mprotect", "fstat", "newfstatat", "ioctl", "write", "exit_group"],
];

for (const noNewPrivileges of [true, false]) {
  scenario(
    `a profile that allows only what the program needs lets it start${noNewPrivileges ? "" : " without no_new_privs"}`,
    own,
    async (lab) => {
      const change = filtered(
        { defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [rule([...bare, "mkdir"], "SCMP_ACT_ALLOW")] },
        ({ process }) => {
          process.noNewPrivileges = noNewPrivileges;
        },
      );
      assert.deepEqual(await errnos(lab, change, call("mkdir")), [EFAULT]);
    },
  );
}

scenario(
  "a startContainer hook is filtered as the program is, and needs nothing else to be allowed",
  own,
  async (lab) => {
    const syscalls = [rule([...bare, "rmdir"], "SCMP_ACT_ALLOW"), rule(["mkdir"], "SCMP_ACT_KILL_PROCESS")];
    const container = lab.container(
      ["/bin/probe", "calls", call("rmdir")],
      filtered({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, (spec) => {
        const hook = (...calls: string[]) => ({ path: "/bin/probe", args: ["probe", "calls", ...calls] });
        spec.hooks = { startContainer: [hook(call("rmdir")), hook(call("mkdir"))] };
      }),
    );
    await container.create();
    refused(await lab.runtime.start(container.id), /startContainer\[1\].*killed by signal 31/);
  },
);

const executed = { boxOnly: "start and run report execve's failure" };
/** Holds for every execve, but only the kernel knows. */
const always = [{ index: 0, op: "SCMP_CMP_NE", value: 0 }];

scenario("start says that a filter refuses execve", executed, async (lab) => {
  const syscalls = [rule(["execve"], "SCMP_ACT_ERRNO", { args: always })];
  const container = await lab.container(["/bin/true"], filtered({ syscalls })).create();
  refused(await lab.runtime.start(container.id), /execve.*operation not permitted \(EPERM\)/);
  await container.exit();
  await container.expectStatus("stopped");
});

const unsaid: [string, Partial<Seccomp>][] = [
  ["kills for execve", { syscalls: [rule(["execve"], "SCMP_ACT_KILL_PROCESS", { args: always })] }],
  [
    "lets neither execve nor words through",
    {
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [rule(["execve"], "SCMP_ACT_ALLOW", { args: [{ index: 0, op: "SCMP_CMP_EQ", value: 0 }] })],
    },
  ],
];

for (const [how, change] of unsaid) {
  scenario(`run says that a filter ${how}`, executed, async (lab) => {
    const container = lab.container(["/bin/true"], filtered(change));
    const shim = container.running();
    assert.match(
      await shim.stderr.end(),
      /exec: the process ended before the program was executed, killed by signal \d+/,
    );
    assert.deepEqual(lab.stateEntries(), []);
  });
}

const wrong: [string, Partial<Seccomp>, RegExp][] = [
  [
    "an errno with an action that returns none",
    { syscalls: [rule(["mkdir"], "SCMP_ACT_ALLOW", { errnoRet: 1 })] },
    /errnoRet/,
  ],
  ["a filter that forbids execve", { syscalls: [rule(["execve"], "SCMP_ACT_ERRNO")] }, /linux\.seccomp.*execve/],
  ["SCMP_ACT_NOTIFY as default", { defaultAction: "SCMP_ACT_NOTIFY" }, /defaultAction/],
  ["SCMP_ACT_NOTIFY without an agent", { syscalls: [rule(["mkdir"], "SCMP_ACT_NOTIFY")] }, /listenerPath/],
  [
    "an agent that is not there",
    { syscalls: [rule(["mkdir"], "SCMP_ACT_NOTIFY")], listenerPath: "/nonexistent/agent" },
    /listenerPath/,
  ],
];

for (const [what, change, text] of wrong) {
  scenario(`run refuses ${what}`, { boxOnly: "validation before action" }, async (lab) => {
    const container = lab.container(["/bin/true"], filtered(change));
    refused(await lab.runtime.call(["run", "--bundle", container.bundle, container.id]), text);
    assert.deepEqual(lab.stateEntries(), []);
  });
}

// --- the agent ---

/** The suite's agent: what it says, and where it listens. */
async function agentOf(lab: Lab): Promise<{ readonly path: string; readonly lines: Lines }> {
  const path = lab.path("agent.sock");
  const child = spawn(context.probe, ["agent", path], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = new Lines(child.stdout);
  lab.later(async () => {
    child.kill("SIGKILL");
    // Its children go with it, and hold its output until then.
    await lines.end();
  });
  await lines.line(/^ready$/);
  return { path, lines };
}

interface ProcessState {
  ociVersion: string;
  fds: string[];
  pid: number;
  metadata?: string;
  state: State;
}

const asking = (path: string, ...names: string[]) =>
  filtered({
    syscalls: [rule(names, "SCMP_ACT_NOTIFY")],
    listenerPath: path,
    listenerMetadata: "who is asking",
  });

scenario("an agent gets the listener with the state of the container, and decides", async (lab) => {
  const { path, lines } = await agentOf(lab);
  const container = lab.container(["/bin/probe", "calls", call("mkdir"), call("rmdir")], asking(path, "mkdir"));
  await container.create();
  await container.start();
  const { ociVersion, fds, pid, metadata, state } = JSON.parse(await lines.line()) as ProcessState;
  assert.match(ociVersion, /^1\./);
  assert.deepEqual([fds, metadata], [["seccompFd"], "who is asking"]);
  assert.deepEqual(
    [pid, state.pid, state.id, state.bundle],
    [container.pid, container.pid, container.id, container.bundle],
  );
  assert.equal(await lines.line(), `asked ${numbers.mkdir}`);
  assert.equal(await container.output(), `${numbers.mkdir} ${EUSERS}\n${numbers.rmdir} ${EFAULT}\n`);
  await lines.line(/^gone$/);
});

scenario("an agent may be asked about execve itself", async (lab) => {
  const { path, lines } = await agentOf(lab);
  const container = lab.container(["/bin/probe", "calls", call("rmdir")], asking(path, "execve"));
  await container.create();
  await container.start();
  assert.equal(await lines.line(/^asked/), `asked ${numbers.execve}`);
  assert.equal(await container.output(), `${numbers.rmdir} ${EFAULT}\n`);
});

scenario(
  "run hands the listener over too, and an exec'd process has a listener of its own",
  { needs: ["command: exec"] },
  async (lab) => {
    const { path, lines } = await agentOf(lab);
    const container = lab.container(["/bin/probe", "wait"], asking(path, "mkdir"));
    const shim = container.running();
    await shim.stdout.line(/^ready$/);
    const { pid } = await container.state();
    const first = JSON.parse(await lines.line()) as ProcessState;
    assert.equal(first.pid, pid);
    const result = ok(await lab.runtime.exec(container.id, ["/bin/probe", "calls", call("mkdir")]));
    assert.equal(result.stdout, `${numbers.mkdir} ${EUSERS}\n`);
    const second = JSON.parse(await lines.line(/^\{/)) as ProcessState;
    assert.deepEqual([second.state.status, second.state.pid, second.state.id], ["running", pid, container.id]);
    assert.notEqual(second.pid, pid);
    await container.kill("KILL");
    await shim.finished();
  },
);

scenario(
  "start refuses where the agent is gone, and works when it is back",
  { boxOnly: "the agent is asked before init" },
  async (lab) => {
    const path = lab.path("agent.sock");
    const container = lab.container(["/bin/probe", "calls", call("mkdir")], asking(path, "mkdir"));
    await container.create();
    refused(await lab.runtime.start(container.id), /listenerPath.*no such file/);
    await container.expectStatus("created");
    await agentOf(lab);
    await container.start();
    assert.equal(await container.output(), `${numbers.mkdir} ${EUSERS}\n`);
  },
);

scenario(
  "a link in the place of the agent's socket is not followed",
  { boxOnly: "no agent behind a link" },
  async (lab) => {
    const { path } = await agentOf(lab);
    symlinkSync(path, lab.path("link"));
    const container = lab.container(["/bin/true"], asking(lab.path("link"), "mkdir"));
    await container.create();
    refused(await lab.runtime.start(container.id), /listenerPath.*ELOOP/);
  },
);

// --- the cache ---

const cached = { boxOnly: "compiled filters are kept" };
const cacheOf = (lab: Lab): string => join(lab.root, "~seccomp");

/** Starts a container that may not make directories, and tells what kept entries there are then. */
async function useCache(lab: Lab): Promise<string[]> {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ERRNO", { errnoRet: 99 })] });
  assert.deepEqual(await errnos(lab, change, call("mkdir"), call("rmdir")), [99, EFAULT]);
  return readdirSync(cacheOf(lab)).map((name) => join(cacheOf(lab), name));
}

scenario("a compiled filter is kept for this user only, and used again", cached, async (lab) => {
  const [entry = "", ...others] = await useCache(lab);
  assert.deepEqual(others, []);
  assert.deepEqual([statSync(cacheOf(lab)).mode & 0o7777, statSync(entry).mode & 0o7777], [0o700, 0o600]);
  const { ino, mtimeMs } = statSync(entry);
  assert.deepEqual(await useCache(lab), [entry]);
  assert.deepEqual([statSync(entry).ino, statSync(entry).mtimeMs], [ino, mtimeMs], "it was not written again");
  assert.equal((await lab.runtime.list()).stdout.includes("~"), false);
});

for (const [what, damage] of [
  ["cut", (entry: string) => writeFileSync(entry, readFileSync(entry).subarray(0, 70))],
  ["empty", (entry: string) => writeFileSync(entry, "")],
  [
    "changed",
    (entry: string) => {
      const bytes = readFileSync(entry);
      bytes[80] = (bytes[80] as number) ^ 0xff;
      writeFileSync(entry, bytes);
    },
  ],
  ["another user's", (entry: string) => chownSync(entry, 1000, 1000)],
  ["open to others", (entry: string) => chmodSync(entry, 0o666)],
] as const) {
  const root = what === "another user's" ? "files and processes of other users" : undefined;
  scenario(`a kept filter that is ${what} is compiled anew`, { ...cached, root }, async (lab) => {
    const [entry = ""] = await useCache(lab);
    const whole = readFileSync(entry);
    damage(entry);
    assert.deepEqual(await useCache(lab), [entry]);
    const { uid, mode } = statSync(entry);
    assert.deepEqual([readFileSync(entry), uid, mode & 0o7777], [whole, process.getuid?.(), 0o600]);
  });
}

scenario("a directory of filters that others may write to is not used", cached, async (lab) => {
  mkdirSync(lab.root, { recursive: true });
  mkdirSync(cacheOf(lab), { mode: 0o700 });
  chmodSync(cacheOf(lab), 0o777);
  assert.deepEqual(await useCache(lab), []);
});

scenario("containers that are made at once share a filter", cached, async (lab) => {
  const change = filtered({ syscalls: [rule(["mkdir"], "SCMP_ACT_ERRNO", { errnoRet: 99 })] });
  const containers = Array.from({ length: 6 }, () => lab.container(["/bin/probe", "calls", call("mkdir")], change));
  const outputs = await Promise.all(containers.map((container: Container) => container.outputOfRun()));
  for (const output of outputs) assert.equal(output, `${numbers.mkdir} 99\n`);
  assert.equal(readdirSync(cacheOf(lab)).length, 1);
});
