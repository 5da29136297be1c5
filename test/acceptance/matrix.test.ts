/** Every operation in every state: what is allowed works, what is not changes nothing. */

import assert from "node:assert/strict";
import type { Result } from "./harness/command.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Need } from "./harness/facts.ts";
import { startTime } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import type { Status } from "./harness/runtime.ts";
import { type Conditions, feature } from "./harness/suite.ts";

const scenario = feature("matrix");

const subjects: Record<Status, (lab: Lab) => Promise<Container>> = {
  creating: async (lab) => (await lab.held()).container,
  created: (lab) => lab.created(),
  running: (lab) => lab.running(),
  paused: async (lab) => {
    const container = await lab.running();
    ok(await lab.runtime.pause(container.id));
    return container;
  },
  stopped: (lab) => lab.stopped(),
};

interface Operation {
  name: string;
  perform: (lab: Lab, container: Container) => Promise<Result>;
  /** The status that follows, in the states where it is allowed; `gone` for none. */
  allowed: Partial<Record<Status, Status | "gone">>;
  needs?: Need[];
  clause?: string;
}

const operations: Operation[] = [
  {
    name: "create",
    perform: (lab, { id, bundle }) => lab.watch(lab.runtime.create(id, bundle)).result(),
    allowed: {},
    clause: "runtime.md, Create: an id in use is an error",
  },
  {
    name: "start",
    perform: (lab, { id }) => lab.runtime.start(id),
    allowed: { created: "running" },
    clause:
      'runtime.md, Start: "Attempting to start a container that is not created MUST have no effect … and MUST generate an error"',
  },
  {
    name: "state",
    perform: (lab, { id }) => lab.runtime.state(id),
    allowed: { creating: "creating", created: "created", running: "running", paused: "paused", stopped: "stopped" },
    clause: "runtime.md, Query State",
  },
  {
    name: "kill",
    perform: (lab, { id }) => lab.runtime.kill(id, "KILL"),
    allowed: { created: "stopped", running: "stopped", paused: "stopped" },
    clause:
      'runtime.md, Kill: "Attempting to send a signal to a container that is neither created nor running MUST have no effect … and MUST generate an error"',
  },
  {
    name: "delete",
    perform: (lab, { id }) => lab.runtime.delete(id),
    allowed: { created: "gone", stopped: "gone" },
    clause: "runtime.md, Delete; a created container may be deleted, which all engines depend on",
  },
  {
    name: "delete --force",
    perform: (lab, { id }) => lab.runtime.delete(id, "--force"),
    allowed: { creating: "gone", created: "gone", running: "gone", paused: "gone", stopped: "gone" },
  },
  {
    name: "exec",
    perform: (lab, { id }) => lab.runtime.exec(id, ["/bin/true"]),
    allowed: { created: "created", running: "running" },
    needs: ["command: exec"],
  },
  {
    name: "pause",
    perform: (lab, { id }) => lab.runtime.pause(id),
    allowed: { created: "paused", running: "paused" },
    needs: ["command: pause", "cgroup: freezer"],
  },
  {
    name: "resume",
    perform: (lab, { id }) => lab.runtime.resume(id),
    allowed: { paused: "running" },
    needs: ["command: resume", "cgroup: freezer"],
  },
  {
    name: "update",
    perform: (lab, { id }) => lab.runtime.update(id, "--pids-limit", "100"),
    allowed: { created: "created", running: "running", paused: "paused" },
    needs: ["command: update", "cgroup: pids"],
  },
];

const pausing: Need[] = ["command: pause", "cgroup: freezer"];

for (const operation of operations) {
  for (const status of Object.keys(subjects) as Status[]) {
    const after = operation.allowed[status];
    const conditions: Conditions = {
      needs: [...(operation.needs ?? []), ...(status === "paused" ? pausing : [])],
      ...(status === "creating" ? { boxOnly: "a container is visible while it is being created" } : {}),
      ...(operation.clause === undefined ? {} : { clause: operation.clause }),
    };
    if (after === undefined) {
      scenario(`${operation.name} is refused without effect when ${status}`, conditions, async (lab) => {
        const container = await subjects[status](lab);
        const before = await container.state();
        const started = before.pid ? startTime(before.pid) : undefined;
        refused(await operation.perform(lab, container));
        assert.deepEqual(await container.state(), before);
        if (before.pid) assert.equal(startTime(before.pid), started);
      });
    } else {
      scenario(`${operation.name} leaves the container ${after} when ${status}`, conditions, async (lab) => {
        const container = await subjects[status](lab);
        ok(await operation.perform(lab, container));
        if (after === "stopped") await container.exit();
        if (after === "gone") refused(await lab.runtime.state(container.id), /does not exist/);
        else await container.expectStatus(after);
      });
    }
  }
}

const strangers: [string, (lab: Lab, id: string) => Promise<Result>, Need[]][] = [
  ["start", (lab, id) => lab.runtime.start(id), []],
  ["state", (lab, id) => lab.runtime.state(id), []],
  ["kill", (lab, id) => lab.runtime.kill(id, "KILL"), []],
  ["delete", (lab, id) => lab.runtime.delete(id), []],
  ["exec", (lab, id) => lab.runtime.exec(id, ["/bin/true"]), ["command: exec"]],
  ["pause", (lab, id) => lab.runtime.pause(id), ["command: pause"]],
  ["resume", (lab, id) => lab.runtime.resume(id), ["command: resume"]],
  ["update", (lab, id) => lab.runtime.update(id, "--pids-limit", "100"), ["command: update"]],
];

for (const [name, perform, needs] of strangers) {
  scenario(`${name} is refused when there is no such container`, { needs }, async (lab) => {
    refused(await perform(lab, lab.newId()), /container does not exist/);
  });
}

scenario("delete --force succeeds when there is no such container", { boxOnly: "idempotent clean-up" }, async (lab) => {
  const result = ok(await lab.runtime.delete(lab.newId(), "--force"));
  assert.equal(result.stdout + result.stderr, "");
});
