import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter, without } from "./verdict.ts";

test("devicesRule() wants absolute paths, and numbers of all but a FIFO", () => {
  const devices = [
    { type: "c", path: "/dev/a", major: 1, minor: 0 },
    { type: "p", path: "/dev/b" },
    { type: "b", path: "c", major: 1 },
    { type: "u", path: "/dev/d" },
  ];
  assert.deepEqual(verdictAfter(put("linux.devices", devices)), [
    'linux.devices[2].path: must be an absolute path, not "c"',
    'linux.devices[2].minor: is required for a device of type "b"',
    'linux.devices[3].major: is required for a device of type "u"',
    'linux.devices[3].minor: is required for a device of type "u"',
  ]);
});

const net = (netDevices: object) => verdictAfter(put("linux.netDevices", netDevices));
const allowed = 'must be a device name of 1 to 15 bytes without "/", ":", "%" and spaces, not';

test("netDevicesRule() wants names that the kernel takes", () => {
  assert.deepEqual(net({ eth0: {}, eth1: { name: "net%d" }, eth2: { name: "net%d" }, abcdefghijklmno: {} }), []);
  for (const name of ["", ".", "..", "a/b", "a:b", "a b", "a\n", "abcdefghijklmnop", "%s", "a%d%d", "é".repeat(8)]) {
    assert.deepEqual(net({ eth0: { name } }), [`linux.netDevices["eth0"].name: ${allowed} ${JSON.stringify(name)}`]);
  }
  assert.deepEqual(net({ "eth%d": {} }), [`linux.netDevices["eth%d"]: ${allowed} "eth%d"`]);
});

test("netDevicesRule() wants a network namespace and different names", () => {
  assert.deepEqual(net({ eth0: { name: "eth1" }, eth1: {} }), [
    'linux.netDevices["eth1"].name: must be given once, but "eth1" is there twice',
  ]);
  const host = verdictAfter((spec) => {
    without(spec, "network");
    spec.linux.netDevices = { eth0: {} };
  });
  assert.deepEqual(host, ['linux.netDevices: needs a namespace of type "network" in linux.namespaces']);
});
