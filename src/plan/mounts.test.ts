import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMounts, decodeSpec } from "../spec/decode.ts";
import { type MountsFacts, planAddedMounts, planRemovedMounts } from "./mounts.ts";

const facts: MountsFacts = {
  bundle: "/bundles/web",
  capabilities: 2n ** 41n - 1n,
  joins: ["mnt", "pid"],
  hasSelinux: () => false,
  warn: () => assert.fail("there is nothing to warn of"),
};

const config = (namespaces: readonly object[]) =>
  decodeSpec(JSON.stringify({ ociVersion: "1.2.0", root: { path: "rootfs" }, linux: { namespaces } }));
const own = config([{ type: "mount" }]);
const mounts = (list: readonly object[]) => decodeMounts(JSON.stringify(list), own);

test("planAddedMounts() lets the caller open every bind, relative ones from the bundle", () => {
  const { change, joins, userFirst } = planAddedMounts(
    mounts([
      { destination: "/a", source: "data", options: ["bind"] },
      { destination: "b/", type: "tmpfs", source: "tmpfs" },
    ]),
    own,
    facts,
  );
  assert.ok("add" in change);
  const [bind, tmpfs] = change.add.mounts;
  assert.ok(bind?.kind === "bind" && bind.byCaller && bind.source === "/bundles/web/data");
  assert.ok(tmpfs?.kind === "filesystem" && !tmpfs.byCaller && tmpfs.destination === "/b");
  assert.deepEqual([joins, userFirst], [facts.joins, false]);
});

test("planAddedMounts() enters the user namespace first where the caller has no privilege", () => {
  const without = { ...facts, capabilities: 0n, joins: ["user", "mnt"] as const };
  assert.equal(planAddedMounts(mounts([]), own, without).userFirst, true);
});

test("planRemovedMounts() takes the destinations", () => {
  assert.deepEqual(
    planRemovedMounts(mounts([{ destination: "/a" }, { destination: "/b", type: "tmpfs" }]), own, facts).change,
    {
      remove: ["/a", "/b"],
    },
  );
});

test("both refuse a container without a mount namespace of its own, and the root", () => {
  for (const other of [config([]), config([{ type: "mount", path: "/proc/1/ns/mnt" }])]) {
    const expected = { message: /^the container has no mount namespace of its own/ };
    assert.throws(() => planAddedMounts(mounts([]), other, facts), expected);
    assert.throws(() => planRemovedMounts(mounts([]), other, facts), expected);
  }
  const root = mounts([{ destination: "/./", type: "tmpfs" }]);
  const expected = { message: "[0].destination: must not be the root" };
  assert.throws(() => planAddedMounts(root, own, facts), expected);
  assert.throws(() => planRemovedMounts(root, own, facts), expected);
});
