import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { inScratch, pathOf } from "../../test/kernel/scratch.ts";
import { BoxError } from "../base/errors.ts";
import {
  EEXIST,
  ENOENT,
  ENOTDIR,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, list, lstat, mkdir, open, symlink } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { isDirectory, Root } from "./root.ts";

/** Gives `action` a root beside a canary: a directory of the host that must stay as it is. */
function inRoot(action: (root: Root, path: string) => void): void {
  inScratch((directory, path) => {
    mkdir(directory, "root", 0o755);
    mkdir(directory, "canary", 0o755);
    {
      using root = open(directory, "root", O_PATH | O_DIRECTORY);
      action(new Root(root), `${path}/root`);
    }
    using canary = open(directory, "canary", O_RDONLY | O_DIRECTORY);
    assert.deepEqual(list(canary), [], "the canary");
    assert.deepEqual(list(directory).sort(), ["canary", "root"]);
  });
}

/** Puts directories ("a/"), files ("a") and links ("a -> b") into the root. */
function build({ fd }: Root, ...entries: readonly string[]): void {
  for (const entry of entries) {
    const [name = "", target] = entry.split(" -> ");
    if (target !== undefined) symlink(target, fd, name);
    else if (name.endsWith("/")) mkdir(fd, name.slice(0, -1), 0o755);
    else open(fd, name, O_CREAT | O_WRONLY, 0o644).close();
  }
}

/** The place of an opened descriptor below the root, "" for the root itself. */
function placeOf(opened: Fd, root: string): string {
  using fd = opened;
  const path = pathOf(fd);
  assert.ok(path === root || path.startsWith(`${root}/`), `${path} is outside ${root}`);
  return path.slice(root.length);
}

const up = "../".repeat(20);

describe("Root resolves inside itself", () => {
  const cases: [entries: string[], path: string, place: string][] = [
    [["a/"], "/a", "/a"],
    [["a/"], "a", "/a"],
    [["a/"], "/../../a", "/a"],
    [["a/", "link -> /a"], "/link", "/a"],
    [["a/", `link -> ${up}a`], "/link", "/a"],
    [["a/", "a/b/", "link -> a"], "/link/b", "/a/b"],
    [["a/", "a/link -> ../b", "b/"], "/a/link", "/b"],
    [["a/", "x -> y", "y -> z", "z -> /a"], "/x", "/a"],
    [["link -> /"], "/link/link/link", ""],
    [["link -> .."], "/link", ""],
  ];
  for (const [entries, path, place] of cases) {
    test(`${path} with ${entries.join(", ")}`, () => {
      inRoot((root, where) => {
        build(root, ...entries);
        assert.equal(placeOf(root.open(path, O_PATH), where), place);
        assert.equal(placeOf(root.directory(path), where), place);
      });
    });
  }
});

describe("Root makes what is missing inside itself", () => {
  const cases: [entries: string[], path: string, place: string][] = [
    [[], "/a/b/c", "/a/b/c"],
    [["a/"], "/a/b", "/a/b"],
    [["link -> /new"], "/link", "/new"],
    [["link -> /new"], "/link/x", "/new/x"],
    [[`link -> ${up}canary`], "/link", "/canary"],
    [[`link -> ${up}canary/x`], "/link/y", "/canary/x/y"],
    [["a/", "a/link -> new"], "/a/link", "/a/new"],
    [["a/", "a/link -> ../new"], "/a/link/x", "/new/x"],
    [["x -> y", "y -> z/w"], "/x", "/z/w"],
  ];
  for (const [entries, path, place] of cases) {
    test(`${path} with ${entries.join(", ")}`, () => {
      inRoot((root, where) => {
        build(root, ...entries);
        assert.equal(placeOf(root.directory(path), where), place);
      });
      inRoot((root, where) => {
        build(root, ...entries);
        using file = root.file(path);
        assert.equal(isDirectory(file, path), false);
        assert.equal(fstat(file).mode & 0o777, 0o644);
        assert.equal(pathOf(file).slice(where.length), place);
      });
    });
  }
});

test("Root gives what is there already, files and directories", () => {
  inRoot((root, where) => {
    build(root, "a/", "file");
    assert.equal(placeOf(root.directory("/a"), where), "/a");
    assert.equal(placeOf(root.file("/file"), where), "/file");
    using found = root.find("/file", O_PATH);
    assert.ok(found !== undefined);
  });
});

test("Root.find() gives nothing for what is not there", () => {
  inRoot((root) => {
    build(root, "file", "dangling -> nowhere");
    for (const path of ["/x", "/x/y", "/file/x", "/dangling"]) assert.equal(root.find(path, O_PATH), undefined, path);
  });
});

test("Root refuses links that go round and round", () => {
  inRoot((root) => {
    build(root, "a -> b", "b -> a", "self -> self", "deep -> deep/x");
    for (const path of ["/a", "/self", "/deep", "/a/x"]) {
      assert.throws(() => root.open(path, O_PATH), { name: "SyscallError" }, path);
      assert.throws(() => root.directory(path).close(), { name: /Error$/ }, path);
      assert.throws(() => root.file(path).close(), { name: /Error$/ }, path);
    }
  });
});

test("Root does not follow magic links of a procfs inside it", () => {
  using host = open("cwd", "/", O_PATH | O_DIRECTORY);
  const root = new Root(host);
  for (const path of ["/proc/self/root", "/proc/self/cwd", "/proc/self/fd/0", "/proc/self/exe"]) {
    assert.throws(() => root.open(path, O_PATH), { name: "SyscallError" }, path);
    assert.throws(() => root.directory(`${path}/x`), { name: /Error$/ }, path);
  }
});

describe("Root.realDirectory()", () => {
  test("gives a directory, made where it is missing", () => {
    inRoot((root, where) => {
      build(root, "proc/");
      assert.equal(placeOf(root.realDirectory("/proc"), where), "/proc");
      assert.equal(placeOf(root.realDirectory("/sys/fs"), where), "/sys/fs");
    });
  });

  test("refuses a link and a file on the way, wherever they lead", () => {
    inRoot((root) => {
      build(root, "real/", "in -> /real", `out -> ${up}canary`, "round -> round", "dangling -> /nowhere", "file");
      for (const path of ["/in", "/out", "/round", "/dangling", "/file", "/in/x", "/file/x"]) {
        const message = `${JSON.stringify(path)} in the root file system must be a directory and no link`;
        assert.throws(() => root.realDirectory(path), { name: "BoxError", message }, path);
      }
    });
  });
});

// Trees of few names, so that links meet; their targets know every way out.
const name = fc.constantFrom("a", "b", "c");
const way = fc
  .array(fc.constantFrom("a", "b", "c", "..", ".", "canary"), { minLength: 1, maxLength: 5 })
  .chain((parts) => fc.constantFrom(parts.join("/"), `/${parts.join("/")}`));
const step = fc.oneof(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `${parts.join("/")}/`),
  fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), way).map(([parts, to]) => `${parts.join("/")} -> ${to}`),
  fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
);

/** As build, for a tree in which any step may be impossible; links on the way are not followed out of the root. */
function tryBuild(root: Root, steps: readonly string[]): void {
  for (const entry of steps) {
    const [path = ""] = entry.split(" -> ");
    const parts = path.replace(/\/$/, "").split("/");
    let isPlain = true;
    for (let count = 1; count < parts.length && isPlain; count++) {
      try {
        open(root.fd, parts.slice(0, count).join("/"), O_PATH | O_DIRECTORY | O_NOFOLLOW).close();
      } catch {
        isPlain = false;
      }
    }
    if (!isPlain) continue;
    try {
      lstat(root.fd, parts.join("/"));
    } catch (thrown) {
      if (isErrno(thrown, ENOENT)) build(root, entry);
      else if (!isErrno(thrown, EEXIST, ENOTDIR)) throw thrown;
    }
  }
}

test("Root never leaves itself, whatever the tree", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), way, (steps, path) => {
      inRoot((root, where) => {
        tryBuild(root, steps);
        const ways = [
          () => root.find(path, O_PATH),
          () => root.directory(path),
          () => root.file(path),
          () => root.realDirectory(path),
        ];
        for (const opening of ways) {
          try {
            const opened = opening();
            if (opened !== undefined) placeOf(opened, where);
          } catch (thrown) {
            if (!(thrown instanceof BoxError)) throw thrown;
          }
        }
      });
    }),
    { numRuns: 300 },
  );
});
