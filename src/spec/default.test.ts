import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSpec } from "./decode.ts";
import { defaultSpec } from "./default.ts";

const quiet = (message: string) => assert.equal(message, "no warning");

test("defaultSpec() is valid and without warnings, with and without privilege", () => {
  for (const spec of [defaultSpec(), defaultSpec({ uid: 1000, gid: 100 })]) {
    assert.deepEqual(decodeSpec(JSON.stringify(spec), quiet), spec);
  }
});

test("defaultSpec() gives every namespace but user and time, and denies all devices", () => {
  const { linux, process, hostname } = defaultSpec();
  const types = linux?.namespaces?.map(({ type }) => type).sort();
  assert.deepEqual(types, ["cgroup", "ipc", "mount", "network", "pid", "uts"]);
  assert.deepEqual(linux?.resources, { devices: [{ allow: false, access: "rwm" }] });
  assert.equal(process?.terminal, true);
  assert.equal(process?.noNewPrivileges, true);
  assert.equal(process?.capabilities?.inheritable, undefined);
  assert.equal(process?.capabilities?.ambient, undefined);
  assert.equal(hostname, "box");
});

test("defaultSpec() hides and protects what has let containers out", () => {
  const { linux } = defaultSpec();
  for (const path of ["/proc/kcore", "/proc/keys", "/proc/scsi", "/proc/acpi", "/sys/firmware"]) {
    assert.ok(linux?.maskedPaths?.includes(path), path);
  }
  for (const path of ["/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/irq", "/proc/fs"]) {
    assert.ok(linux?.readonlyPaths?.includes(path), path);
  }
});

test("defaultSpec() for a caller with subordinate ids maps them after the own one, and has the tty group", () => {
  const uids = [
    { first: 100_000, size: 65_536 },
    { first: 300_000, size: 10 },
  ];
  const { linux, mounts } = defaultSpec({ uid: 1000, gid: 100, uids, gids: uids.slice(1) });
  assert.deepEqual(linux?.uidMappings, [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
    { containerID: 65_537, hostID: 300_000, size: 10 },
  ]);
  assert.deepEqual(linux?.gidMappings?.at(-1), { containerID: 1, hostID: 300_000, size: 10 });
  assert.ok(mounts?.find(({ type }) => type === "devpts")?.options?.includes("gid=5"));
});

test("defaultSpec() for a caller maps his ids and asks for nothing that needs privilege", () => {
  const { linux, mounts } = defaultSpec({ uid: 1000, gid: 100 });
  assert.deepEqual(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.deepEqual(linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  assert.equal(linux?.resources, undefined);
  const types = linux?.namespaces?.map(({ type }) => type);
  assert.ok(types?.includes("user"));
  assert.ok(!types?.includes("network"));
  assert.ok(!mounts?.some(({ type }) => type === "sysfs"));
  assert.ok(!mounts?.some(({ options }) => options?.includes("gid=5")));
  assert.ok(mounts?.find(({ destination }) => destination === "/sys")?.options?.includes("rbind"));
});
