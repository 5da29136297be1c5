import assert from "node:assert/strict";
import { test } from "node:test";
import { inScratch } from "../../test/kernel/scratch.ts";
import { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } from "../linux/constants.ts";
import { hold } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { chmod, chown, list, mkdir, open, readAll, rename, symlink, unlink, writeAll } from "../linux/file.ts";
import { findFilter, keepFilter } from "./cache.ts";
import * as compile from "./compile.ts";
import { type Filter, obtainFilter } from "./obtain.ts";
import type { FilterProfile } from "./ops.ts";

// Loaded by its name where a filter is not kept yet.
hold({ "seccomp/compile": compile });

const profileOf = (errnoRet: number): FilterProfile => ({
  defaultAction: "SCMP_ACT_ALLOW",
  defaultErrnoRet: undefined,
  architectures: [],
  syscalls: [{ names: ["mkdir", "no_such_call"], action: "SCMP_ACT_ERRNO", errnoRet }],
});
const profile = profileOf(1);
const filter: Filter = { program: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]), unknown: ["ä"], unenforced: ["b", "c"] };

/** The names in a directory; opened anew, as a descriptor remembers how far it was read. */
function namesIn(directory: Fd): string[] {
  using again = open(directory, ".", O_RDONLY);
  return list(again);
}

function entryIn(directory: Fd): { readonly name: string; readonly bytes: Uint8Array } {
  const names = namesIn(directory);
  assert.equal(names.length, 1, names.join());
  const name = names[0] as string;
  using file = open(directory, name, O_RDONLY);
  return { name, bytes: readAll(file, 1 << 20) as Uint8Array };
}

function overwrite(directory: Fd, name: string, bytes: Uint8Array): void {
  using file = open(directory, name, O_RDWR | O_TRUNC | O_CREAT, 0o600);
  writeAll(file, bytes);
}

test("findFilter() gives back what keepFilter() kept, for the same profile only", () => {
  inScratch((directory) => {
    assert.equal(findFilter(directory, profile), undefined);
    assert.deepEqual(keepFilter(directory, profile, filter), filter);
    assert.deepEqual(findFilter(directory, profile), filter);
    for (const other of [profileOf(2), { ...profile, defaultErrnoRet: 1 }, { ...profile, syscalls: [] }])
      assert.equal(findFilter(directory, other), undefined);
  });
});

test("findFilter() tells 64-bit values apart", () => {
  const withValue = (value: bigint | number): FilterProfile => ({
    ...profile,
    syscalls: [{ names: ["read"], action: "SCMP_ACT_TRAP", args: [{ index: 0, op: "SCMP_CMP_EQ", value }] }],
  });
  inScratch((directory) => {
    keepFilter(directory, withValue(2n ** 64n - 1n), filter);
    assert.deepEqual(findFilter(directory, withValue(2n ** 64n - 1n)), filter);
    assert.equal(findFilter(directory, withValue(2n ** 64n - 2n)), undefined);
  });
});

test("findFilter() does not believe an entry with any byte changed, cut or added", () => {
  inScratch((directory) => {
    keepFilter(directory, profile, filter);
    const { name, bytes } = entryIn(directory);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      overwrite(directory, name, changed);
      assert.equal(findFilter(directory, profile), undefined, `byte ${at}`);
    }
    for (const length of [0, 1, 32, 67, 68, bytes.length - 1]) {
      overwrite(directory, name, bytes.slice(0, length));
      assert.equal(findFilter(directory, profile), undefined, `${length} bytes`);
    }
    overwrite(directory, name, new Uint8Array([...bytes, 0]));
    assert.equal(findFilter(directory, profile), undefined, "one more");
    overwrite(directory, name, bytes);
    assert.deepEqual(findFilter(directory, profile), filter);
  });
});

test("findFilter() does not take another profile's entry under its own name", () => {
  inScratch((directory) => {
    keepFilter(directory, profile, filter);
    const { name } = entryIn(directory);
    unlink(directory, name);
    keepFilter(directory, profileOf(2), filter);
    rename(directory, entryIn(directory).name, name);
    assert.equal(findFilter(directory, profile), undefined);
  });
});

test("findFilter() takes only a file of ours that nobody else may write to", () => {
  inScratch((directory) => {
    keepFilter(directory, profile, filter);
    const { name } = entryIn(directory);
    for (const mode of [0o620, 0o602]) {
      chmod(directory, name, mode);
      assert.equal(findFilter(directory, profile), undefined, mode.toString(8));
    }
    chmod(directory, name, 0o600);
    {
      using file = open(directory, name, O_RDONLY);
      chown(file, 4711, 0);
      assert.equal(findFilter(directory, profile), undefined, "another user's");
      chown(file, 0, 0);
    }
    assert.deepEqual(findFilter(directory, profile), filter);
    rename(directory, name, "elsewhere");
    symlink("elsewhere", directory, name);
    assert.equal(findFilter(directory, profile), undefined, "a link");
    unlink(directory, name);
    mkdir(directory, name, 0o700);
    assert.equal(findFilter(directory, profile), undefined, "a directory");
  });
});

test("keepFilter() replaces what cannot be believed, and fails in silence where it cannot write", () => {
  inScratch((directory) => {
    keepFilter(directory, profile, filter);
    const { name } = entryIn(directory);
    overwrite(directory, name, new Uint8Array(5));
    assert.deepEqual(obtainFilter(profile, () => open(directory, ".", O_RDONLY)).unknown, ["no_such_call"]);
    assert.deepEqual(findFilter(directory, profile)?.unknown, ["no_such_call"]);
    unlink(directory, name);
    mkdir(directory, name, 0o700);
    assert.deepEqual(obtainFilter(profile, () => open(directory, ".", O_RDONLY)).unknown, ["no_such_call"]);
  });
});

test("keepFilter() starts anew when there are too many", () => {
  inScratch((directory) => {
    for (let errno = 0; errno < 200; errno++) {
      using again = open(directory, ".", O_RDONLY);
      keepFilter(again, profileOf(errno), filter);
    }
    assert.ok(namesIn(directory).length <= 64);
    assert.deepEqual(findFilter(directory, profileOf(199)), filter);
  });
});

test("obtainFilter() compiles once, and does without a directory", () => {
  inScratch((directory) => {
    const cache = (): Fd => open(directory, ".", O_RDONLY);
    const compiled = obtainFilter(profile, cache);
    assert.deepEqual(findFilter(directory, profile), compiled);
    keepFilter(directory, profile, filter);
    assert.deepEqual(obtainFilter(profile, cache), filter, "the kept one");
    assert.deepEqual(
      obtainFilter(profile, () => undefined),
      compiled,
    );
  });
});
