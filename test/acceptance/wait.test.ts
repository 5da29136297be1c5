/** How a container's program ended, for those who are not its parent. */
import assert from "node:assert/strict";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Need } from "./harness/facts.ts";
import type { Fifo } from "./harness/fifo.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("wait", { boxOnly: "a command of its own" });

/** The two ends of a `wait`: when it has begun, and what it says. Until it holds the process, that may end unseen. */
function waiting({ runtime, id }: Container, trace: Fifo): { begun: Promise<unknown>; said: Promise<string> } {
  return {
    begun: trace.lines.line(/"name":"wait","ph":"X","cat":"step"/),
    said: runtime.call(["--trace", trace.path, "wait", id]).then((result) => ok(result).stdout),
  };
}

// For who is not the parent of what has ended.
const exitStatus: { needs: Need[] } = { needs: ["pidfd: exit status"] };

const told = async ({ runtime, id }: Container): Promise<string> => ok(await runtime.call(["wait", id])).stdout;

scenario("wait prints the status of a program that ends while it waits", exitStatus, async (lab) => {
  for (const [script, status] of [
    ["echo ready; read line; exit 7", "7\n"],
    ["echo ready; read line; exit 0", "0\n"],
    ["trap '' TERM; echo ready; while :; do read line; done", "137\n"],
  ] as const) {
    const container = await lab.running(["/bin/sh", "-c", script]);
    const waits = [1, 2].map((number) => waiting(container, lab.fifo(`trace-${container.id}-${number}`)));
    for (const { begun } of waits) await begun;
    if (status === "137\n") await container.kill("KILL");
    else container.say("\n");
    assert.deepEqual(await Promise.all(waits.map(({ said }) => said)), [status, status]);
  }
});

scenario("wait waits for a container that is not started yet", exitStatus, async (lab) => {
  const container = await lab.created(["/bin/sh", "-c", "exit 3"]);
  const { begun, said } = waiting(container, lab.fifo("trace"));
  await begun;
  await container.start();
  assert.equal(await said, "3\n");
});

scenario("wait prints the status of a program of which nobody has taken note", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "exit 9"]);
  await container.create([], { keepZombies: true });
  await container.start();
  await container.shim.zombie(container.pid);
  assert.equal(await told(container), "9\n");
  assert.equal(await told(container), "9\n");
  container.shim.reap();
});

scenario(
  "wait prints the status that run --keep was told",
  { needs: ["mount: proc of the caller's pid namespace"] },
  async (lab) => {
    for (const [script, status] of [
      ["exit 5", 5],
      ["kill -KILL $$; exec sleep 1000", 137],
    ] as const) {
      const container = lab.container(["/bin/sh", "-c", script], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
      });
      assert.equal(await container.running(["--keep"]).exited(), `exit ${status}`);
      assert.equal(await told(container), `${status}\n`);
    }
  },
);

scenario("wait says that a container is stopped where nobody can tell how", async (lab) => {
  assert.equal(await told(await lab.stopped()), "stopped\n");
});

scenario("wait is told of a container that is deleted meanwhile", exitStatus, async (lab) => {
  const container = await lab.running();
  const { begun, said } = waiting(container, lab.fifo("trace"));
  await begun;
  await container.delete("--force");
  assert.equal(await said, "137\n");
});

scenario("wait is refused when there is no such container, or it is being created", async (lab) => {
  refused(await lab.runtime.call(["wait", lab.newId()]), /container does not exist/);
  const { container, release } = await lab.held();
  refused(await lab.runtime.call(["wait", container.id]), /it is being created/);
  release();
});
