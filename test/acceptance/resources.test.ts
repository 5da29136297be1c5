/** linux.resources: each property is read back from the kernel's own files. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Resources } from "./harness/config.ts";
import { cgroupsPathOf } from "./harness/container.ts";
import { refused, until } from "./harness/expect.ts";
import { cgroupHost, cgroupsNamed } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { limits, placeOf, unsaid } from "./harness/limits.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("resources", { needs: ["cgroup: writable"], clause: "config-linux.md, Control groups" });

/** A container of the test's own with these limits besides the suite's device rules. */
function limited(lab: Lab, args: string[], resources: Resources, cgroupsPath?: string) {
  return lab.container(args, (spec) => {
    spec.ociVersion = "1.3.0";
    spec.linux.resources = { ...spec.linux.resources, ...resources };
    if (cgroupsPath !== undefined) spec.linux.cgroupsPath = cgroupsPath;
  });
}

for (const limit of limits) {
  scenario(`${limit.name} is what the kernel's files say`, async (lab, t) => {
    const place = placeOf(limit);
    if (typeof place === "string") return t.skip(place);
    const top = limit.atTop === true ? `/${lab.token}top` : undefined;
    const container = await limited(lab, ["/bin/true"], limit.resources, top).create();
    assert.deepEqual(unsaid(place, cgroupsPathOf(container)), []);
  });
}

scenario(
  "a pids limit of 0 lets the program run and start nothing",
  { needs: ["cgroup: pids"], boxOnly: "0 is a limit since 1.3" },
  async (lab) => {
    const container = limited(lab, ["/bin/sh", "-c", "echo alone; /bin/true; echo never"], { pids: { limit: 0 } });
    assert.equal(await container.outputOfRun(), "alone\n");
  },
);

scenario("a pids limit of -1 is none", { needs: ["cgroup: pids"] }, async (lab) => {
  const container = await limited(lab, ["/bin/true"], { pids: { limit: -1 } }).create();
  const path = cgroupsNamed(container.id).find((one) => existsSync(join(one, "pids.max")));
  assert.ok(path !== undefined, "no cgroup counts its processes");
  assert.equal(readFileSync(join(path, "pids.max"), "utf8"), "max\n");
});

scenario("values that ask for nothing need no controller, and change none", async (lab) => {
  const resources: Resources = {
    memory: { limit: 0, swap: 0, reservation: 0, disableOOMKiller: false },
    cpu: { shares: 0, quota: 0, period: 0, cpus: "", mems: "" },
    blockIO: { weight: 0, throttleReadBpsDevice: [] },
    hugepageLimits: [],
    network: { priorities: [] },
    rdma: {},
    unified: {},
  };
  assert.equal(await limited(lab, ["/bin/echo", "here"], resources).outputOfRun(), "here\n");
});

scenario(
  "create refuses a limit whose controller is missing, with all three names, and leaves nothing",
  { boxOnly: "its own words" },
  async (lab, t) => {
    const missing = limits.find((limit) => /^no .* controller/.test(String(placeOf(limit))));
    if (missing === undefined) return t.skip("this host has every controller");
    const container = limited(lab, ["/bin/true"], missing.resources);
    const result = await container.creating().result();
    const property = missing.name.split(" ")[0]?.split(".")[0];
    refused(
      result,
      new RegExp(
        `linux\\.resources\\.${property}.*(controller.*/sys/fs/cgroup|no such setting|of cgroup v1|has no cgroup v2)`,
      ),
    );
    assert.deepEqual(cgroupsNamed(container.id), []);
  },
);

scenario(
  "create refuses a value that the kernel refuses, names it, and leaves nothing",
  { needs: ["cgroup: cpuset"] },
  async (lab) => {
    const container = limited(lab, ["/bin/true"], { cpu: { cpus: "4095" } });
    refused(await container.creating().result(), /linux\.resources\.cpu\.cpus: .*cpuset\.cpus/);
    assert.deepEqual(cgroupsNamed(container.id), []);
  },
);

scenario("create refuses a page size that the kernel does not have", async (lab, t) => {
  const place = placeOf(limits.find(({ name }) => name === "hugepageLimits") as (typeof limits)[number]);
  if (typeof place === "string") return t.skip(place);
  const container = limited(lab, ["/bin/true"], { hugepageLimits: [{ pageSize: "3MB", limit: 1 }] });
  refused(
    await container.creating().result(),
    /linux\.resources\.hugepageLimits\[0\]: this kernel has no hugetlb\.3MB\./,
  );
});

scenario("create refuses an RDMA device that the host does not have, and leaves nothing", async (lab, t) => {
  const resources = { rdma: { none0: { hcaHandles: 1 } } };
  const files = [["rdma.max", ""]] as const;
  const place = placeOf({ name: "rdma", resources, controllers: ["rdma", "rdma"], v1: files, v2: files });
  if (typeof place === "string") return t.skip(place);
  const container = limited(lab, ["/bin/true"], resources);
  refused(await container.creating().result(), /rdma.*none0|none0.*rdma|rdma\.max/);
  assert.deepEqual(cgroupsNamed(container.id), []);
});

scenario(
  "a memory limit that is too low for the start-up is told as such",
  // systemd removes the cgroup with what it tells of the end.
  { needs: ["cgroup: memory", "cgroup: by cgroupfs"], boxOnly: "its own words" },
  async (lab) => {
    const container = limited(lab, ["/bin/true"], { memory: { limit: 8192 } });
    refused(await container.creating().result(), /memory\.limit is too low for the start-up/);
  },
);

scenario("delete --force ends a fork bomb at its limit of processes", { needs: ["cgroup: pids"] }, async (lab) => {
  // A shell that cannot fork ends, so the last one that tries is not the first one of the container.
  const bomb = "echo ready; (while :; do sleep 86400 & done) 2>/dev/null; read end";
  const container = await limited(lab, ["/bin/sh", "-c", bomb], { pids: { limit: 60 } }).create();
  await container.start();
  await container.line(/^ready$/);
  const path = cgroupsNamed(container.id).find((one) => existsSync(join(one, "pids.current"))) ?? "";
  await until("it has all processes", () => Number(readFileSync(join(path, "pids.current"), "utf8")) >= 58);
  await container.delete("--force");
  assert.deepEqual(cgroupsNamed(container.id), []);
});

scenario(
  "a limit whose parents have processes of their own is refused with the reason",
  {
    root: "cgroups above the user's",
    needs: ["cgroup: v2", "cgroup: pids", "cgroup: by cgroupfs"],
    boxOnly: "its own words",
  },
  async (lab) => {
    const parent = `/${lab.token}busy`;
    const directory = join(cgroupHost().hierarchies["unified"] ?? "", parent);
    mkdirSync(directory);
    lab.later(() => rmdirSync(directory));
    writeFileSync(join(directory, "cgroup.procs"), `${lab.stranger()}`);
    const container = limited(lab, ["/bin/true"], { pids: { limit: 5 } }, `${parent}/limited`);
    refused(await container.creating().result(), /no internal processes/);
  },
);

scenario(
  "the container's user may make cgroups where the view is writable, and not lift limits",
  { root: "ids that are not the user's", needs: ["cgroup: v2", "cgroup: pids", "namespace: cgroup"] },
  async (lab) => {
    const script =
      "mkdir /sys/fs/cgroup/below && echo made; echo 0 >/sys/fs/cgroup/below/cgroup.procs && echo moved; " +
      "echo max 2>/dev/null >/sys/fs/cgroup/pids.max || echo kept";
    const output = await lab.shell(script, (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
      spec.linux.namespaces.push({ type: "cgroup" });
      spec.linux.resources = { ...spec.linux.resources, pids: { limit: 30 } };
      spec.mounts.push({
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "rw"],
      });
    });
    assert.equal(output, "made\nmoved\nkept\n");
  },
);
