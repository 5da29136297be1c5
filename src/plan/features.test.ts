import assert from "node:assert/strict";
import { test } from "node:test";
import { namespaceTypes } from "../spec/vocabulary.ts";
import { features } from "./features.ts";

interface Document {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly seccomp: Readonly<Record<string, readonly string[]>>;
    readonly memoryPolicy: Readonly<Record<string, readonly string[]>>;
  };
  readonly annotations: Readonly<Record<string, string>>;
}

const build = { version: "1.2.3", commit: "abc", libseccomp: "2.6.0" };
const document = features(build, ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_NEWER"]) as Document;

test("features() is plain JSON", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
});

test("features() tells the versions, without which some engines refuse a runtime", () => {
  assert.deepEqual([document.ociVersionMin, document.ociVersionMax], ["1.0.0", "1.3.0"]);
});

test("features() lists what the plan takes, each once", () => {
  const { hooks, mountOptions, linux } = document;
  for (const words of [hooks, mountOptions, linux.namespaces, linux.capabilities]) {
    assert.equal(new Set(words).size, words.length);
  }
  assert.equal(hooks.length, 6);
  assert.equal(linux.capabilities.length, 41);
  for (const type of linux.namespaces) assert.ok((namespaceTypes as readonly string[]).includes(type), type);
  // containerd looks for it before it asks for recursively read-only mounts.
  assert.ok(mountOptions.includes("rro"));
});

test("features() names the build", () => {
  assert.deepEqual(document.annotations, {
    "box.version": "1.2.3",
    "box.commit": "abc",
    "io.github.seccomp.libseccomp.version": "2.6.0",
  });
});

test("features() tells the words of a filter, and which flags this kernel takes", () => {
  const { actions, operators, archs, knownFlags, supportedFlags } = document.linux.seccomp;
  assert.deepEqual([actions?.length, operators?.length, archs?.length, knownFlags?.length], [9, 7, 23, 4]);
  assert.deepEqual(supportedFlags, ["SECCOMP_FILTER_FLAG_LOG"]);
});

test("features() tells the modes and flags of a memory policy", () => {
  const { modes, flags } = document.linux.memoryPolicy;
  assert.deepEqual([modes?.length, flags?.length], [7, 3]);
  assert.ok(modes?.includes("MPOL_WEIGHTED_INTERLEAVE") && flags?.includes("MPOL_F_STATIC_NODES"));
});
