import assert from "node:assert/strict";
import { test } from "node:test";
import { syscall } from "host";
import * as NR from "#nr";
import { hanging } from "../../test/kernel/hanging.ts";
import { inScratch, withChild } from "../../test/kernel/scratch.ts";
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_WRONLY, RENAME_EXCHANGE, S_IFIFO } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { mkdir, mknod, open, readAll, writeAll } from "../linux/file.ts";
import { waitPidfd } from "../linux/process.ts";
import { interpose } from "../linux/raw.ts";
import { waitReadable } from "../linux/socket.ts";
import { copyTree } from "./copy.ts";

/** Exchanges two names, once, as soon as this process has asked what a file is. */
function exchangeOnceLooked(directory: Fd, one: string, other: string): void {
  interpose({
    perform: (name, number, a, b, c, d, e, f) => {
      const result = syscall(name, number, a, b, c, d, e, f);
      if (name === "statx") {
        interpose(undefined);
        syscall("renameat2", NR.renameat2, directory.number, one, directory.number, other, RENAME_EXCHANGE);
      }
      return result;
    },
    fd: undefined,
    end: () => undefined,
  });
}

test("copyTree() does not wait for a FIFO that stands where a file was", () => {
  inScratch((directory) => {
    mkdir(directory, "from", 0o700);
    mkdir(directory, "to", 0o700);
    mknod(directory, "fifo", S_IFIFO, 0o600, 0, 0);
    {
      using file = open(directory, "from/file", O_WRONLY | O_CREAT, 0o600);
      writeAll(file, "content");
    }
    const copy = (): number => {
      const [from, to] = ["from", "to"].map((name) => open(directory, name, O_RDONLY | O_DIRECTORY));
      exchangeOnceLooked(directory, "from/file", "fifo");
      copyTree(from as Fd, to as Fd);
      return 0;
    };
    withChild(copy, ({ pidfd }) => {
      assert.ok(waitReadable(pidfd, hanging));
      assert.deepEqual(waitPidfd(pidfd, true), { code: 0 });
    });
    using copied = open(directory, "to/file", O_RDONLY);
    assert.equal(decodeUtf8(readAll(copied, 100) as Uint8Array), "content");
    // It was exchanged indeed.
    using file = open(directory, "fifo", O_RDONLY);
    assert.equal(decodeUtf8(readAll(file, 100) as Uint8Array), "content");
  });
});
