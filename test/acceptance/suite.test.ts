/** The suite is tested itself: what it would let pass proves nothing. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, type Result } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok } from "./harness/expect.ts";
import { cgroupHost, cgroupsNamed, isAlive, mounts, processes } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { Lines } from "./harness/lines.ts";
import { patient } from "./harness/patience.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("suite", { bare: true });

// --- The leak check finds what is left -------------------------------------------------------------------------------

scenario("the leak check finds nothing when nothing is left", (lab) => {
  assert.deepEqual(lab.leaks(), []);
});

scenario("the leak check finds a mount", { needs: ["root"] }, async (lab) => {
  const point = lab.path("mounted");
  mkdirSync(point);
  ok(await command(["mount", "-t", "tmpfs", "tmpfs", point]));
  assert.deepEqual(lab.leaks(), [`mount ${point} (tmpfs)`]);
  ok(await command(["umount", point]));
});

scenario("the leak check finds a cgroup", { needs: ["root", "cgroup: writable"] }, (lab) => {
  const [top = ""] = Object.values(cgroupHost().hierarchies);
  const path = join(top, `${lab.newId()}`);
  mkdirSync(path);
  assert.deepEqual(lab.leaks(), [`cgroup ${path}`]);
  rmdirSync(path);
});

scenario("the leak check finds a process by its command line, and not once it has ended", async (lab) => {
  const child = spawn("cat", [], { argv0: `cat-${lab.token}`, stdio: ["pipe", "pipe", "ignore"] });
  assert.deepEqual(lab.leaks(), [`process ${child.pid}: cat-${lab.token}`]);
  child.stdin.end();
  await once(child, "exit");
  assert.deepEqual(lab.leaks(), []);
});

scenario("the leak check finds a process by its environment", async (lab) => {
  const child = spawn("cat", [], {
    env: { MARK: lab.token, PATH: process.env["PATH"] },
    stdio: ["pipe", "pipe", "ignore"],
  });
  assert.deepEqual(lab.leaks(), [`process ${child.pid}: cat`]);
  child.stdin.end();
  await once(child, "exit");
});

scenario("the leak check finds a state directory and a temporary file", (lab) => {
  mkdirSync(join(lab.root, "left"), { recursive: true });
  writeFileSync(join(lab.tmp, "file"), "");
  assert.deepEqual(lab.leaks(), [`file ${join(lab.root, "left")}`, `file ${join(lab.tmp, "file")}`]);
  rmSync(join(lab.root, "left"), { recursive: true });
  rmSync(join(lab.tmp, "file"));
});

scenario(
  "the leak check finds a network namespace that a mount keeps",
  { needs: ["root", "namespace: network"] },
  async (lab) => {
    const container = await lab.created();
    const point = lab.path("netns");
    writeFileSync(point, "");
    ok(await command(["mount", "--bind", `/proc/${container.pid}/ns/net`, point]));
    await container.delete("--force");
    await container.shim.finished();
    assert.deepEqual(
      lab.leaks().filter((line) => line.includes("netns")),
      [`mount ${point} (nsfs)`],
    );
    ok(await command(["umount", point]));
  },
);

// --- The runner, run by itself in other circumstances ----------------------------------------------------------------

const runner = fileURLToPath(new URL("./run.ts", import.meta.url));

interface Circumstances {
  only: string;
  before?: string[];
  env?: Record<string, string>;
}

function argvOfRun(before: string[] = []): string[] {
  return [
    ...before,
    process.execPath,
    ...process.execArgv.filter((flag) => !flag.startsWith("--test")),
    runner,
    "lifecycle.test.ts",
  ];
}

function envOfRun(lab: Lab, { only, env }: Circumstances): Record<string, string | undefined> {
  return {
    RUNTIME: context.runtime.path,
    OUTPUT: lab.path("output"),
    TMPDIR: lab.tmp,
    ONLY: only,
    KEEP: undefined,
    JOBS: "1",
    // Else Node takes the run for a part of this one.
    NODE_TEST_CONTEXT: undefined,
    ACCEPTANCE_CONTEXT: undefined,
    CGROUP_MANAGER: undefined,
    ...env,
  };
}

async function suiteRun(lab: Lab, circumstances: Circumstances): Promise<Result & { last: string }> {
  const result = await command(argvOfRun(circumstances.before), {
    env: envOfRun(lab, circumstances),
    timeout: patient(60_000),
  });
  return { ...result, last: result.stdout.trimEnd().split("\n").at(-1) ?? "" };
}

const one = "^lifecycle: a container passes";

scenario(
  "a run ends with the counts and status 0 when all passed",
  { needs: ["root", "busybox", "cgroup: writable"] },
  async (lab) => {
    const { status, last, stdout } = await suiteRun(lab, { only: one });
    assert.equal(last, "1 passed, 0 failed, 0 skipped", stdout);
    assert.equal(status, 0);
    assert.match(readFileSync(lab.path("output/acceptance.tap"), "utf8"), /^ok 1 - lifecycle: a container passes/m);
    assert.match(
      readFileSync(lab.path("output/acceptance.xml"), "utf8"),
      /<testcase name="lifecycle: a container passes/,
    );
  },
);

scenario("a run ends with status 2 when everything was skipped: no busybox", { needs: ["root"] }, async (lab) => {
  const { status, last, stdout } = await suiteRun(lab, { only: one, env: { BUSYBOX: "/nothing/here" } });
  assert.equal(last, "0 passed, 0 failed, 1 skipped", stdout);
  assert.match(stdout, /1 × needs busybox: no static busybox/);
  assert.match(stdout, /everything was skipped: this proves nothing/);
  assert.equal(status, 2);
});

scenario(
  "a run of an ordinary user makes the same containers in a user namespace",
  { needs: ["root", "userspace: setpriv", "user namespaces of an ordinary user"] },
  async (lab) => {
    const before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const { chmodSync } = await import("node:fs");
    mkdirSync(lab.path("output"));
    for (const directory of [lab.path("output"), lab.tmp]) chmodSync(directory, 0o777);
    const { status, last, stdout } = await suiteRun(lab, { only: one, before });
    assert.equal(last, "1 passed, 0 failed, 0 skipped", stdout);
    assert.equal(status, 0);
  },
);

scenario(
  "a run ends with status 2 when everything was skipped: namespaces are forbidden",
  { needs: ["root"] },
  async (lab) => {
    const { status, last, stdout } = await suiteRun(lab, { only: one, before: [context.probe, "deny"] });
    assert.equal(last, "0 passed, 0 failed, 1 skipped", stdout);
    assert.match(stdout, /1 × needs namespace: pid: .*Operation not permitted/);
    assert.equal(status, 2);
  },
);

scenario("a run ends with status 2 when no test matches", async (lab) => {
  const { status, last } = await suiteRun(lab, { only: "no test has this name" });
  assert.equal(last, "0 passed, 0 failed, 0 skipped");
  assert.equal(status, 2);
});

scenario("a run ends with status 2 when the runtime is none", async (lab) => {
  const { status, stderr } = await suiteRun(lab, { only: one, env: { RUNTIME: "/bin/true" } });
  assert.match(stderr, /^\/bin\/true is no OCI runtime/m);
  assert.equal(status, 2);
});

/** Stands before the real runtime and does one thing wrong. */
function defective(lab: Lab, script: string): string {
  const path = lab.path("defective");
  writeFileSync(path, `#!/bin/sh\nreal=${context.runtime.path}\n${script}\nexec $real "$@"\n`, { mode: 0o755 });
  return path;
}

const anyContainer = { needs: ["root", "busybox", "cgroup: writable"] as const };

scenario(
  "a run ends with status 1 when a test fails, and KEEP leaves its files",
  { needs: [...anyContainer.needs] },
  async (lab) => {
    const runtime = defective(lab, 'case "$*" in *" start "*) exit 1;; esac');
    const { status, last, stdout } = await suiteRun(lab, { only: one, env: { RUNTIME: runtime, KEEP: "1" } });
    assert.equal(last, "0 passed, 1 failed, 0 skipped", stdout);
    assert.equal(status, 1);
    const [, kept = ""] = /kept: (\S+)/.exec(stdout) ?? [];
    assert.ok(existsSync(join(kept, "bundle-1/config.json")), stdout);
    rmSync(join(kept, ".."), { recursive: true });
  },
);

scenario("a run fails a test that leaves a container behind", { needs: [...anyContainer.needs] }, async (lab) => {
  const runtime = defective(lab, 'case "$*" in *" delete "*) rm -rf "$2"; exit 0;; esac');
  const { status, last, stdout } = await suiteRun(lab, { only: one, env: { RUNTIME: runtime } });
  assert.equal(last, "0 passed, 1 failed, 0 skipped", stdout);
  assert.match(stdout, /left behind:\n\s+cgroup /);
  assert.equal(status, 1);
  assert.deepEqual(tracesOf(/acceptance-\w+(?=-lifecycle)/.exec(stdout)?.[0] ?? "no token"), []);
});

function tracesOf(token: string): string[] {
  return [
    ...cgroupsNamed(token),
    ...mounts()
      .filter(({ point }) => point.includes(token))
      .map(({ point }) => point),
    ...processes()
      .filter(({ pid, marks }) => marks.includes(token) && isAlive(pid))
      .map(({ command: line }) => line),
  ];
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  scenario(
    `an interrupted run (${signal}) leaves nothing on the host`,
    { needs: [...anyContainer.needs] },
    async (lab) => {
      // Containers of a test that never ends by itself: its runtime hangs in `state`.
      const runtime = defective(lab, `case "$*" in *" state "*) exec tail -f /dev/null;; esac`);
      const only = "^lifecycle: a container passes";
      const [file = "", ...args] = argvOfRun();
      const child = spawn(file, args, {
        env: { ...process.env, ...envOfRun(lab, { only, env: { RUNTIME: runtime, TMPDIR: lab.tmp } }) },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const output = new Lines(child.stdout);
      await output.line();
      const token = await containerOf(lab.tmp);
      const exit = once(child, "exit");
      child.kill(signal);
      assert.deepEqual(await exit, [130, null]);
      assert.match(await output.end(), /interrupted\n/);
      assert.deepEqual(tracesOf(token), []);
      assert.deepEqual(readdirSync(lab.tmp), []);
    },
  );
}

/** The token of a run below `directory`, once it has a container. */
async function containerOf(directory: string): Promise<string> {
  const { until } = await import("./harness/expect.ts");
  return await until("the run has a container", () => {
    const token = readdirSync(directory).find((name) => name.startsWith("acceptance-"));
    return token !== undefined && cgroupsNamed(token).length > 0 ? token : undefined;
  });
}
