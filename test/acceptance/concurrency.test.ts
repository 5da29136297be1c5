import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { meetings } from "../races/meetings.ts";
import { play } from "../races/round.ts";
import { randomFrom } from "../random.ts";
import { ok, refused, until } from "./harness/expect.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("concurrency", { limit: 120_000 });

scenario("50 containers are created, started, killed and deleted at once", async (lab) => {
  const containers = Array.from({ length: 50 }, () => lab.container(["/bin/probe", "wait"]));
  await Promise.all(containers.map((container) => container.create()));
  await Promise.all(containers.map(async (container) => (await container.start()).line(/^ready$/)));
  const listed = ok(await lab.runtime.list("--quiet"))
    .stdout.trimEnd()
    .split("\n");
  assert.deepEqual(listed.toSorted(), containers.map(({ id }) => id).toSorted());
  await Promise.all(containers.map((container) => container.stop()));
  await Promise.all(containers.map((container) => container.delete()));
  assert.deepEqual(lab.leaks(), []);
});

scenario(
  "exactly one of 20 creators of an id wins",
  { clause: "runtime.md, Create: an id in use is an error" },
  async (lab) => {
    const container = lab.container(["/bin/echo", "once"]);
    const shims = Array.from({ length: 20 }, () => lab.watch(lab.runtime.create(container.id, container.bundle)));
    const results = await Promise.all(shims.map((shim) => shim.result()));
    const winners = results.filter(({ status }) => status === 0);
    for (const result of results) if (result.status !== 0) refused(result, /container with given ID already exists/);
    assert.equal(winners.length, 1);
    await container.expectStatus("created");
    ok(await lab.runtime.start(container.id));
  },
);

scenario("exactly one of 10 starts wins", { boxOnly: "start is exclusive" }, async (lab) => {
  const container = await lab.created(["/bin/sh", "-c", "echo ready; read line"]);
  const results = await Promise.all(Array.from({ length: 10 }, () => lab.runtime.start(container.id)));
  assert.equal(results.filter(({ status }) => status === 0).length, 1);
  const late = /another command is starting this container|cannot start an already running container/;
  for (const result of results) if (result.status !== 0) refused(result, late);
  await container.expectStatus("running");
  container.say("\n");
  assert.equal(await container.output(), "ready\n");
});

scenario(
  "pause is refused while a start is under way, which would wait for what is frozen",
  { needs: ["command: pause", "cgroup: freezer"], boxOnly: "operations exclude each other" },
  async (lab) => {
    const [here, go] = [lab.fifo("here"), lab.fifo("go")];
    const container = await lab.created(["/bin/probe", "wait"], (spec) => {
      spec.mounts.push({ destination: "/tmp", source: lab.dir, type: "bind", options: ["bind", "rw"] });
      const args = ["sh", "-c", "cat >/dev/null; echo held >/tmp/here; read go </tmp/go"];
      spec.hooks = { startContainer: [{ path: "/bin/sh", args, env: ["PATH=/bin"] }] };
    });
    const start = lab.runtime.start(container.id);
    await here.lines.line(/^held$/);
    refused(await lab.runtime.pause(container.id), /another command is starting this container/);
    go.write("go\n");
    ok(await start);
    ok(await lab.runtime.pause(container.id));
  },
);

scenario(
  "operations at the same time end as they would in some order",
  { needs: ["command: pause", "command: resume", "cgroup: freezer"], boxOnly: "operations exclude each other" },
  async (lab) => {
    const { id, bundle } = lab.container(["/bin/sleep", "1000"]);
    const directory = lab.path("answers");
    mkdirSync(directory);
    const place = { command: lab.runtime.argv([]), bundle, id, directory };
    // Every pair in every status takes minutes: make races.
    const some = meetings(randomFrom(1)).filter((_, index) => index % 15 === 0);
    for (const { first, operations } of some) assert.equal(await play(place, first, operations), undefined);
  },
);

scenario("start waits for a command that holds the lock", { boxOnly: "start is exclusive" }, async (lab) => {
  const container = await lab.created(["/bin/echo", "started"]);
  const lock = join(lab.root, container.id, "lock");
  const holder = spawn("flock", [lock, "/bin/sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  lab.later(() => void holder.kill());
  await once(holder.stdout, "data");
  let ended = false;
  const start = lab.runtime.start(container.id).finally(() => {
    ended = true;
  });
  const waiting = new RegExp(`-> FLOCK .*:${statSync(lock).ino} `);
  await until("start waits or ends", () => ended || waiting.test(readFileSync("/proc/locks", "utf8")));
  assert.ok(!ended, "start did not wait");
  holder.stdin.end();
  ok(await start);
  assert.equal(await container.output(), "started\n");
});

scenario(
  "10 deletes at once leave nothing, and at least one succeeds",
  { boxOnly: "delete is exclusive" },
  async (lab) => {
    const container = await lab.stopped();
    const results = await Promise.all(Array.from({ length: 10 }, () => lab.runtime.delete(container.id)));
    assert.equal(results.filter(({ status }) => status === 0).length, 1);
    for (const result of results) if (result.status !== 0) refused(result, /container does not exist/);
  },
);

scenario("10 forced deletes at once all succeed", { boxOnly: "delete is exclusive" }, async (lab) => {
  const container = await lab.running();
  for (const result of await Promise.all(Array.from({ length: 10 }, () => lab.runtime.delete(container.id, "--force"))))
    ok(result);
});

scenario(
  "state never sees half a container while it is made and removed",
  { boxOnly: "a consistent state at any moment" },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    let done = false;
    const reader = (async () => {
      while (!done) {
        const result = await lab.runtime.state(container.id);
        if (result.status !== 0) refused(result, /container does not exist/);
        else assert.match((JSON.parse(result.stdout) as State).status, /^(creating|created|running|stopped)$/);
      }
    })();
    try {
      for (let round = 0; round < 10; round++) {
        await container.create();
        await container.start();
        await container.exit();
        await container.delete();
      }
    } finally {
      done = true;
      await reader;
    }
  },
);

scenario(
  "list never fails while containers come and go",
  { boxOnly: "a consistent state at any moment" },
  async (lab) => {
    mkdirSync(lab.root);
    let done = false;
    const reader = (async () => {
      while (!done) JSON.parse(ok(await lab.runtime.list("--format", "json")).stdout);
    })();
    try {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const container = await lab.stopped();
          await container.delete();
        }),
      );
    } finally {
      done = true;
      await reader;
    }
  },
);
