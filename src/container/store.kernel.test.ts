import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { syscall } from "host";
import { hanging } from "../../test/kernel/hanging.ts";
import { recordWith } from "../../test/kernel/records.ts";
import { awaitByte, inScratch, withChild } from "../../test/kernel/scratch.ts";
import { messageOf } from "../base/errors.ts";
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_WRONLY } from "../linux/constants.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import { type At, stdio } from "../linux/fd.ts";
import { chmod, fstat, list, mkdir, open, pipe, read, readAll, stat, symlink, writeAll } from "../linux/file.ts";
import { type Interposer, interpose } from "../linux/raw.ts";
import { waitReadable } from "../linux/socket.ts";
import { Store } from "./store.ts";

/** Gives `action` a store whose root does not exist yet. */
function withStore(action: (store: Store, root: string) => void): void {
  inScratch((_, path) => {
    using store = new Store(`${path}/a/root`);
    action(store, store.path);
  });
}

function put(directory: At, name: string, content: string | Uint8Array): void {
  using file = open(directory, name, O_WRONLY | O_CREAT, 0o600);
  writeAll(file, content);
}

const record = recordWith({ annotations: { a: "é\n\u0001" } });

describe("Store keeps a container", () => {
  test("from its creation to its removal", () => {
    withStore((store) => {
      {
        using entry = store.create("web");
        assert.equal(entry.tryRead(), undefined);
        entry.write(record);
        entry.saveConfig(encodeUtf8('{"ociVersion": "1.3.0"}'));
      }
      using again = new Store(store.path);
      using entry = again.get("web");
      assert.deepEqual(entry.read(), record);
      {
        using config = open(entry.directory, "config.json", O_RDONLY);
        assert.equal(decodeUtf8(readAll(config, 100) as Uint8Array), '{"ociVersion": "1.3.0"}');
      }
      assert.deepEqual(again.ids(), ["web"]);
      entry.remove();
      assert.deepEqual(again.ids(), []);
      assert.equal(again.find("web"), undefined);
      using reused = store.create("web");
      assert.equal(reused.tryRead(), undefined);
    });
  });

  test("in directories that nobody else can look into", () => {
    withStore((store, root) => {
      using entry = store.create("web");
      entry.write(record);
      entry.saveConfig(encodeUtf8("{}"));
      for (const path of [`${root}/..`, root, `${root}/web`])
        assert.equal(stat("cwd", path).mode & 0o7777, 0o700, path);
      for (const name of list(entry.directory)) assert.equal(stat(entry.directory, name).mode & 0o777, 0o600, name);
    });
  });

  test("with an id of any length and any of its letters", () => {
    withStore((store) => {
      const ids = ["--all", "..a", "A+b_c-d.e", "x".repeat(255)].sort();
      for (const id of ids) {
        using entry = store.create(id);
        entry.write({ ...record, id });
      }
      assert.deepEqual(store.ids(), ids);
    });
  });

  test("whose record is replaced in one step", () => {
    withStore((store) => {
      using entry = store.create("web");
      entry.write(record);
      entry.write({ ...record, phase: "running" });
      assert.equal(entry.read().phase, "running");
      assert.ok(!list(entry.directory).some((name) => name.includes("~")));
    });
  });
});

describe("Store.create() refuses an id that is taken", () => {
  const message = 'container "web": container with given ID already exists';

  test("and leaves the first container as it was", () => {
    withStore((store) => {
      using entry = store.create("web");
      entry.write(record);
      assert.throws(() => store.create("web"), { name: "BoxError", message });
      assert.deepEqual(entry.read(), record);
    });
  });

  test("and says how to be rid of a half-made one", () => {
    withStore((store) => {
      store.create("web")[Symbol.dispose]();
      const hint = `${message}, half-made: box delete --force web removes it`;
      assert.throws(() => store.create("web"), { name: "BoxError", message: hint });
    });
  });

  test("by something that is no directory", () => {
    withStore((store, root) => {
      assert.equal(store.ids(), undefined);
      store.create("other")[Symbol.dispose]();
      put("cwd", `${root}/web`, "");
      assert.throws(() => store.create("web"), { name: "BoxError", message });
      assert.equal(store.find("web"), undefined);
    });
  });

  test("from all but one of several creators at once", () => {
    withStore((store) => {
      store.create("first")[Symbol.dispose]();
      const [results, done] = pipe();
      const [start, starts] = pipe();
      const racer = (): number => {
        awaitByte(start);
        for (let round = 0; round < 50; round++) {
          try {
            store.create(`race${round}`);
            writeAll(done, ".");
          } catch (thrown) {
            if (!messageOf(thrown).includes("already exists")) writeAll(done, "!");
          }
        }
        writeAll(done, "$");
        return 0;
      };
      withChild(racer, () => {
        withChild(racer, () => {
          writeAll(starts, "..");
          let said = "";
          while (said.split("$").length < 3) said += decodeUtf8(read(results, 100));
          assert.equal(said.replaceAll("$", ""), ".".repeat(50));
        });
      });
      for (const end of [results, done, start, starts]) end.close();
    });
  });
});

describe("Store finds nothing", () => {
  test("where there is no state root, and makes none", () => {
    withStore((store, root) => {
      assert.equal(store.find("web"), undefined);
      assert.equal(store.ids(), undefined);
      const message = 'container "web": container does not exist';
      assert.throws(() => store.get("web"), { name: "BoxError", message });
      assert.throws(() => stat("cwd", root), { errno: 2 });
    });
  });

  test("behind a link, wherever it leads", () => {
    withStore((store, root) => {
      store.create("real")[Symbol.dispose]();
      symlink("real", "cwd" as At, `${root}/web`);
      assert.equal(store.find("web"), undefined);
    });
  });

  test("of box's own under names that no id can have", () => {
    withStore((store, root) => {
      store.create("web")[Symbol.dispose]();
      for (const name of ["cache@1", ".tmp~", "a b"]) mkdir("cwd", `${root}/${name}`, 0o700);
      assert.deepEqual(store.ids(), ["web"]);
    });
  });
});

describe("Store refuses a state root", () => {
  test("that others may write to", () => {
    withStore((store, root) => {
      store.create("web")[Symbol.dispose]();
      for (const [mode, isRefused] of [
        [0o777, true],
        [0o770, true],
        [0o702, true],
        [0o755, false],
        [0o1777, false],
      ] as const) {
        chmod("cwd", root, mode);
        using fresh = new Store(root);
        const message = `state root ${JSON.stringify(root)}: others may write to it, or it is another user's`;
        if (isRefused) assert.throws(() => fresh.find("web"), { name: "BoxError", message });
        else fresh.get("web")[Symbol.dispose]();
      }
    });
  });

  test("that is a file or a link", () => {
    inScratch((directory, path) => {
      put(directory, "file", "");
      symlink("/tmp", directory, "link");
      for (const name of ["file", "link", "file/x"]) {
        using store = new Store(`${path}/${name}`);
        assert.throws(() => store.create("web"), { name: "BoxError", message: /^state root "/ }, name);
      }
    });
  });
});

test("Store.create() meets others that make the same state root", () => {
  withStore((store, root) => {
    // Somebody else has made it between the look and the call.
    const perform: Interposer["perform"] = (name, number, ...args) => {
      const answer = syscall(name, number, ...args);
      return name === "mkdirat" && args[1] === root && answer === 0 ? syscall(name, number, ...args) : answer;
    };
    interpose({ perform, fd: undefined, end: () => {} });
    try {
      store.create("web")[Symbol.dispose]();
    } finally {
      interpose(undefined);
    }
    assert.deepEqual(store.ids(), ["web"]);
  });
});

describe("Entry.read() refuses", () => {
  function refusal(content: string | Uint8Array | undefined): string {
    let said = "";
    withStore((store) => {
      using entry = store.create("web");
      if (content !== undefined) put(entry.directory, "state.json", content);
      try {
        entry.read();
      } catch (thrown) {
        said = messageOf(thrown);
      }
    });
    return said;
  }

  test("a container that a killed create has not written yet", () => {
    assert.equal(refusal(undefined), 'container "web": container does not exist');
  });

  test("a record of a newer box, and says what still works", () => {
    const newer = JSON.stringify({ version: 99, bootId: "x", init: null, cgroup: null });
    assert.equal(
      refusal(newer),
      'container "web" was made by a newer box (state version 99): only kill and delete --force work on it',
    );
  });

  test("a damaged record", () => {
    assert.match(refusal(""), /invalid JSON/);
    assert.match(refusal("{}"), /damaged/);
    assert.match(refusal(Uint8Array.of(0x22, 0x80, 0x22)), /state\.json is damaged: not UTF-8/);
  });

  test("a state.json that is a link", () => {
    withStore((store) => {
      using entry = store.create("web");
      put(entry.directory, "other", JSON.stringify(record));
      symlink("other", entry.directory, "state.json");
      assert.throws(() => entry.read(), { name: "SyscallError" });
    });
  });
});

test("Entry.write() refuses a record that would be too large to be read back", () => {
  withStore((store) => {
    using entry = store.create("web");
    const annotations = { a: "é".repeat(9 * 1024 * 1024) };
    const message = "state.json would be longer than 16777216 bytes";
    assert.throws(() => entry.write({ ...record, annotations }), { name: "BoxError", message });
    assert.equal(entry.tryRead(), undefined);
  });
});

/** As /proc/locks tells. */
function waitsForLock(pid: number): boolean {
  using locks = open("cwd", "/proc/locks", O_RDONLY);
  const lines = decodeUtf8(readAll(locks, 1 << 20) as Uint8Array).split("\n");
  return lines.some((line) => / -> FLOCK /.test(line) && line.includes(` ${pid} `));
}

describe("Entry.lock()", () => {
  /** Runs a child that takes the lock of "web" and says over a pipe what came of it. */
  function contend(action: (store: Store, answer: (milliseconds: number) => string | undefined) => void): void {
    withStore((store) => {
      using entry = store.create("web");
      entry.write(record);
      const [results, said] = pipe();
      const held = entry.lock();
      const child = (): number => {
        held.close();
        try {
          using other = new Store(store.path);
          other.get("web").lock();
          writeAll(said, "locked");
        } catch (thrown) {
          writeAll(said, messageOf(thrown));
        }
        return 0;
      };
      withChild(child, ({ pid }) => {
        const answer = (milliseconds: number) =>
          waitReadable(results, milliseconds) ? decodeUtf8(read(results, 1000)) : undefined;
        for (let rest = hanging; !waitsForLock(pid); rest--) {
          assert.equal(answer(1), undefined);
          assert.ok(rest > 0, "it does not wait for the lock");
        }
        action(store, (milliseconds) => {
          held.close();
          return answer(milliseconds);
        });
      });
      held.close();
      results.close();
      said.close();
    });
  }

  test("waits for whoever holds it", () => {
    contend((_, answer) => assert.equal(answer(hanging), "locked"));
  });

  test("tells a waiter when the container was deleted meanwhile", () => {
    contend((store, answer) => {
      using entry = store.get("web");
      entry.remove();
      assert.equal(answer(hanging), 'container "web": container does not exist');
    });
  });

  test("tells a waiter when another container has taken the id meanwhile", () => {
    contend((store, answer) => {
      {
        using entry = store.get("web");
        entry.remove();
      }
      using reused = store.create("web");
      reused.write(record);
      assert.equal(answer(hanging), 'container "web": container does not exist');
    });
  });

  test("does not keep readers waiting", () => {
    withStore((store) => {
      using entry = store.create("web");
      entry.write(record);
      using _held = entry.lock();
      using reader = store.get("web");
      assert.deepEqual(reader.read(), record);
      assert.deepEqual(store.ids(), ["web"]);
    });
  });

  test("refuses a container that is gone", () => {
    withStore((store) => {
      using entry = store.create("web");
      entry.remove();
      assert.throws(() => entry.lock(), { name: "BoxError", message: 'container "web": container does not exist' });
    });
  });
});

test("Entry.remove() is content with what somebody else has removed", () => {
  withStore((store) => {
    using entry = store.create("web");
    using same = store.get("web");
    entry.write(record);
    entry.remove();
    same.remove();
    assert.deepEqual(store.ids(), []);
  });
});

test("Store leaves the descriptors of the caller alone", () => {
  withStore((store) => {
    store.create("web")[Symbol.dispose]();
    for (const fd of Object.values(stdio)) fstat(fd);
    using directory = open("cwd", store.path, O_RDONLY | O_DIRECTORY);
    assert.deepEqual(list(directory), ["web"]);
  });
});
