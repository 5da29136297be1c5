import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { enter, exists, noCgroups, withCgroup } from "../../test/kernel/cgroups.ts";
import { hanging } from "../../test/kernel/hanging.ts";
import { recordWith } from "../../test/kernel/records.ts";
import { awaitByte, idle, inScratch, withChild } from "../../test/kernel/scratch.ts";
import { hookState } from "../base/spec-state.ts";
import { O_CREAT, O_RDONLY, O_WRONLY, SIGKILL, SIGSTOP, SIGTERM } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { open, pipe, readAll, unlink, writeAll } from "../linux/file.ts";
import { type Child, getpid, pidfdOpen, sendSignal, waitPidfd } from "../linux/process.ts";
import { waitReadable } from "../linux/socket.ts";
import { type DeleteOptions, deleteContainer } from "./delete.ts";
import { killContainer } from "./kill.ts";
import { bootId, identify } from "./processes.ts";
import type { ContainerRecord } from "./record.ts";
import { stateOf } from "./state.ts";
import { Store } from "./store.ts";

/** Gives `action` a store with a container "web" of this state.json. */
function withContainer(state: object | string | undefined, action: (store: Store, root: string) => void): void {
  // There it outlives a boot, as in /tmp it may not.
  inScratch((_, path) => {
    using store = new Store(`${path}/root`);
    {
      using entry = store.create("web");
      if (state !== undefined) {
        using file = open(entry.directory, "state.json", O_WRONLY | O_CREAT, 0o600);
        writeAll(file, typeof state === "string" ? state : JSON.stringify(state));
      }
    }
    action(store, store.path);
  }, "/var/tmp");
}

interface Said extends DeleteOptions {
  readonly warnings: string[];
}

function options(force: boolean): Said {
  const warnings: string[] = [];
  return { force, warnings, warn: (message) => warnings.push(message), recover: () => undefined };
}

/** A record as a later box might write it. */
function newerRecord(pid: number, more: object = {}): object {
  return {
    version: 2,
    bootId: bootId(),
    init: { ...identify(pid), since: "later" },
    cgroup: null,
    lately: { invented: true },
    ...more,
  };
}

/** A running container whose init is this process. */
function running(pid: number, change: Partial<ContainerRecord> = {}): ContainerRecord {
  return recordWith({ phase: "running", init: identify(pid) ?? null, ...change });
}

/** Nothing ended a child before this does. */
function expectUnhurt({ pidfd }: Child): void {
  sendSignal(pidfd, SIGTERM);
  assert.deepEqual(waitPidfd(pidfd, true), { signal: SIGTERM });
}

/** The first process of a container, which is gone. */
const ended = { pid: 1, startTime: "1" };

describe("killContainer()", () => {
  test("sends the signal to init", () => {
    withChild(idle, (child) => {
      withContainer(running(child.pid), (store) => {
        killContainer(store, "web", { signal: SIGTERM, all: false });
        assert.ok(waitReadable(child.pidfd, hanging));
      });
    });
  });

  test("works on a container that a newer box made", () => {
    withChild(idle, (child) => {
      withContainer(newerRecord(child.pid), (store) => {
        killContainer(store, "web", { signal: SIGKILL, all: false });
        assert.ok(waitReadable(child.pidfd, hanging));
      });
    });
  });

  test("sends nothing to a process that has taken the pid", () => {
    withChild(idle, (child) => {
      const { pid } = child;
      for (const state of [
        running(pid, { init: { pid, startTime: "1" } }),
        running(pid, { bootId: "another" }),
        newerRecord(pid, { init: { pid, startTime: "1" } }),
        newerRecord(pid, { bootId: "another" }),
      ]) {
        withContainer(state, (store) => {
          const message = 'kill "web": container not running';
          assert.throws(() => killContainer(store, "web", { signal: SIGKILL, all: false }), {
            name: "BoxError",
            message,
          });
        });
      }
      expectUnhurt(child);
    });
  });

  test("says what there is not", () => {
    withContainer(undefined, (store) => {
      const kill = (id: string, all: boolean) => () => killContainer(store, id, { signal: SIGTERM, all });
      assert.throws(kill("other", false), { message: 'container "other": container does not exist' });
      assert.throws(kill("web", false), { message: 'kill "web": container does not exist' });
    });
    withContainer(recordWith({ phase: "running", init: ended }), (store) => {
      const message = 'kill "web": --all: the container has no cgroup';
      assert.throws(() => killContainer(store, "web", { signal: SIGTERM, all: true }), { message });
    });
  });

  test("reaches every process of the cgroup with --all, of a stopped container too", { skip: noCgroups }, () => {
    withCgroup((make, cgroup) => {
      make()[Symbol.dispose]();
      withChild(idle, (child) => {
        enter(cgroup, child.pid);
        withContainer(recordWith({ phase: "running", init: ended, cgroup }), (store) => {
          killContainer(store, "web", { signal: SIGTERM, all: true });
          assert.ok(waitReadable(child.pidfd, hanging));
        });
      });
    });
  });
});

describe("deleteContainer()", () => {
  test("removes a stopped container, and its cgroup", { skip: noCgroups }, () => {
    withCgroup((make, cgroup) => {
      make()[Symbol.dispose]();
      withContainer(recordWith({ phase: "running", cgroup }), (store) => {
        deleteContainer(store, "web", options(false));
        assert.deepEqual(store.ids(), []);
        assert.ok(!exists(cgroup));
      });
    });
  });

  test("ends a created container first", () => {
    withChild(idle, (child) => {
      withContainer(running(child.pid, { phase: "created" }), (store) => {
        deleteContainer(store, "web", options(false));
        assert.deepEqual(store.ids(), []);
        assert.ok(!sendSignal(child.pidfd, 0));
      });
    });
  });

  test("refuses a running one without force, and ends it with", () => {
    withChild(idle, (child) => {
      withContainer(running(child.pid), (store) => {
        const message = 'delete "web": cannot delete container "web" that is not stopped: running';
        assert.throws(() => deleteContainer(store, "web", options(false)), { name: "BoxError", message });
        assert.deepEqual(store.ids(), ["web"]);
        deleteContainer(store, "web", options(true));
        assert.deepEqual(store.ids(), []);
        assert.ok(!sendSignal(child.pidfd, 0));
      });
    });
  });

  test("removes with force what a newer box made, and refuses it without", () => {
    withChild(idle, (child) => {
      withContainer(newerRecord(child.pid), (store) => {
        assert.throws(() => deleteContainer(store, "web", options(false)), { message: /made by a newer box/ });
        deleteContainer(store, "web", options(true));
        assert.deepEqual(store.ids(), []);
        assert.ok(!sendSignal(child.pidfd, 0));
      });
    });
  });

  test("ends nobody who has taken a pid of the record", () => {
    withChild(idle, (child) => {
      const { pid } = child;
      for (const state of [
        running(pid, { bootId: "another", owner: identify(pid) ?? null }),
        running(pid, { init: { pid, startTime: "1" }, owner: { pid, startTime: "1" } }),
      ]) {
        withContainer(state, (store) => {
          deleteContainer(store, "web", options(true));
          assert.deepEqual(store.ids(), []);
        });
      }
      expectUnhurt(child);
    });
  });

  test("ends a creator that hangs", () => {
    withChild(idle, (creator) => {
      withContainer(recordWith({ phase: "creating", owner: identify(creator.pid) ?? null }), (store) => {
        deleteContainer(store, "web", options(true));
        assert.deepEqual(store.ids(), []);
        assert.ok(!sendSignal(creator.pidfd, 0));
      });
    });
  });

  test("removes with force what a killed create left before its first record", () => {
    withContainer(undefined, (store) => {
      deleteContainer(store, "web", options(true));
      assert.deepEqual(store.ids(), []);
    });
  });

  test("leaves what has got the id meanwhile, come as far as it may, where one container only is meant", () => {
    const only = recordWith({ created: "2026-01-01T00:00:00.000Z" });
    for (const state of [undefined, recordWith({}), newerRecord(1)]) {
      withContainer(state, (store) => {
        deleteContainer(store, "web", { ...options(true), only });
        assert.deepEqual(store.ids(), ["web"]);
        using entry = store.get("web");
        if (state !== undefined) return;
        // Its create has made the directory, and not come to make the lock.
        unlink(entry.directory, "lock");
        deleteContainer(store, "web", { ...options(true), only });
        store.get("web")[Symbol.dispose]();
      });
    }
  });

  test("leaves alone who holds the lock of another container, where one only is meant", () => {
    const only = recordWith({ created: "2026-01-01T00:00:00.000Z" });
    withContainer(recordWith({}), (store) => {
      const [reader, writer] = pipe();
      const holdAndStop = (): number => {
        using entry = store.get("web");
        using _lock = entry.lock();
        using self = pidfdOpen(getpid()) as Fd;
        writeAll(writer, "x");
        sendSignal(self, SIGSTOP);
        return idle();
      };
      withChild(holdAndStop, ({ pidfd }) => {
        awaitByte(reader);
        deleteContainer(store, "web", { ...options(true), only });
        assert.equal(waitReadable(pidfd, 0), false, "the holder has ended");
        assert.deepEqual(store.ids(), ["web"]);
      });
      for (const end of [reader, writer]) end.close();
    });
  });

  test("removes with force a container whose record is damaged, and says that it was", () => {
    for (const damaged of ["", "{", "{}", "\0\0\0\0", "[1]"]) {
      withContainer(damaged, (store) => {
        assert.throws(() => deleteContainer(store, "web", options(false)), { message: /damaged/ }, damaged);
        const said = options(true);
        deleteContainer(store, "web", said);
        assert.deepEqual(store.ids(), []);
        assert.equal(said.warnings.length, 1);
      });
    }
  });

  test("takes an unknown id for success with force, and for an error without", () => {
    withContainer(undefined, (store) => {
      deleteContainer(store, "other", options(true));
      const message = 'container "other": container does not exist';
      assert.throws(() => deleteContainer(store, "other", options(false)), { message });
      assert.deepEqual(store.ids(), ["web"]);
    });
  });

  test("runs every poststop hook after the removal, warning of those that fail", () => {
    inScratch((directory, path) => {
      const hook = (index: number, script: string) => ({
        where: `hooks.poststop[${index}]`,
        path: "/bin/sh",
        args: ["sh", "-c", script],
        env: ["A=1"],
        timeout: hanging / 1000,
      });
      const poststop = [
        hook(0, "exit 3"),
        hook(1, `cat > ${path}/state; test -e ${path}/x`),
        hook(2, `env > ${path}/env`),
      ];
      withContainer(recordWith({ hooks: { poststart: [], poststop } }), (store, root) => {
        poststop.push(hook(3, `ls ${root} > ${path}/ls`));
        {
          using entry = store.get("web");
          entry.write(recordWith({ hooks: { poststart: [], poststop } }));
        }
        const said = options(false);
        deleteContainer(store, "web", said);
        assert.deepEqual(said.warnings, [
          'hooks.poststop[0] "/bin/sh": exit status 3',
          'hooks.poststop[1] "/bin/sh": exit status 1',
        ]);
      });
      const contentOf = (name: string): string => {
        using file = open(directory, name, O_RDONLY);
        return decodeUtf8(readAll(file, 10_000) as Uint8Array);
      };
      const { id, status, pid } = JSON.parse(contentOf("state"));
      assert.deepEqual([id, status, pid], ["web", "stopped", 0]);
      assert.match(contentOf("env"), /^A=1$/m);
      assert.equal(contentOf("ls"), "");
    });
  });
});

describe("stateOf()", () => {
  const nameOf = (uid: number): string => `user${uid}`;

  test("tells the specification's fields, and the pid of a process that is there", () => {
    withChild(idle, (child) => {
      assert.deepEqual(stateOf(running(child.pid, { uid: 5 }), nameOf), {
        ociVersion: "1.3.0",
        id: "web",
        pid: child.pid,
        status: "running",
        bundle: "/bundle",
        rootfs: "/bundle/rootfs",
        created: "2026-01-02T03:04:05.678Z",
        owner: "user5",
      });
    });
  });

  test("tells pid 0 of a stopped container, and annotations where there are any", () => {
    const { pid, status, annotations } = stateOf(
      recordWith({ phase: "running", init: { pid: 1, startTime: "x" }, annotations: { a: "b" } }),
      nameOf,
    );
    assert.deepEqual([pid, status, annotations], [0, "stopped", { a: "b" }]);
  });

  test("is what hooks get, with the status and pid of their moment", () => {
    const state = JSON.parse(hookState(recordWith({ annotations: { a: "b" } }), "creating", 7));
    assert.deepEqual(state, {
      ociVersion: "1.3.0",
      id: "web",
      status: "creating",
      pid: 7,
      bundle: "/bundle",
      annotations: { a: "b" },
    });
  });
});
