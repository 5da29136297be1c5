import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { hanging } from "../../test/kernel/hanging.ts";
import { signal, withChild, withoutLeaks } from "../../test/kernel/scratch.ts";
import { EXDEV, MS_PRIVATE, MS_REC, O_CREAT, O_DIRECTORY, O_PATH, O_WRONLY, SIGKILL } from "../linux/constants.ts";
import { geteuid } from "../linux/cred.ts";
import { open } from "../linux/file.ts";
import { mountAt, setPathPropagation } from "../linux/mount.ts";
import { unshare } from "../linux/namespace.ts";
import { clone3, execPath, exit, getpid, prepareExecution, waitPidfd } from "../linux/process.ts";
import { isErrno } from "../linux/raw.ts";
import { waitReadable } from "../linux/socket.ts";
import { Proc, type ProcessStat, parseStat } from "./proc.ts";

/** proc_pid_stat(5): the fields from the state (3) to the start time (22) and one more. */
function line(name: string, state: string, startTime: string): string {
  const between = Array.from({ length: 18 }, (_, index) => index).join(" ");
  return `4711 (${name}) ${state} ${between} ${startTime} 0`;
}

describe("parseStat()", () => {
  test("reads state and start time behind any name", () => {
    const names = ["sh", "", "a b", ")", "(", ") Z 1 2 3", "a) R (b", "((", "))", "x\ny) S", "\n", "é"];
    for (const name of names) {
      const { state, startTime } = parseStat(line(name, "S", "123")) ?? {};
      assert.deepEqual([state, startTime], ["S", "123"], JSON.stringify(name));
    }
  });

  test("tells a process that is on its way out by its flags", () => {
    for (const [flags, exiting] of [
      ["4194304", false],
      ["4194308", true],
    ] as const) {
      const text = line("sh", "S", "1").replace(" S 0 1 2 3 4 5 ", ` S 0 1 2 3 4 ${flags} `);
      assert.equal(parseStat(text)?.exiting, exiting, text);
    }
  });

  test("keeps every digit of the start time", () => {
    assert.equal(parseStat(line("sh", "R", "18446744073709551615"))?.startTime, "18446744073709551615");
  });

  test("gives nothing for a text that is too short", () => {
    for (const text of ["", "4711", "4711 (sh)", "4711 (sh) S", "4711 (sh) S 1 2 3"]) {
      assert.equal(parseStat(text), undefined, text);
    }
  });

  test("is not led astray, whatever a process calls itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom("R", "S", "Z", "X"), (name, state) => {
        const stat = parseStat(line(name, state, "42"));
        assert.deepEqual([stat?.state, stat?.startTime], [state, "42"]);
      }),
    );
  });
});

/** A child of ours that has ended by `action`, as long as nobody has reaped it. */
function statOfEnded(action: () => void): ProcessStat | undefined {
  const child = clone3(0);
  if (child === "child") {
    action();
    exit(1);
  }
  using pidfd = child.pidfd;
  waitReadable(pidfd);
  const proc = Proc.host();
  const stat = parseStat(proc.read(`${child.pid}/stat`));
  waitPidfd(pidfd, true);
  return stat;
}

describe("parseStat() of a process that has ended tells", () => {
  test("whether it had executed a program", () => {
    const program = prepareExecution(["true"], []);
    assert.equal(statOfEnded(() => execPath("/bin/true", program))?.executed, true);
    assert.equal(statOfEnded(() => exit(0))?.executed, false);
  });

  test("the signal that has ended it", () => {
    assert.equal(statOfEnded(() => signal(getpid(), SIGKILL))?.waitStatus, SIGKILL);
    assert.equal(statOfEnded(() => exit(9))?.waitStatus, 9 << 8);
  });
});

describe("Proc", () => {
  test("reads files of procfs", () => {
    withoutLeaks(() => {
      const proc = Proc.host();
      assert.ok(proc.read("self/stat").startsWith(`${getpid()} (`));
      assert.match(proc.read("sys/kernel/random/boot_id"), /^[0-9a-f-]{36}\n$/);
    });
  });

  test("refuses a directory that is no procfs", () => {
    assert.throws(() => new Proc(open("cwd", "/tmp", O_PATH | O_DIRECTORY)), { message: "/proc is not procfs" });
  });

  test("does not leave procfs by `..`, by an absolute path or by a magic link", () => {
    const proc = Proc.host();
    for (const path of [
      "../etc/passwd",
      "/etc/passwd",
      "self/root/etc/passwd",
      "self/cwd/Makefile",
      "self/exe",
      "self/fd/0",
    ]) {
      assert.throws(() => proc.read(path), { name: "SyscallError" }, path);
    }
  });

  test("does not read what is mounted over a part of procfs", { skip: geteuid() === 0 ? false : "not root" }, () => {
    const status = { refused: 1, read: 2 } as const;
    const behindDecoy = (): number => {
      unshare(["mnt"]);
      setPathPropagation("/", MS_PRIVATE + MS_REC);
      mountAt("decoy", "/proc/sys", "tmpfs", 0, "");
      open("cwd", "/proc/sys/kernel", O_WRONLY | O_CREAT, 0o644).close();
      try {
        const proc = Proc.host();
        proc.read("sys/kernel");
        return status.read;
      } catch (thrown) {
        return isErrno(thrown, EXDEV) ? status.refused : 3;
      }
    };
    withChild(behindDecoy, ({ pidfd }) => {
      assert.ok(waitReadable(pidfd, hanging));
      assert.deepEqual(waitPidfd(pidfd, true), { code: status.refused });
    });
  });
});
