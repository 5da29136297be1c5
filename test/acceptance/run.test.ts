import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describeResult } from "./harness/command.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { exists, isAlive, parentOf } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("run", { needs: ["command: run"] });

/** No network, no limits: what an exit status does not need. */
const light = (spec: Container["spec"]): void => {
  const kept = ["mount", "pid", ...(context.user === undefined ? [] : ["user"])];
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => kept.includes(type));
  delete spec.hostname;
  spec.mounts = [{ destination: "/proc", type: "proc", source: "proc" }];
  spec.linux.maskedPaths = [];
  spec.linux.readonlyPaths = [];
};

scenario("run creates, starts, waits and deletes", async (lab) => {
  const container = lab.container(["/bin/echo", "hello"]);
  assert.equal(await container.running().exited(), "exit 0");
  assert.equal(await container.output(), "hello\n");
  refused(await lab.runtime.state(container.id), /does not exist/);
  assert.deepEqual(lab.leaks(), []);
});

scenario("run ends with the status of the program, for every status", { limit: 120_000 }, async (lab) => {
  const statuses = Array.from({ length: 256 }, (_, status) => status);
  const script = "exit $STATUS";
  const worker = async (): Promise<void> => {
    for (let status = statuses.pop(); status !== undefined; status = statuses.pop()) {
      const container = lab.container(["/bin/sh", "-c", script], light);
      container.spec.process.env = ["PATH=/bin", `STATUS=${status}`];
      container.writeConfig();
      const result = await container.running().result();
      assert.equal(result.status, status, describeResult(result));
    }
  };
  // All have to end before one's failure is told, or the leak check would find the others' containers.
  for (const end of await Promise.allSettled([worker(), worker(), worker(), worker()])) {
    if (end.status === "rejected") throw end.reason;
  }
});

for (const [name, number] of [
  ["KILL", 9],
  ["TERM", 15],
  ["SEGV", 11],
] as const) {
  scenario(
    `run ends with ${128 + number} when SIG${name} ends the program`,
    { needs: ["mount: proc of the caller's pid namespace"] },
    async (lab) => {
      const container = lab.container(["/bin/sh", "-c", `kill -${name} $$`], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
      });
      assert.equal(await container.running().exited(), `exit ${128 + number}`);
    },
  );
}

for (const [name, number] of [
  ["SIGTERM", 15],
  ["SIGINT", 2],
  ["SIGHUP", 1],
  ["SIGUSR1", 10],
  ["SIGQUIT", 3],
] as const) {
  scenario(`run forwards ${name} to the program`, async (lab) => {
    const container = lab.container(["/bin/probe", "signals"]);
    const shim = container.running();
    await container.line(/^ready$/);
    process.kill(await shim.started(), name);
    // Runtimes written in Go forward the URG that they send themselves, too.
    await container.line(new RegExp(`^${`signal ${number}`.replace(/ (\d)$/, " 0$1")}$`));
    await container.kill("KILL");
    assert.equal(await shim.exited(), "exit 137");
  });
}

scenario("run passes standard input, output and error", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "cat; echo done >&2"]);
  const shim = container.running();
  shim.stdin.end("through\n");
  assert.equal(await shim.stdout.end(), "through\n");
  assert.equal(await shim.stderr.end(), "done\n");
  assert.equal(await shim.exited(), "exit 0");
});

scenario("run shows the container as running, and another can kill it", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const shim = container.running();
  await container.line(/^ready$/);
  await container.expectStatus("running");
  await container.kill("KILL");
  assert.equal(await shim.exited(), "exit 137");
});

scenario(
  "delete --force ends a container in the foreground, and both commands succeed",
  { boxOnly: "delete is exclusive" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"]);
    const shim = container.running();
    await container.line(/^ready$/);
    await container.delete("--force");
    const result = await shim.result();
    assert.equal(result.status, 137, describeResult(result));
  },
);

scenario("run reaps orphans of the program", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "/bin/true & /bin/true & wait; echo ready; read line; exit 5"]);
  const shim = container.running();
  await container.line(/^ready$/);
  container.say("\n");
  assert.equal(await shim.exited(), "exit 5");
});

scenario(
  "run adopts and reaps orphans of the program",
  { needs: ["mount: proc of the caller's pid namespace"] },
  async (lab) => {
    const script = "(/bin/probe wait & echo $!); read line; exit 5";
    const container = lab.container(["/bin/sh", "-c", script], ({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
    });
    const shim = container.running();
    // The shell's pid of it and its own word come in either order.
    const lines = [await container.line(), await container.line()];
    assert.ok(lines.includes("ready"));
    const orphan = Number(lines.find((line) => line !== "ready"));
    await until("the orphan is a child of run", async () => parentOf(orphan) === (await shim.started()));
    process.kill(orphan, "SIGKILL");
    await until("the orphan is reaped", () => !exists(`/proc/${orphan}`));
    container.say("\n");
    assert.equal(await shim.exited(), "exit 5");
  },
);

scenario("run --detach returns when the program runs", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "echo ready; read line; exit 4"]);
  await container.running(["--detach"]).ok();
  container.notePid();
  await container.line(/^ready$/);
  await container.expectStatus("running");
  container.say("\n");
  assert.equal(await container.exit(), "exit 4");
  await container.expectStatus("stopped");
});

scenario("run --detach leaves init to the nearest subreaper", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  await container.running(["--detach"]).ok();
  container.notePid();
  assert.match(readFileSync(`/proc/${parentOf(container.pid)}/cmdline`, "utf8"), /shim/);
});

scenario("run writes the pid file", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const shim = container.running();
  await container.line(/^ready$/);
  const { pid } = await container.state();
  assert.equal(readFileSync(container.pidFile, "utf8"), `${pid}`);
  await container.kill("KILL");
  assert.equal(await shim.exited(), "exit 137");
});

scenario("run is refused when the id is in use, and the first container goes on", async (lab) => {
  const first = await lab.running();
  const shim = lab.watch(lab.runtime.run(first.id, first.bundle));
  refused(await shim.result(), /container with given ID already exists/);
  await first.expectStatus("running");
  assert.ok(isAlive(first.pid));
});

scenario("run leaves nothing when the program cannot be executed", async (lab) => {
  const container = lab.container(["/bin/nothing-here"]);
  refused(await container.running().result(), /ENOENT|no such file or directory/);
  assert.deepEqual(lab.stateEntries(), []);
  await container.shim.finished();
  assert.deepEqual(lab.leaks(), []);
});

scenario(
  "run --keep leaves the stopped container",
  { boxOnly: "run --keep, which runc has since 1.2" },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    assert.equal(await container.running(["--keep"]).exited(), "exit 0");
    await container.expectStatus("stopped");
    ok(await lab.runtime.delete(container.id));
  },
);

scenario(
  "run ends the container when it is killed",
  { boxOnly: "a foreground container does not outlive run for good" },
  async (lab) => {
    const container = lab.container(["/bin/probe", "wait"]);
    const shim = container.running();
    await container.line(/^ready$/);
    process.kill(await shim.started(), "SIGKILL");
    assert.equal(await shim.exited(), "signal 9");
    ok(await lab.runtime.delete(container.id, "--force"));
    await shim.finished();
  },
);
