import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupHost, descriptorsOf, stateOf } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { patient } from "./harness/patience.ts";
import type { Shim } from "./harness/shim.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("events", { needs: ["command: events"] });

interface Event {
  type: string;
  id: string;
  data?: {
    cpu: { usage: { total: number; kernel: number; user: number } };
    memory: { usage: { limit: number; usage: number }; raw: Record<string, number> };
    pids: { current: number; limit?: number };
    [member: string]: unknown;
  };
}

function events(lab: Lab, ...args: string[]): Shim {
  return lab.watch(lab.runtime.shim(["events", ...args]));
}

/** The next event of a type; others may come first. */
async function next(stream: Shim, type: string): Promise<Event> {
  return JSON.parse(await stream.stdout.line(new RegExp(`"type":"${type}"`))) as Event;
}

async function stats(lab: Lab, container: Container): Promise<Event & { data: NonNullable<Event["data"]> }> {
  const { stdout } = ok(await lab.runtime.call(["events", "--stats", container.id]));
  assert.match(stdout, /^\{.*\}\n$/);
  const event = JSON.parse(stdout) as Event;
  assert.ok(event.data);
  return { ...event, data: event.data };
}

scenario("--stats prints one record and ends", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.running();
  const { type, id, data } = await stats(lab, container);
  assert.deepEqual([type, id], ["stats", container.id]);
  const members = ["blkio", "cpu", "cpuset", "hugetlb", "intel_rdt", "memory", "network_interfaces", "pids"];
  assert.deepEqual(Object.keys(data).sort(), members);
});

scenario(
  "what a container without limits uses is counted too",
  { needs: ["cgroup: writable", "cgroup: memory", "cgroup: pids"] },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], ({ linux }) => {
      linux.resources = {};
    });
    const { data } = await stats(lab, container);
    assert.ok((data.memory?.usage?.usage ?? 0) > 0, JSON.stringify(data.memory));
    assert.equal(data.pids?.current, 1);
  },
);

scenario(
  "--stats of a created and of a paused container works",
  { needs: ["cgroup: writable", "command: pause"] },
  async (lab) => {
    const container = await lab.created();
    assert.equal((await stats(lab, container)).id, container.id);
    await container.start();
    await container.line(/^ready$/);
    ok(await lab.runtime.pause(container.id));
    assert.equal((await stats(lab, container)).id, container.id);
  },
);

scenario("--stats counts processes", { needs: ["cgroup: pids"] }, async (lab) => {
  const args = ["/bin/sh", "-c", "/bin/probe wait & exec /bin/probe wait"];
  const container = await lab.running(args, ({ linux }) => {
    linux.resources = { pids: { limit: 33 } };
  });
  await container.line(/^ready$/);
  const { pids } = (await stats(lab, container)).data;
  assert.deepEqual([pids.current, pids.limit], [2, 33]);
});

/** So much memory, and no swap. */
function limitMemory(limit: number): (spec: Spec) => void {
  return ({ linux }) => {
    linux.resources = { memory: { limit, swap: limit } };
  };
}

scenario("--stats says how much memory there is and may be", { needs: ["cgroup: memory"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], limitMemory(64 * 2 ** 20));
  const { memory } = (await stats(lab, container)).data;
  assert.equal(memory.usage.limit, 64 * 2 ** 20);
  assert.ok(memory.usage.usage > 0 && memory.usage.usage < 64 * 2 ** 20);
  assert.ok(Object.keys(memory.raw).length > 10);
});

scenario("--stats counts the processor's time in nanoseconds", { needs: ["cgroup: cpu"] }, async (lab) => {
  const script = "echo ready; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; exec sleep 600";
  const container = await lab.running(["/bin/sh", "-c", script]);
  await container.line(/^done$/);
  const { usage } = (await stats(lab, container)).data.cpu;
  // Whatever the machine's speed: more than a millisecond, less than the test may take.
  assert.ok(usage.total > 1e6 && usage.total < patient(60_000) * 1e6, `${usage.total}`);
});

scenario(
  "a record comes every --interval, until the container is deleted",
  { needs: ["cgroup: writable"] },
  async (lab) => {
    const container = await lab.running();
    const stream = events(lab, "--interval", "20ms", container.id);
    for (let count = 0; count < 3; count++) assert.equal((await next(stream, "stats")).id, container.id);
    await container.delete("--force");
    assert.equal(await stream.exited(), "exit 0");
  },
);

scenario(
  "events ends with the container",
  { needs: ["cgroup: writable"], boxOnly: "not only when it is deleted" },
  async (lab) => {
    const container = await lab.running();
    const stream = events(lab, "--interval", "20ms", container.id);
    await next(stream, "stats");
    await container.stop();
    assert.equal(await stream.exited(), "exit 0");
  },
);

scenario(
  "between two records events does nothing",
  { needs: ["cgroup: writable"], boxOnly: "it waits for the kernel's word, as --trace shows" },
  async (lab) => {
    const container = await lab.running();
    const trace = lab.path("trace.json");
    const stream = lab.watch(lab.runtime.shim(["--trace", trace, "events", "--interval", "20ms", container.id]));
    for (let count = 0; count < 5; count++) await next(stream, "stats");
    await container.stop();
    assert.equal(await stream.exited(), "exit 0");
    const records = (await stream.stdout.end()).split("\n").filter((line) => line.includes('"stats"')).length;
    const polls = readFileSync(trace, "utf8")
      .split("\n")
      .filter((line) => line.includes('"ppoll"')).length;
    // One that waits and one that looks whether init has ended; the two of that end, and one that an end may come upon.
    assert.ok(polls <= 2 * records + 4, `${polls} times asked for ${records} records`);
  },
);

for (const interval of ["0", "0s", "-1s", "5", "soon"]) {
  scenario(`events refuses ${JSON.stringify(interval)} as an interval`, { boxOnly: "strict options" }, async (lab) => {
    const container = await lab.running();
    refused(await lab.runtime.call(["events", "--interval", interval, container.id]), /--interval: must be a time/);
  });
}

scenario("events is refused when the container has stopped", async (lab) => {
  const container = await lab.stopped();
  refused(await lab.runtime.call(["events", "--stats", container.id]), /container with id .* is not running/);
  refused(await lab.runtime.call(["events", container.id]), /container with id .* is not running/);
});

scenario("events is refused when there is no such container", async (lab) => {
  refused(await lab.runtime.call(["events", "--stats", lab.newId()]), /container does not exist/);
});

scenario(
  "several containers share a stream, which ends with the last",
  { needs: ["cgroup: writable"], boxOnly: "several ids" },
  async (lab) => {
    const [one, two] = [await lab.running(), await lab.running()];
    const stream = events(lab, "--interval", "20ms", one.id, two.id);
    assert.equal((await next(stream, "stats")).id, one.id);
    assert.equal((await next(stream, "stats")).id, two.id);
    await one.stop();
    // What was on its way is passed over: two of the other without one of this between them.
    for (let last = ""; ; ) {
      const { id } = await next(stream, "stats");
      if (id === two.id && last === two.id) break;
      last = id;
    }
    await two.stop();
    assert.equal(await stream.exited(), "exit 0");
  },
);

scenario(
  "events ends when nobody reads any more",
  { needs: ["cgroup: writable"], boxOnly: "it waits for that too" },
  async (lab) => {
    const container = await lab.running();
    const [file = "", ...args] = lab.runtime.argv(["events", "--interval", "1h", container.id]);
    const reader = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(reader, "exit", { signal: AbortSignal.timeout(patient(20_000)) });
    lab.later(() => void reader.kill("SIGKILL"));
    reader.stdout.destroy();
    assert.deepEqual(await ended, [0, null]);
  },
);

/** A shell that goes on after what it has started was killed for memory. */
const hungry = ["/bin/sh", "-c", "echo ready; while read line; do tail /dev/zero; echo killed; done"];

scenario("each time the memory runs out is an event", { needs: ["cgroup: memory"] }, async (lab) => {
  const container = await lab.running(hungry, limitMemory(16 * 2 ** 20));
  const stream = events(lab, "--interval", "50ms", container.id);
  await next(stream, "stats");
  for (let count = 0; count < 2; count++) {
    container.say("\n");
    assert.deepEqual(await next(stream, "oom"), { type: "oom", id: container.id });
    await container.line(/^killed$/);
  }
});

/** Until `events` has the kernel's notice of memory that runs out, and sleeps until something comes. */
async function untilItWaits(stream: Shim): Promise<void> {
  const pid = await stream.started();
  const notice = /\/memory\.events$|^anon_inode:\[eventfd\]$/;
  await until("events waits", () => descriptorsOf(pid).some((to) => notice.test(to)) && stateOf(pid) === "S");
}

scenario(
  "the memory that ran out is told within 100 ms",
  { needs: ["cgroup: memory"], boxOnly: "runc does not promise a time" },
  async (lab) => {
    const container = await lab.running(hungry, limitMemory(16 * 2 ** 20));
    // Nothing but the notice can bring it.
    const stream = events(lab, "--interval", "1h", container.id);
    await untilItWaits(stream);
    // The shell tells of the end of what was killed; the event must have come at most so long after. A busy machine
    // may hold up whom it likes, but hardly each time.
    const late: number[] = [];
    for (let count = 0; count < 5; count++) {
      container.say("\n");
      const told = next(stream, "oom").then(() => performance.now());
      await container.line(/^killed$/);
      const killed = performance.now();
      late.push((await told) - killed);
    }
    assert.ok(Math.min(...late) < patient(100), `${late.join(", ")} ms`);
  },
);

scenario(
  "the last one is told when it ends the container",
  // systemd removes a scope with its last process, and what the kernel has counted in it.
  { needs: ["cgroup: memory", "cgroup: by cgroupfs"], boxOnly: "before the stream's end" },
  async (lab) => {
    const args = ["/bin/sh", "-c", "echo ready; read line; exec tail /dev/zero"];
    const container = await lab.running(args, limitMemory(16 * 2 ** 20));
    const stream = events(lab, "--interval", "20ms", container.id);
    await next(stream, "stats");
    // It finds the event and the end at once when it goes on.
    const pid = await stream.started();
    process.kill(pid, "SIGSTOP");
    container.say("\n");
    await container.exit();
    process.kill(pid, "SIGCONT");
    await next(stream, "oom");
    assert.equal(await stream.exited(), "exit 0");
  },
);

/** Whether a process has been told something by an eventfd that it has not read yet. */
function hasEvents(pid: number): boolean {
  const directory = `/proc/${pid}/fdinfo`;
  const infos = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  return infos.some((info) => /^eventfd-count: +[1-9a-f]/m.test(info));
}

scenario("the removal of the cgroup is no event", { needs: ["cgroup: memory"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], limitMemory(64 * 2 ** 20));
  const stream = events(lab, "--interval", "20ms", container.id);
  await next(stream, "stats");
  // It finds the end and the removal at once when it goes on.
  const pid = await stream.started();
  process.kill(pid, "SIGSTOP");
  await container.delete("--force");
  if (cgroupHost().hierarchies["memory"] !== undefined) await until("the removal is told", () => hasEvents(pid));
  process.kill(pid, "SIGCONT");
  assert.equal(await stream.exited(), "exit 0");
  assert.doesNotMatch(await stream.stdout.end(), /"oom"/);
});
