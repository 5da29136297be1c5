import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hook, HookKind, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import { isAlive, namespaces } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { patient } from "./harness/patience.ts";
import type { State } from "./harness/runtime.ts";
import { type Conditions, feature } from "./harness/suite.ts";

const scenario = feature("hooks", { clause: "config.md, POSIX-platform Hooks" });

const kinds: HookKind[] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/** Where the hook is executed; only startContainer's program is looked up inside the container. */
const inContainer: HookKind[] = ["createContainer", "startContainer"];

/** A directory that hooks can write to, from the host and from inside. */
function logged(
  lab: Lab,
  hooks: (log: string) => Partial<Record<HookKind, Hook[]>>,
  args = ["/bin/true"],
  change: (spec: Spec) => void = () => undefined,
): Container {
  mkdirSync(lab.path("log"), { recursive: true });
  return lab.container(args, (spec: Spec) => {
    change(spec);
    spec.mounts.push({ destination: lab.path("log"), source: lab.path("log"), type: "bind", options: ["bind", "rw"] });
    spec.hooks = hooks(lab.path("log"));
  });
}

/** The state that the hook was given is in `$state`. */
const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: "/bin/sh",
  args: ["sh", "-c", `state=$(cat); ${script}`],
  env: ["PATH=/usr/bin:/bin"],
  ...more,
});

async function wholeLife(container: Container): Promise<void> {
  await container.create();
  await container.start();
  await container.exit();
  await container.delete();
}

const read = (lab: Lab, name: string): string => readFileSync(lab.path(`log/${name}`), "utf8");

scenario(
  "all kinds run in the order of the life cycle, and in the listed order within a kind",
  { clause: 'runtime.md, Lifecycle; config.md, Hooks: "Hooks MUST be called in the listed order"' },
  async (lab) => {
    const container = logged(lab, (log) =>
      Object.fromEntries(kinds.map((kind) => [kind, [1, 2].map((n) => shell(`echo ${kind} ${n} >>${log}/order`))])),
    );
    await wholeLife(container);
    assert.deepEqual(
      read(lab, "order").trim().split("\n"),
      kinds.flatMap((kind) => [`${kind} 1`, `${kind} 2`]),
    );
  },
);

for (const kind of inContainer)
  scenario(`a ${kind} hook that does not read its state does not end the program`, async (lab) => {
    const container = lab.container(["/bin/echo", "started"], (spec) => {
      // More than a pipe holds: whoever writes it waits for a reader, or for the end of the last one.
      spec.annotations = { large: "x".repeat(200_000) };
      spec.hooks = { [kind]: [{ path: "/bin/true" }] };
    });
    await container.create();
    await container.start();
    assert.equal(await container.output(), "started\n");
  });

const moments: Record<HookKind, string> = {
  prestart: "create",
  createRuntime: "create",
  createContainer: "create",
  startContainer: "start",
  poststart: "start",
  poststop: "delete",
};

for (const kind of kinds) {
  scenario(`${kind} runs during ${moments[kind]}`, async (lab) => {
    const container = logged(lab, (log) => ({ [kind]: [shell(`echo x >${log}/ran`)] }), ["/bin/sh", "-c", "read line"]);
    const ran = (): boolean => existsSync(lab.path("log/ran"));
    await container.create();
    assert.equal(ran(), moments[kind] === "create", "after create");
    await container.start();
    assert.equal(ran(), moments[kind] !== "delete", "after start");
    container.say("\n");
    await container.exit();
    await container.delete();
    assert.ok(ran(), "after delete");
  });

  scenario(
    `${kind} gets the state on its standard input`,
    { clause: 'config.md, Hooks: "The state of the container MUST be passed to hooks over stdin"' },
    async (lab) => {
      const container = logged(lab, (log) => ({ [kind]: [shell(`echo "$state" >${log}/state`)] }));
      container.spec.annotations = { "org.example.key": "value" };
      container.writeConfig();
      await wholeLife(container);
      const state = JSON.parse(read(lab, "state")) as State;
      assert.match(state.ociVersion, /^1\./);
      assert.equal(state.id, container.id);
      assert.equal(state.bundle, container.bundle);
      assert.deepEqual(state.annotations, { "org.example.key": "value" });
      if (!inContainer.includes(kind) && kind !== "poststop") assert.equal(state.pid, container.pid);
    },
  );

  scenario(`${kind} runs in the ${inContainer.includes(kind) ? "container's" : "caller's"} namespaces`, async (lab) => {
    const container = logged(lab, (log) => ({
      [kind]: [shell(`for n in mnt net uts ipc; do readlink /proc/self/ns/$n; done >${log}/namespaces`)],
    }));
    await container.create();
    const of = (pid: number | "self"): (string | undefined)[] =>
      ["mnt", "net", "uts", "ipc"].map((name) => namespaces(pid)[name]);
    const [inside, outside] = [of(container.pid), of("self")];
    await container.start();
    await container.exit();
    await container.delete();
    assert.deepEqual(read(lab, "namespaces").trim().split("\n"), inContainer.includes(kind) ? inside : outside);
  });
}

const statuses: Record<HookKind, string> = {
  prestart: "creating",
  createRuntime: "creating",
  createContainer: "creating",
  startContainer: "created",
  poststart: "running",
  poststop: "stopped",
};

for (const kind of kinds) {
  scenario(
    `${kind} is told the status ${statuses[kind]}`,
    { clause: "runtime.md, Lifecycle and State" },
    async (lab) => {
      const container = logged(lab, (log) => ({ [kind]: [shell(`echo "$state" >${log}/state`)] }), [
        "/bin/sh",
        "-c",
        "read line",
      ]);
      await container.create();
      await container.start();
      container.say("\n");
      await container.exit();
      await container.delete();
      assert.equal((JSON.parse(read(lab, "state")) as State).status, statuses[kind]);
    },
  );
}

scenario("a hook gets its arguments and its environment, and no other", async (lab) => {
  const container = logged(lab, (log) => ({
    createRuntime: [
      {
        path: "/bin/sh",
        args: ["own-name", "-c", `echo "$0 $1 $#" >${log}/argv; env | sort >${log}/env`, "zero", "one", "two words"],
        env: ["A=1", "B=two words", "PATH=/usr/bin:/bin"],
      },
    ],
  }));
  await wholeLife(container);
  assert.equal(read(lab, "argv"), "zero one 2\n");
  const env = read(lab, "env")
    .trim()
    .split("\n")
    .filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line));
  assert.deepEqual(env, ["A=1", "B=two words", "PATH=/usr/bin:/bin"]);
});

scenario(
  "a startContainer hook without an environment has the program's",
  { boxOnly: "what the specification leaves open; as runc 1.3 has it" },
  async (lab) => {
    const hooks = (log: string): Partial<Record<HookKind, Hook[]>> => ({
      startContainer: [
        { path: "/bin/sh", args: ["sh", "-c", `echo "$OURS $HOME" >${log}/without`] },
        { path: "/bin/sh", args: ["sh", "-c", `echo "$OURS" >${log}/with`], env: ["OTHER=x"] },
      ],
    });
    const container = logged(lab, hooks, ["/bin/true"], ({ process }) => {
      process.env?.push("OURS=ours", "HOME=/somewhere");
    });
    await wholeLife(container);
    assert.deepEqual([read(lab, "without"), read(lab, "with")], ["ours /somewhere\n", "\n"]);
  },
);

scenario(
  "createContainer hooks start in the root file system, which they may change",
  { boxOnly: "what the specification leaves open; as runc has it" },
  async (lab) => {
    const container = lab.container(["/bin/cat", "/of-the-hook"], (spec) => {
      spec.hooks = { createContainer: [shell("echo made >of-the-hook")] };
    });
    assert.equal(await container.outputOfRun(), "made\n");
  },
);

const failing: [string, (hook: Hook) => Hook, Conditions][] = [
  ["exits with a status", (hook) => ({ ...hook, args: ["sh", "-c", "exit 3"] }), {}],
  ["is killed", (hook) => ({ ...hook, args: ["sh", "-c", "kill -9 $$"] }), {}],
  ["does not exist", (hook) => ({ ...hook, path: "/nothing/here" }), {}],
  ["exceeds its timeout", (hook) => ({ ...hook, args: ["sh", "-c", "exec tail -f /dev/null"], timeout: 1 }), {}],
];

for (const [what, make] of failing) {
  for (const kind of ["prestart", "createRuntime", "createContainer"] as const) {
    scenario(
      `create fails and leaves nothing when a ${kind} hook ${what}`,
      {
        clause:
          'runtime.md, Lifecycle 3–5: "If any … hook fails, the runtime MUST generate an error, stop the container"',
      },
      async (lab) => {
        const container = logged(lab, () => ({ [kind]: [make(shell(""))] }));
        refused(await container.creating().result(), /hook/);
        refused(await lab.runtime.state(container.id));
        await container.shim.finished();
        assert.deepEqual(lab.leaks(), []);
      },
    );
  }
}

/** The command of a process in a session of its own that leaves its pid in a file of the log. */
function daemon(lab: Lab, name: string): string {
  const file = lab.path(`log/${name}`);
  return `setsid sh -c 'echo $$ >${file}.new; mv ${file}.new ${file}; exec tail -f /dev/null'`;
}

for (const kind of ["prestart", "createRuntime", "poststart", "poststop"] as const) {
  scenario(
    `what a ${kind} hook has started ends with it when it exceeds its timeout, a daemon too`,
    { boxOnly: "all of a hook ends at its timeout" },
    async (lab) => {
      // Time enough for all of them to begin, in seconds.
      const timeout = Math.ceil(patient(3000) / 1000);
      // A child in a session of its own, whose parent has ended: nothing leads from the hook to it any more.
      const script = `(${daemon(lab, "orphan")} &); ${daemon(lab, "child")} & exec tail -f /dev/null`;
      // By which the leak check finds them.
      const env = ["PATH=/usr/bin:/bin", `ACCEPTANCE_TEST=${lab.token}`];
      const container = logged(lab, () => ({ [kind]: [shell(script, { timeout, env })] }));
      const created = await container.creating().result();
      const exceeded = new RegExp(`timeout of ${timeout} s`);
      if (kind === "prestart" || kind === "createRuntime") refused(created, exceeded);
      else if (kind === "poststart") {
        container.notePid();
        refused(await lab.runtime.start(container.id), exceeded);
      } else {
        container.notePid();
        await container.start();
        await container.exit();
        await container.delete();
      }
      for (const name of ["orphan", "child"]) assert.ok(!isAlive(Number(read(lab, name))), `the ${name} goes on`);
      assert.deepEqual(lab.leaks(), []);
    },
  );
}

scenario(
  "a daemon of a hook that ends in time goes on",
  { boxOnly: "no more of a hook ended than is asked for" },
  async (lab) => {
    const pidFile = lab.path("log/daemon");
    const script = `${daemon(lab, "daemon")} >/dev/null 2>&1 & while test ! -e ${pidFile}; do :; done`;
    const container = logged(lab, () => ({ createRuntime: [shell(script, { timeout: Math.ceil(patient(30)) })] }));
    await container.create();
    const pid = Number(readFileSync(pidFile, "utf8"));
    assert.ok(isAlive(pid));
    process.kill(pid, "SIGKILL");
  },
);

scenario(
  "start fails when a startContainer hook fails, and the program does not run",
  { clause: "runtime.md, Lifecycle 7" },
  async (lab) => {
    const container = logged(lab, () => ({ startContainer: [shell("exit 1")] }), ["/bin/echo", "it ran"]);
    await container.create();
    refused(await lab.runtime.start(container.id), /hook/);
    await container.exit();
    assert.doesNotMatch(await container.output(), /it ran/);
    await container.expectStatus("stopped");
  },
);

scenario(
  "start fails and the container is stopped when a poststart hook fails",
  { clause: "runtime.md, Lifecycle 9 (since 1.3)", boxOnly: "the rule for poststart of the specification 1.3" },
  async (lab) => {
    const container = logged(lab, () => ({ poststart: [shell("exit 1")] }), ["/bin/probe", "wait"]);
    await container.create();
    refused(await lab.runtime.start(container.id), /hook/);
    await container.exit();
    assert.ok(!isAlive(container.pid));
  },
);

scenario(
  "state says created while a startContainer hook runs",
  { boxOnly: "a container runs once its program is executed" },
  async (lab) => {
    mkdirSync(lab.path("log"));
    const [here, go] = [lab.fifo("log/here"), lab.fifo("log/go")];
    const container = logged(lab, (log) => ({
      startContainer: [shell(`echo held >${log}/here; read line <${log}/go`)],
    }));
    await container.create();
    const start = lab.runtime.start(container.id);
    await here.lines.line(/^held$/);
    await container.expectStatus("created");
    go.write("go\n");
    ok(await start);
  },
);

scenario(
  "delete succeeds and the other hooks run when a poststop hook fails",
  {
    clause:
      'runtime.md, Lifecycle 13: "If any poststop hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue"',
  },
  async (lab) => {
    const container = logged(lab, (log) => ({ poststop: [shell("exit 1"), shell(`echo x >${log}/second`)] }));
    await container.create();
    await container.start();
    await container.exit();
    ok(await lab.runtime.delete(container.id));
    assert.ok(existsSync(lab.path("log/second")), "the second hook did not run");
  },
);

scenario("a hook need not read its state", async (lab) => {
  const container = logged(lab, (log) => ({
    createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `exec <&-; echo x >${log}/ran`] }],
    poststop: [{ path: "/bin/sh", args: ["sh", "-c", `exec <&-; echo x >>${log}/ran`] }],
  }));
  container.spec.annotations = { "org.example.long": "x".repeat(100_000) };
  container.writeConfig();
  await wholeLife(container);
  assert.equal(read(lab, "ran"), "x\nx\n");
});

scenario("poststop runs when the container is deleted by force", async (lab) => {
  const container = logged(lab, (log) => ({ poststop: [shell(`echo x >${log}/ran`)] }), ["/bin/probe", "wait"]);
  await container.create();
  await container.start();
  await container.delete("--force");
  assert.ok(existsSync(lab.path("log/ran")), "the hook did not run");
});

scenario(
  "the path of startContainer is looked up inside the container",
  { clause: 'config.md, Hooks: startContainer: "the path MUST resolve in the container namespace"' },
  async (lab) => {
    const container = logged(lab, () => ({ startContainer: [{ path: "/inside-only" }] }));
    writeFileSync(join(container.rootfs, "inside-only"), `#!/bin/sh\necho x >${lab.path("log/ran")}\n`, {
      mode: 0o755,
    });
    await wholeLife(container);
    assert.ok(existsSync(lab.path("log/ran")), "the hook did not run");
  },
);

scenario(
  "a hook may call state of its own container",
  { boxOnly: "no lock is held while a hook runs" },
  async (lab) => {
    const container = logged(lab, (log) => ({
      createRuntime: [shell(`${lab.runtime.argv(["state"]).join(" ")} "$ID" >${log}/state`)],
    }));
    const [hook] = container.spec.hooks?.createRuntime ?? [];
    hook?.env?.push(`ID=${container.id}`);
    container.writeConfig();
    await wholeLife(container);
    assert.equal((JSON.parse(read(lab, "state")) as State).status, "creating");
  },
);

scenario(
  "delete --force ends a create whose hook hangs",
  { boxOnly: "a hanging hook does not block delete --force" },
  async (lab) => {
    const { container } = await lab.held();
    await container.delete("--force");
    assert.equal(await container.shim.exited(), "signal 9");
    await container.shim.finished();
  },
);
