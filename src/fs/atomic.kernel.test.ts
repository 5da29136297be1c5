import assert from "node:assert/strict";
import { test } from "node:test";
import { awaitByte, inScratch, withChild } from "../../test/kernel/scratch.ts";
import { O_CREAT, O_RDONLY, O_WRONLY } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import type { At } from "../linux/fd.ts";
import { fstat, list, mkdir, open, pipe, readAll, symlink, umask, writeAll } from "../linux/file.ts";
import { getpid } from "../linux/process.ts";
import { removeIfThere, writeAtomically } from "./atomic.ts";

function contentOf(directory: At, name: string): string {
  using file = open(directory, name, O_RDONLY);
  const bytes = readAll(file, 1 << 22);
  assert.ok(bytes !== "too long");
  return decodeUtf8(bytes);
}

function put(directory: At, name: string, content: string): void {
  using file = open(directory, name, O_WRONLY | O_CREAT, 0o644);
  writeAll(file, content);
}

test("writeAtomically() makes and replaces a file, and leaves nothing else", () => {
  inScratch((directory) => {
    for (const content of ["first", "", "second, longer"]) {
      writeAtomically(directory, "file", content, 0o600);
      assert.equal(contentOf(directory, "file"), content);
    }
    assert.deepEqual(list(directory), ["file"]);
  });
});

test("writeAtomically() gives the file its mode, less the umask", () => {
  inScratch((directory) => {
    const former = umask(0o027);
    try {
      writeAtomically(directory, "file", "x", 0o666);
    } finally {
      umask(former);
    }
    using file = open(directory, "file", O_RDONLY);
    assert.equal(fstat(file).mode & 0o7777, 0o640);
  });
});

test("writeAtomically() shows a reader the old or the new content at any moment", () => {
  const contents = ["a".repeat(200_000), "b".repeat(300_000)] as const;
  inScratch((directory) => {
    writeAtomically(directory, "file", contents[0], 0o600);
    const [start, starts] = pipe();
    const writer = (): number => {
      for (let round = 0; round < 1_000_000; round++) {
        writeAtomically(directory, "file", contents[round % 2] as string, 0o600);
        if (round === 0) writeAll(starts, ".");
      }
      return 0;
    };
    withChild(writer, () => {
      awaitByte(start);
      for (let round = 0; round < 300; round++) {
        const content = contentOf(directory, "file");
        assert.ok(content === contents[0] || content === contents[1], `${content.length} bytes`);
      }
    });
    start.close();
    starts.close();
  });
});

test("writeAtomically() replaces a link and does not follow it", () => {
  inScratch((directory) => {
    put(directory, "canary", "untouched");
    symlink("canary", directory, "file");
    symlink("canary", directory, `.file.${getpid()}~`);
    writeAtomically(directory, "file", "new", 0o600);
    assert.equal(contentOf(directory, "canary"), "untouched");
    assert.equal(contentOf(directory, "file"), "new");
    assert.deepEqual(list(directory).sort(), ["canary", "file"]);
  });
});

test("writeAtomically() leaves nothing where the file cannot be put in place", () => {
  inScratch((directory) => {
    mkdir(directory, "file", 0o700);
    assert.throws(() => writeAtomically(directory, "file", "x", 0o600), { name: "SyscallError" });
    assert.deepEqual(list(directory), ["file"]);
  });
});

test("writeAtomically() takes the longest name that a file can have", () => {
  inScratch((directory) => {
    const name = "n".repeat(255);
    writeAtomically(directory, name, "x", 0o600);
    assert.deepEqual(list(directory), [name]);
  });
});

test("removeIfThere() removes a file, twice without an error", () => {
  inScratch((directory) => {
    put(directory, "file", "x");
    removeIfThere(directory, "file");
    removeIfThere(directory, "file");
    assert.deepEqual(list(directory), []);
  });
});
