import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, put, verdictAfter, without } from "./verdict.ts";

test("the rules say nothing when the configuration is right", () => {
  assert.deepEqual(
    verdictAfter(() => {}),
    [],
  );
});

test("versionRule() takes 1.0.0 to 1.3.x", () => {
  for (const version of [
    "1.0.0",
    "1.0.2-dev",
    "1.2.1",
    "1.3.0",
    "1.3.99",
    "1.3.0-rc.1+build.5",
    "1.0.0-0.0+0.0",
    `1.0.0-${"x".repeat(58)}`,
    "1.0.999999999",
  ]) {
    assert.deepEqual(verdictAfter(put("ociVersion", version)), [], version);
  }
  for (const version of ["0.9.0", "2.0.0", "1.4.0", "1.4.0-rc.1", "1.10.0", "10.3.0"]) {
    const said = verdictAfter(put("ociVersion", version));
    assert.deepEqual(said, [`ociVersion: must be from 1.0.0 to 1.3.x, not "${version}"`]);
  }
  for (const version of [
    "",
    "1",
    "1.0",
    "v1.0.0",
    "1.0.0.0",
    "01.0.0",
    "1.0.0-",
    "1.0.0+",
    "1.0.0 ",
    "1.3.0\n",
    "1.0.x",
  ]) {
    const [said = ""] = verdictAfter(put("ociVersion", version));
    assert.match(said, /^ociVersion: must be a version such as 1.3.0, not "/, version);
  }
});

test("utsNamesRule() wants a uts namespace and at most 64 bytes", () => {
  const named = (name: string) => (spec: Draft) => Object.assign(spec, { hostname: name, domainname: name });
  assert.deepEqual(verdictAfter(named("é".repeat(32))), []);
  assert.deepEqual(verdictAfter(named("é".repeat(33))), [
    "hostname: must be at most 64 bytes long, not 66",
    "domainname: must be at most 64 bytes long, not 66",
  ]);
  const hostUts = (spec: Draft) => {
    named("box")(spec);
    without(spec, "uts");
  };
  assert.deepEqual(verdictAfter(hostUts), [
    'hostname: needs a namespace of type "uts" in linux.namespaces',
    'domainname: needs a namespace of type "uts" in linux.namespaces',
  ]);
  assert.deepEqual(
    verdictAfter((spec) => {
      named("box")(spec);
      spec.linux.namespaces[3].path = "/proc/1/ns/uts";
    }),
    [],
  );
});

test("annotationsRule() refuses an empty key", () => {
  assert.deepEqual(verdictAfter(put("annotations", { "": "x" })), ["annotations: must not have an empty key"]);
  assert.deepEqual(verdictAfter(put("annotations", { "org.x": "" })), []);
});

test("annotationsRule() warns of what is crun's business alone", () => {
  const said = (key: string, value: string) => verdictAfter(put("annotations", { [key]: value }));
  for (const [key, value] of [
    ["run.oci.keep_original_groups", "1"],
    ["run.oci.systemd.subgroup", ""],
    ["run.oci.crun.commit", "x"],
    ["run.oci", "x"],
  ] as const)
    assert.deepEqual(said(key, value), [], key);
  for (const key of ["run.oci.systemd.subgroup", "run.oci.hooks.stderr", "run.oci.constructor"])
    assert.deepEqual(said(key, "x"), [
      `warning: annotations["${key}"]: has no effect: box does not do what crun does for it`,
    ]);
});

test("rootRule() refuses an empty and an endless path", () => {
  assert.deepEqual(verdictAfter(put("root.path", "")), ["root.path: must not be empty"]);
  assert.deepEqual(verdictAfter(put("root.path", "x".repeat(4095))), []);
  assert.deepEqual(verdictAfter(put("root.path", "x".repeat(4096))), [
    "root.path: must be at most 4095 bytes long, not 4096",
  ]);
  assert.deepEqual(verdictAfter(put("root.path", "漢".repeat(1366))), [
    "root.path: must be at most 4095 bytes long, not 4098",
  ]);
  assert.deepEqual(verdictAfter(put("root.path", "\u{1F600}".repeat(1024))), [
    "root.path: must be at most 4095 bytes long, not 4096",
  ]);
});

test("hiddenPathsRule() wants absolute paths", () => {
  const hide = (spec: Draft) => Object.assign(spec.linux, { maskedPaths: ["/a", "b"], readonlyPaths: [""] });
  assert.deepEqual(verdictAfter(hide), [
    'linux.maskedPaths[1]: must be an absolute path, not "b"',
    'linux.readonlyPaths[0]: must be an absolute path, not ""',
  ]);
});

test("cgroupsPathRule() keeps the path below the cgroup mount", () => {
  for (const path of ["", "/a/b", "a/..b", "system.slice:box:web", "/a...b"]) {
    assert.deepEqual(verdictAfter(put("linux.cgroupsPath", path)), [], path);
  }
  for (const path of ["..", "/a/../b", "a/..", "system.slice:..:x"]) {
    const said = verdictAfter(put("linux.cgroupsPath", path));
    assert.deepEqual(said, [`linux.cgroupsPath: must not contain "..", as in "${path}"`]);
  }
  assert.deepEqual(verdictAfter(put("linux.cgroupsPath", "/a\nb")), [
    'linux.cgroupsPath: must be a single line, not "/a\\nb"',
  ]);
});

test("cgroupsPathRule() refuses an endless path", () => {
  assert.deepEqual(verdictAfter(put("linux.cgroupsPath", "x".repeat(4096))), [
    "linux.cgroupsPath: must be at most 4095 bytes long, not 4096",
  ]);
});

test("personalityRule() warns of flags", () => {
  assert.deepEqual(verdictAfter(put("linux.personality", { domain: "LINUX", flags: ["X"] })), [
    'warning: linux.personality.flags[0]: unknown flag "X"',
  ]);
});

test("hooksRule() wants absolute paths of every kind of hook", () => {
  const kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
  for (const kind of kinds) {
    const hook = (path: string) => put("hooks", { [kind]: [{ path: "/bin/true" }, { path }] });
    assert.deepEqual(verdictAfter(hook("/bin/x")), []);
    assert.deepEqual(verdictAfter(hook("x")), [`hooks.${kind}[1].path: must be an absolute path, not "x"`]);
  }
});
