import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { context } from "./harness/context.ts";
import { refused } from "./harness/expect.ts";
import { cgroupHost, cgroupsNamed } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("cgroups", { needs: ["cgroup: writable"], clause: "config-linux.md, Control groups" });

scenario("the program is in the container's cgroup in every hierarchy", async (lab) => {
  const container = await lab.running();
  const paths = cgroupsNamed(container.id);
  assert.ok(paths.length > 0, "there is no cgroup");
  for (const path of paths) {
    const pids = readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n");
    assert.ok(pids.includes(`${container.pid}`), `${path} has ${pids.join(" ")}`);
  }
});

scenario(
  "create refuses a cgroup that has processes, and leaves them alone",
  { boxOnly: "a cgroup in use is another's", needs: ["cgroup: by cgroupfs"] },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    const top = Object.values(cgroupHost().hierarchies)[0] ?? "";
    const cgroup = join(top, lab.cgroupsPath(container.id) ?? "");
    mkdirSync(cgroup, { recursive: true });
    lab.later(() => rmdirSync(cgroup));
    writeFileSync(join(cgroup, "cgroup.procs"), `${lab.stranger()}`);
    refused(await container.creating().result(), /cgroup is not empty/);
    assert.ok(existsSync(cgroup));
  },
);

scenario(
  "a writable view of cgroups belongs to the program's user",
  {
    root: "ids that are not the user's",
    needs: ["cgroup: v2", "namespace: cgroup"],
    clause: "config-linux.md, Cgroup ownership",
    boxOnly: "with rw among the options of the mount",
  },
  async (lab) => {
    const script =
      "cd /sys/fs/cgroup && mkdir mine && echo $$ >mine/cgroup.procs && echo made; { echo 1 >cgroup.max.depth; } 2>&1; true";
    const container = lab.container(["/bin/sh", "-c", script], (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
      const options = ["nosuid", "noexec", "nodev", "rw"];
      spec.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
      if (!spec.linux.namespaces.some(({ type }) => type === "cgroup")) spec.linux.namespaces.push({ type: "cgroup" });
    });
    assert.match(await container.outputOfRun(), /^made\n.*cgroup\.max\.depth: Permission denied\n$/);
  },
);

scenario(
  "a view of cgroups whose options leave ro out can be written",
  { needs: ["cgroup: writable", "namespace: cgroup"], clause: "config.md, Mounts: options of mount(8)" },
  async (lab) => {
    // A hierarchy of v1 that needs no values first, or the one of v2.
    const script = "cd /sys/fs/cgroup; [ ! -d pids ] || cd pids; mkdir below && rmdir below && echo made";
    for (const more of [[], ["rw"]]) {
      const container = lab.container(["/bin/sh", "-c", script], ({ linux, mounts }) => {
        const options = ["nosuid", "noexec", "nodev", ...more];
        mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
        if (!linux.namespaces.some(({ type }) => type === "cgroup")) linux.namespaces.push({ type: "cgroup" });
      });
      assert.equal(await container.outputOfRun(), "made\n");
    }
  },
);

scenario(
  "a writable view of cgroups stays the caller's where that may give nothing away",
  { needs: ["cgroup: v2", "namespace: cgroup"], boxOnly: "with rw among the options of the mount" },
  async (lab) => {
    const container = lab.container(["/bin/sh", "-c", "stat -c %u /sys/fs/cgroup"], (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
      const options = ["nosuid", "noexec", "nodev", "rw"];
      spec.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
      if (!spec.linux.namespaces.some(({ type }) => type === "cgroup")) spec.linux.namespaces.push({ type: "cgroup" });
    });
    assert.equal(await container.outputOfRun(), context.user === undefined ? "1000\n" : "0\n");
  },
);

scenario(
  "a container that is to have no cgroup has its caller's",
  { boxOnly: "--cgroup-manager disabled, which only crun has besides", cgroupManager: "cgroupfs" },
  async (lab) => {
    const container = lab.container(["/bin/sh", "-c", "echo ready; read line"], ({ linux }) => {
      delete linux.cgroupsPath;
      linux.resources = {};
    });
    const call = (...args: string[]) => ["--cgroup-manager", "disabled", ...args];
    const created = lab.watch(
      lab.runtime.shim(call("create", "--bundle", container.bundle, "--pid-file", container.pidFile, container.id)),
    );
    await created.ok();
    const cgroups = (pid: string): string => readFileSync(`/proc/${pid}/cgroup`, "utf8");
    assert.equal(cgroups(readFileSync(container.pidFile, "utf8")), cgroups("self"));
    assert.deepEqual(cgroupsNamed(container.id), []);
    await container.start();
    refused(await lab.runtime.pause(container.id), /the container has no cgroup/);
    await container.delete("--force");
  },
);

scenario(
  "create refuses a limit for a container that is to have no cgroup",
  { needs: ["cgroup: pids"], boxOnly: "nothing is ignored silently", cgroupManager: "cgroupfs" },
  async (lab) => {
    const container = lab.container(["/bin/true"], ({ linux }) => {
      delete linux.cgroupsPath;
      linux.resources = { pids: { limit: 10 } };
    });
    const args = ["--cgroup-manager", "disabled", "create", "--bundle", container.bundle, container.id];
    refused(await lab.runtime.call(args), /linux\.resources\.pids\.limit: needs a cgroup/);
  },
);

scenario(
  "a create that fails leaves none of the cgroups above its own that it has made",
  { needs: ["cgroup: by cgroupfs"], boxOnly: "nothing left of a create that fails" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.linux.cgroupsPath = `${spec.linux.cgroupsPath}/b/c`;
      spec.mounts.push({ destination: "/mnt", type: "nosuchfs", source: "none" });
    });
    refused(await container.creating().result(), /nosuchfs/);
    assert.deepEqual(cgroupsNamed(lab.token), []);
  },
);

scenario(
  "a view of cgroups belongs neither on procfs nor into it",
  { needs: ["mount: proc"], boxOnly: "nothing covers procfs" },
  async (lab) => {
    for (const destination of ["/proc", "/proc/1", "/proc/sys/kernel", "/link"]) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.mounts.push({ destination, type: "cgroup", source: "cgroup" });
      });
      symlinkSync("/proc/sys", join(container.rootfs, "link"));
      refused(await container.creating().result(), /(only procfs may be mounted on \/proc|lies inside procfs)/);
    }
  },
);
