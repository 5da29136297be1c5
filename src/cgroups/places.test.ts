import assert from "node:assert/strict";
import { test } from "node:test";
import type { CgroupDirectory } from "./ops.ts";
import { placesIn, planPlaces } from "./places.ts";

const cpu: CgroupDirectory = { mount: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] };
const systemd: CgroupDirectory = { mount: "/sys/fs/cgroup/systemd", version: 1, controllers: ["name=systemd"] };
const unified: CgroupDirectory = { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] };
const cgroup = { path: "/box/web", directories: [cpu, systemd, unified] };

test("planPlaces() takes the container's cgroup everywhere where nothing is asked for", () => {
  assert.deepEqual(
    planPlaces(cgroup, []),
    cgroup.directories.map((directory) => ({ directory, path: "/box/web", named: false })),
  );
  assert.deepEqual(planPlaces(null, []), []);
});

test("planPlaces() takes a path below it everywhere, or with the controllers that stand before it", () => {
  assert.deepEqual(
    planPlaces(cgroup, ["/a//b/"]).map(({ path, named }) => [path, named]),
    [
      ["/box/web/a/b", true],
      ["/box/web/a/b", true],
      ["/box/web/a/b", true],
    ],
  );
  assert.deepEqual(
    planPlaces(cgroup, ["cpuacct,cpu:a", "name=systemd:b"]).map(({ path, named }) => [path, named]),
    [
      ["/box/web/a", true],
      ["/box/web/b", true],
      ["/box/web", false],
    ],
  );
  assert.deepEqual(planPlaces(cgroup, ["."])[0], { directory: cpu, path: "/box/web", named: true });
});

for (const [request, problem] of [
  ["", "must be [CONTROLLER,...:]PATH"],
  [":a", "must be [CONTROLLER,...:]PATH"],
  ["cpu:a:b", "must be [CONTROLLER,...:]PATH"],
  ["..", "leads out of the container's cgroup"],
  ["a/../../b", "leads out of the container's cgroup"],
  ["cpu:/..", "leads out of the container's cgroup"],
  ["memory:a", 'no cgroup v1 hierarchy has the controller "memory"'],
  ["cpu,:a", 'no cgroup v1 hierarchy has the controller ""'],
] as const) {
  test(`planPlaces() refuses ${JSON.stringify(request)}`, () => {
    assert.throws(() => planPlaces(cgroup, [request]), { message: `--cgroup ${JSON.stringify(request)}: ${problem}` });
  });
}

test("planPlaces() refuses two paths in one hierarchy, and any where there is no cgroup", () => {
  assert.throws(() => planPlaces(cgroup, ["cpu:a", "cpuacct:b"]), {
    message: '--cgroup "cpuacct:b": /sys/fs/cgroup/cpu,cpuacct is named twice',
  });
  assert.throws(() => planPlaces(null, ["a"]), { message: "--cgroup: the container has no cgroup" });
});

test("placesIn() reads where a process is, colons in a path included", () => {
  const text = "3:cpu,cpuacct:/a:b/c\n2:memory:/m\n1:name=systemd:/s\n0::/u\n";
  assert.deepEqual(
    placesIn(text, planPlaces(cgroup, [])).map(({ path }) => path),
    ["/a:b/c", "/s", "/u"],
  );
});

test("placesIn() refuses a place that this process cannot see", () => {
  for (const text of ["", "3:cpu,cpuacct:/../x\n1:name=systemd:/s\n0::/u\n", "1:name=systemd:/\n0::/\n"])
    assert.throws(() => placesIn(text, planPlaces(cgroup, [])), {
      message: "the container's cgroup below /sys/fs/cgroup/cpu,cpuacct cannot be told",
    });
});
