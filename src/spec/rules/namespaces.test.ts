import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, put, verdictAfter, without } from "./verdict.ts";

const one = { containerID: 0, hostID: 1000, size: 1 };

function mapped(uidMappings: object[], gidMappings: object[] = [one]): string[] {
  return verdictAfter((spec) => Object.assign(spec.linux, { uidMappings, gidMappings }));
}

test("namespacesRule() wants each type once and absolute paths", () => {
  const said = verdictAfter((spec) => {
    spec.linux.namespaces.push({ type: "pid" }, { type: "ipc", path: "/proc/1/ns/ipc" });
    spec.linux.namespaces[1].path = "proc/1/ns/net";
    spec.linux.namespaces[2].path = "";
  });
  assert.deepEqual(said, [
    'linux.namespaces[1].path: must be an absolute path, not "proc/1/ns/net"',
    'linux.namespaces[2].path: must be an absolute path, not ""',
    'linux.namespaces[8].type: must be given once, but "pid" is there twice',
    'linux.namespaces[9].type: must be given once, but "ipc" is there twice',
  ]);
});

test("mappingsRule() wants a user namespace and both kinds of mappings", () => {
  assert.deepEqual(mapped([one]), []);
  const host = (spec: Draft) => {
    without(spec, "user");
    Object.assign(spec.linux, { uidMappings: [one], gidMappings: [one] });
  };
  assert.deepEqual(verdictAfter(host), [
    'linux.uidMappings: needs a namespace of type "user" in linux.namespaces',
    'linux.gidMappings: needs a namespace of type "user" in linux.namespaces',
  ]);
  assert.deepEqual(mapped([]), ["linux.uidMappings: is required when the other id mapping is given"]);
  assert.deepEqual(mapped([one], []), ["linux.gidMappings: is required when the other id mapping is given"]);
});

test("idMapRule() refuses ranges that overlap, are endless or too many", () => {
  const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });
  assert.deepEqual(mapped([range(5, 1005, 10), range(0, 1000, 5)]), []);
  assert.deepEqual(mapped([range(0, 0, 4294967295)]), []);
  assert.deepEqual(mapped([range(0, 1, 4294967295)]), [
    "linux.uidMappings[0].hostID: must end before id 4294967295 with the size of the range",
  ]);
  assert.deepEqual(mapped([range(5, 1000, 10), range(0, 2000, 6)]), [
    "linux.uidMappings[0].containerID: must not overlap the range of linux.uidMappings[1]",
  ]);
  assert.deepEqual(mapped([range(0, 1000, 10), range(20, 1009, 1)]), [
    "linux.uidMappings[1].hostID: must not overlap the range of linux.uidMappings[0]",
  ]);
  assert.deepEqual(mapped(Array.from({ length: 340 }, (_, id) => range(id, id, 1))), []);
  assert.deepEqual(mapped(Array.from({ length: 341 }, (_, id) => range(id, id, 1))), [
    "linux.uidMappings: must have at most 340 entries, not 341",
  ]);
});

test("timeOffsetsRule() wants clocks that can have an offset", () => {
  assert.deepEqual(verdictAfter(put("linux.timeOffsets", { realtime: { secs: 1 }, "": {} })), [
    'linux.timeOffsets["realtime"]: must be for monotonic or boottime: no other clock has an offset',
    'linux.timeOffsets[""]: must be for monotonic or boottime: no other clock has an offset',
  ]);
});

test("timeOffsetsRule() wants a new time namespace", () => {
  const offset = put("linux.timeOffsets", { boottime: { secs: 1 } });
  assert.deepEqual(verdictAfter(offset), []);
  const needed = ['linux.timeOffsets: needs a new namespace of type "time" in linux.namespaces'];
  const joined = (spec: Draft) => {
    offset(spec);
    spec.linux.namespaces[7].path = "/proc/1/ns/time";
  };
  assert.deepEqual(verdictAfter(joined), needed);
  const host = (spec: Draft) => {
    without(spec, "time");
    spec.linux.timeOffsets = { monotonic: {} };
  };
  assert.deepEqual(verdictAfter(host), needed);
});

test("sysctlRule() takes parameters of the container's namespaces only", () => {
  const sysctl = (key: string, value = "1") => verdictAfter(put("linux.sysctl", { [key]: value }));
  for (const key of [
    "net.ipv4.ip_forward",
    "net/ipv4/conf/eth0.100/forwarding",
    "kernel.msgmax",
    "kernel.shm_rmid_forced",
    "fs.mqueue.msg_max",
    "kernel.domainname",
    "kernel/hostname",
    "user.max_user_namespaces",
  ]) {
    assert.deepEqual(sysctl(key), [], key);
  }
  for (const key of [
    "vm.swappiness",
    "kernel.core_pattern",
    "kernel.msgmax.x",
    "fs.file-max",
    "fs.mqueue",
    "net",
    "debug.x",
  ]) {
    assert.deepEqual(sysctl(key), [`linux.sysctl["${key}"]: belongs to the whole machine, not to a namespace`]);
  }
  for (const key of ["kernel/../vm/x", "net/../../x", "net..x", ""]) {
    assert.match(sysctl(key).join(), /^linux.sysctl\[".*"\]: must be a name such as net.core.somaxconn/, key);
  }
  assert.deepEqual(sysctl("net.core.somaxconn", "1\n2"), [
    'linux.sysctl["net.core.somaxconn"]: must be a single line, not "1\\n2"',
  ]);
});

test("sysctlRule() wants the namespace that the parameter belongs to", () => {
  const keys = { network: "net.a", ipc: "kernel.sem", uts: "kernel.hostname", user: "user.a" };
  for (const [type, key] of Object.entries(keys)) {
    const said = verdictAfter((spec) => {
      without(spec, type);
      spec.linux.sysctl = { [key]: "1" };
    });
    assert.deepEqual(said, [`linux.sysctl["${key}"]: needs a namespace of type "${type}" in linux.namespaces`]);
  }
});

test("sysctlRule() refuses what hostname and domainname say already", () => {
  const said = verdictAfter((spec) => {
    Object.assign(spec, { hostname: "a", domainname: "b" });
    spec.linux.sysctl = { "kernel.hostname": "c", "kernel.domainname": "d" };
  });
  assert.deepEqual(said, [
    'linux.sysctl["kernel.hostname"]: must not be given beside hostname "a"',
    'linux.sysctl["kernel.domainname"]: must not be given beside domainname "b"',
  ]);
});

test("sysctlRule() takes what hostname and domainname say, said again", () => {
  const said = verdictAfter((spec) => {
    Object.assign(spec, { hostname: "a", domainname: "b" });
    spec.linux.sysctl = { "kernel.hostname": "a", "kernel.domainname": "b" };
  });
  assert.deepEqual(said, []);
});

test("the rules of namespaces hold when no namespace is listed at all", () => {
  for (const linux of [undefined, {}]) {
    const said = verdictAfter((spec) => {
      spec.linux = linux;
      spec.hostname = "box";
    });
    assert.deepEqual(said, ['hostname: needs a namespace of type "uts" in linux.namespaces']);
  }
  assert.deepEqual(verdictAfter(put("linux", { timeOffsets: { boottime: {} } })), [
    'linux.timeOffsets: needs a new namespace of type "time" in linux.namespaces',
  ]);
});

test("sysctlRule() compares a name of the host with its own property only", () => {
  const said = verdictAfter((spec) => {
    spec.domainname = "a";
    spec.linux.sysctl = { "kernel.hostname": "c" };
  });
  assert.deepEqual(said, []);
});
