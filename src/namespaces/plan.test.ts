import assert from "node:assert/strict";
import { test } from "node:test";
import type { Linux, Namespace, Spec } from "../spec/types.ts";
import type { NamespaceOps } from "./ops.ts";
import { planNamespaces, supportedNamespaces } from "./plan.ts";

const one = [{ containerID: 0, hostID: 1000, size: 1 }];

/** With the maps that a new user namespace needs. */
function plan(linux: Linux, change: Partial<Spec> = {}, mayMapIds = true): NamespaceOps {
  return planNamespaces({ ociVersion: "1.3.0", root: { path: "r" }, linux: mapped(linux), ...change }, () => mayMapIds);
}

function mapped(linux: Linux): Linux {
  const isNewUser = linux.namespaces?.some(({ type, path }) => type === "user" && path === undefined) === true;
  return isNewUser ? { uidMappings: one, gidMappings: one, ...linux } : linux;
}

const mount: Namespace = { type: "mount" };

test("planNamespaces() makes what has no path and joins what has one", () => {
  const ops = plan({ namespaces: [{ type: "pid" }, mount, { type: "network", path: "/run/netns/a" }] });
  assert.deepEqual(ops.create, ["pid", "mnt"]);
  assert.deepEqual(ops.join, [{ kind: "net", path: "/run/netns/a" }]);
  assert.deepEqual([ops.uidMap, ops.gidMap, ops.hostname, ops.domainname], [[], [], undefined, undefined]);
});

test("planNamespaces() knows every supported type by the kernel's name", () => {
  const kernelNames: Readonly<Record<string, string>> = { mount: "mnt", network: "net" };
  for (const type of supportedNamespaces) {
    const kind = kernelNames[type] ?? type;
    const namespaces = type === "mount" ? [mount] : [mount, { type }];
    assert.deepEqual(plan({ namespaces }).create, type === "mount" ? ["mnt"] : ["mnt", kind]);
    // A joined mount namespace is entered when all else is done.
    if (type === "mount") continue;
    assert.deepEqual(plan({ namespaces: [mount, { type, path: "/ns/a" }] }).join, [{ kind, path: "/ns/a" }]);
  }
});

test("planNamespaces() joins a user namespace first, whatever the order of the configuration", () => {
  const types = ["uts", "cgroup", "network", "ipc", "pid", "user"] as const;
  const paths = types.map((type) => ({ type, path: `/ns/${type}` }));
  const kinds = (namespaces: Namespace[]) => plan({ namespaces }).join.map(({ kind }) => kind);
  const order = ["user", "pid", "ipc", "net", "uts", "cgroup"];
  assert.deepEqual(kinds([...paths, mount]), order);
  assert.deepEqual(kinds([mount, ...paths.reverse()]), order);
});

test("planNamespaces() hands on names and id maps", () => {
  const uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
  const gidMappings = [
    { containerID: 0, hostID: 100, size: 1 },
    { containerID: 1, hostID: 100000, size: 65536 },
  ];
  const ops = plan(
    { namespaces: [mount, { type: "user" }], uidMappings, gidMappings },
    { hostname: "web", domainname: "example.org" },
  );
  assert.deepEqual(ops.uidMap, [{ containerId: 0, hostId: 1000, size: 1 }]);
  assert.deepEqual(ops.gidMap, [
    { containerId: 0, hostId: 100, size: 1 },
    { containerId: 1, hostId: 100000, size: 65536 },
  ]);
  assert.equal(ops.hostname, "web");
  assert.equal(ops.domainname, "example.org");
});

test("planNamespaces() refuses a new user namespace without maps of users or groups", () => {
  const namespaces: Namespace[] = [mount, { type: "user" }];
  const spec = (linux: Linux): Spec => ({ ociVersion: "1.3.0", root: { path: "r" }, linux });
  const message = (name: string) => `linux.${name}: required with a new namespace of type "user"`;
  assert.throws(() => planNamespaces(spec({ namespaces }), () => true), { message: message("uidMappings") });
  assert.throws(() => planNamespaces(spec({ namespaces, uidMappings: one }), () => true), {
    message: message("gidMappings"),
  });
});

test("planNamespaces() gives up setgroups only for an ordinary user's new user namespace", () => {
  const user: Namespace = { type: "user" };
  const joined: Namespace = { type: "user", path: "/ns/user" };
  const cases: [Namespace[], boolean, boolean][] = [
    [[mount, user], false, true],
    [[mount, user], true, false],
    [[mount], false, false],
    [[mount, joined], false, false],
  ];
  for (const [namespaces, mayMapIds, denied] of cases)
    assert.equal(plan({ namespaces }, {}, mayMapIds).denySetgroups, denied);
});

test("planNamespaces() keeps every bit of a clock's offset, and none where none is given", () => {
  const offsets = (timeOffsets: NonNullable<Linux["timeOffsets"]>) =>
    plan({ namespaces: [mount, { type: "time" }], timeOffsets }).timeOffsets;
  assert.deepEqual(offsets({}), []);
  assert.deepEqual(offsets({ boottime: { secs: -5 } }), [["boottime", "-5", 0]]);
  assert.deepEqual(offsets({ boottime: { nanosecs: 7 }, monotonic: { secs: 2n ** 62n + 1n, nanosecs: 999_999_999 } }), [
    ["monotonic", "4611686018427387905", 999_999_999],
    ["boottime", "0", 7],
  ]);
});

test("planNamespaces() knows whose the mounts are", () => {
  const joined: Namespace = { type: "mount", path: "/ns/mnt" };
  const caller = { path: "/proc/self/ns/mnt", joined: false };
  assert.equal(plan({ namespaces: [mount] }).foreignMounts, undefined);
  for (const linux of [{}, { namespaces: [] }, { namespaces: [{ type: "pid" as const }] }])
    assert.deepEqual(plan(linux).foreignMounts, caller);
  assert.deepEqual(planNamespaces({ ociVersion: "1.3.0", root: { path: "r" } }, () => true).foreignMounts, caller);
  const ops = plan({ namespaces: [joined, { type: "user", path: "/ns/user" }] });
  assert.deepEqual(ops.foreignMounts, { path: "/ns/mnt", joined: true });
  assert.deepEqual(ops.join, [{ kind: "user", path: "/ns/user" }]);
});

test("planNamespaces() refuses a user namespace that would have no rights over the mounts", () => {
  const joined: Namespace = { type: "mount", path: "/ns/mnt" };
  const message =
    'linux.namespaces: a "user" namespace has no rights over the mounts outside: it needs a new "mount" namespace';
  const cases: Namespace[][] = [[{ type: "user" }], [joined, { type: "user" }], [{ type: "user", path: "/ns/user" }]];
  for (const namespaces of cases) assert.throws(() => plan({ namespaces }), { name: "BoxError", message });
});
