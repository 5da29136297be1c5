import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { enter, freeze, noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { hanging } from "../../test/kernel/hanging.ts";
import { recordWith } from "../../test/kernel/records.ts";
import { awaitByte, idle, withChild, withoutLeaks } from "../../test/kernel/scratch.ts";
import { BoxError } from "../base/errors.ts";
import { killAndWait } from "../cgroups/processes.ts";
import { SIGKILL } from "../linux/constants.ts";
import { pipe, writeAll } from "../linux/file.ts";
import { type Child, sendSignal, setName } from "../linux/process.ts";
import { waitReadable } from "../linux/socket.ts";
import { executedFile, identify, identifyChild, isAlive, openProcess, ownIdentity } from "./processes.ts";
import type { ContainerRecord, ProcessId } from "./record.ts";
import { requireDeletable, requireProcess, requireStartable, type Status, statusOf } from "./status.ts";

/** A pid that is in use, by another process than the recorded one. */
function recycled({ pid, startTime }: ProcessId): ProcessId {
  return { pid, startTime: `${BigInt(startTime) - 1n}` };
}

function identityOf({ pid }: Child): ProcessId {
  const identity = identify(pid);
  assert.ok(identity !== undefined);
  return identity;
}

/** Gives `action` a child that has ended and that nobody has waited for. */
function withZombie(action: (id: ProcessId) => void): void {
  withChild(idle, (child) => {
    const id = identityOf(child);
    assert.ok(isAlive(id));
    sendSignal(child.pidfd, SIGKILL);
    assert.ok(waitReadable(child.pidfd, hanging));
    action(id);
  });
}

describe("identify()", () => {
  test("names a process whatever it calls itself", () => {
    for (const name of ["plain", "a) Z (b", "))) Z 1 1", "\n) X 1"]) {
      const [begin, begins] = pipe();
      const [done, does] = pipe();
      const renamed = (): number => {
        awaitByte(begin);
        setName(name);
        writeAll(does, ".");
        return idle();
      };
      withChild(renamed, (child) => {
        const before = identityOf(child);
        writeAll(begins, ".");
        awaitByte(done);
        assert.deepEqual(identityOf(child), before, JSON.stringify(name));
        assert.ok(isAlive(before));
      });
      for (const end of [begin, begins, done, does]) end.close();
    }
  });

  test("knows no process that has ended, waited for or not, or that never was", () => {
    withZombie((id) => {
      assert.equal(identify(id.pid), undefined);
      assert.equal(isAlive(id), false);
    });
    assert.equal(identify(2 ** 22 + 1), undefined);
  });
});

test("openProcess() opens the recorded process, and no other with its pid", () => {
  withoutLeaks(() => {
    const self = ownIdentity();
    openProcess(self)?.close();
    assert.ok(isAlive(self));
    assert.equal(openProcess(recycled(self)), undefined);
    assert.equal(openProcess({ pid: 2 ** 22 + 1, startTime: "1" }), undefined);
  });
});

test("openProcess() knows a process by the inode of its pidfds, where the kernel gives it one", () => {
  withChild(idle, (child) => {
    const id = identifyChild(child) as ProcessId;
    // What the pidfd tells is enough: the time is of no process.
    const byInode = { ...id, startTime: "1" };
    assert.equal(openProcess({ ...id, inode: "1" }), undefined);
    const held = id.inode === undefined ? undefined : openProcess(byInode);
    assert.equal(held !== undefined, id.inode !== undefined);
    held?.close();
    sendSignal(child.pidfd, SIGKILL);
    assert.ok(waitReadable(child.pidfd, hanging));
    assert.equal(openProcess(byInode), undefined);
  });
});

/** A record in each status, and why. */
type Scene = readonly [status: Status, why: string, record: (child: Child) => Partial<ContainerRecord>];

const scenes: readonly Scene[] = [
  ["creating", "its creator runs", () => ({ phase: "creating", owner: ownIdentity() })],
  [
    "creating",
    "its creator runs hooks",
    (child) => ({ phase: "creating", owner: ownIdentity(), init: identityOf(child) }),
  ],
  ["stopped", "its creator is gone", () => ({ phase: "creating", owner: null })],
  ["stopped", "its creator's pid is another's", () => ({ phase: "creating", owner: recycled(ownIdentity()) })],
  ["created", "init waits", (child) => ({ phase: "created", init: identityOf(child) })],
  [
    "created",
    "a start is under way and init has not executed the program",
    (child) => ({ phase: "starting", init: identityOf(child), initFile: executedFile(child.pid) ?? null }),
  ],
  [
    "running",
    "a start is under way and init has executed the program",
    (child) => ({ phase: "starting", init: identityOf(child), initFile: "0:0:0" }),
  ],
  ["running", "the program runs", (child) => ({ phase: "running", init: identityOf(child) })],
  ["stopped", "init's pid is another's", (child) => ({ phase: "running", init: recycled(identityOf(child)) })],
  ["stopped", "there is no such pid", () => ({ phase: "running", init: { pid: 2 ** 22 + 1, startTime: "1" } })],
  ["stopped", "it never had an init", () => ({ phase: "created", init: null })],
];

describe("statusOf()", () => {
  for (const [status, why, change] of scenes) {
    test(`is ${status} when ${why}`, () => {
      withChild(idle, (child) => {
        const record = recordWith(change(child));
        withoutLeaks(() => assert.equal(statusOf(record), status));
      });
    });
  }

  test("is stopped when init has ended and nobody has waited for it", () => {
    withZombie((init) => {
      for (const phase of ["created", "starting", "running"] as const) {
        assert.equal(statusOf(recordWith({ phase, init })), "stopped");
      }
    });
  });

  test("is paused when the cgroup is frozen", { skip: noCgroups }, () => {
    withPaused((record) => assert.equal(statusOf(record), "paused"));
  });
});

function withPaused(action: (record: ContainerRecord) => void): void {
  withCgroup((make, cgroup) => {
    make()[Symbol.dispose]();
    withChild(idle, (child) => {
      const record = recordWith({ phase: "running", init: identityOf(child), cgroup });
      enter(cgroup, child.pid);
      assert.equal(statusOf(record), "running");
      freeze(cgroup);
      try {
        action(record);
      } finally {
        // A frozen process does not die.
        killAndWait(cgroup);
      }
    });
  });
}

/** What each operation says in each status; undefined where it goes on. */
const guards: Readonly<Record<Status, Readonly<Record<"start" | "delete" | "kill", string | undefined>>>> = {
  creating: {
    start: "cannot start a container that is being created",
    delete: 'cannot delete container "web" that is not stopped: creating',
    kill: "container not running: it is being created",
  },
  created: { start: undefined, delete: undefined, kill: undefined },
  running: {
    start: "cannot start an already running container",
    delete: 'cannot delete container "web" that is not stopped: running',
    kill: undefined,
  },
  paused: {
    start: "cannot start an already running container",
    delete: 'cannot delete container "web" that is not stopped: paused',
    kill: undefined,
  },
  stopped: { start: "cannot start a container that has stopped", delete: undefined, kill: "container not running" },
};

function refusal(action: () => void): string | undefined {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof BoxError) return thrown.message;
    throw thrown;
  }
  return undefined;
}

function checkGuards(status: Status, record: ContainerRecord): void {
  const said = {
    start: refusal(() => requireStartable(record)),
    delete: refusal(() => requireDeletable(record)),
    kill: refusal(() => requireProcess(statusOf(record))),
  };
  assert.deepEqual(said, guards[status]);
}

describe("start, delete and kill", () => {
  for (const [status, why, change] of scenes) {
    test(`are guarded as ${status} when ${why}`, () => {
      withChild(idle, (child) => checkGuards(status, recordWith(change(child))));
    });
  }

  test("are guarded as paused when the cgroup is frozen", { skip: noCgroups }, () => {
    withPaused((record) => checkGuards("paused", record));
  });
});

describe("requireStartable()", () => {
  test("refuses a second start while the first one runs", () => {
    withChild(idle, (child) => {
      const change = { phase: "starting", init: identityOf(child), initFile: executedFile(child.pid) ?? null } as const;
      const message = "another command is starting this container";
      assert.equal(
        refusal(() => requireStartable(recordWith({ ...change, owner: ownIdentity() }))),
        message,
      );
      assert.equal(
        refusal(() => requireStartable(recordWith({ ...change, owner: recycled(ownIdentity()) }))),
        undefined,
      );
    });
  });

  test("refuses a container without a program", () => {
    withChild(idle, (child) => {
      const record = recordWith({ phase: "created", init: identityOf(child), startable: false });
      const message = "process: the configuration has none, there is nothing to start";
      assert.equal(
        refusal(() => requireStartable(record)),
        message,
      );
    });
  });
});
