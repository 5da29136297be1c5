import assert from "node:assert/strict";
import { test } from "node:test";
import { sysctlComponents } from "./sysctl-key.ts";

test("sysctlComponents() lets the first separator decide", () => {
  assert.deepEqual(sysctlComponents("net.ipv4.ip_forward"), ["net", "ipv4", "ip_forward"]);
  assert.deepEqual(sysctlComponents("net/ipv4/ip_forward"), ["net", "ipv4", "ip_forward"]);
  assert.deepEqual(sysctlComponents("net.ipv4.conf.eth0/100.forwarding"), [
    "net",
    "ipv4",
    "conf",
    "eth0.100",
    "forwarding",
  ]);
  assert.deepEqual(sysctlComponents("net/ipv4/conf/eth0.100/forwarding"), [
    "net",
    "ipv4",
    "conf",
    "eth0.100",
    "forwarding",
  ]);
  assert.deepEqual(sysctlComponents("plain"), ["plain"]);
});

test("sysctlComponents() refuses a key that leaves its place", () => {
  for (const key of [
    "",
    ".",
    "/",
    "net..x",
    "net.",
    ".net",
    "/net/x",
    "net//x",
    "kernel/../vm/x",
    "net/../../x",
    "net.//.x",
    "net./.x",
  ]) {
    assert.equal(sysctlComponents(key), undefined, key);
  }
});
