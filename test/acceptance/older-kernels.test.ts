import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount, Spec } from "./harness/config.ts";
import { ok, refused } from "./harness/expect.ts";
import { type MountLine, mountsNear, parseMountinfo } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

/** What box does where the kernel lacks a call that it uses: the same by older means. */
const scenario = feature("older kernels", {
  root: "mounts on the host",
  needs: ["seccomp"],
  boxOnly: "older kernels than the one that runs here",
});

/** Its number is the same on every machine. */
const mountSetattr = 442;

/** A tree of the host's with another file system in it, which has a third in it, at a name with a space. */
function tree(lab: Lab): string {
  const path = lab.path("tree");
  mkdirSync(join(path, "below"), { recursive: true });
  writeFileSync(join(path, "file"), "");
  execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,noatime", "tmpfs", join(path, "below")]);
  lab.later(() => void execFileSync("umount", ["-l", "-R", join(path, "below")]));
  mkdirSync(join(path, "below/a b"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "nodev,strictatime", "tmpfs", join(path, "below/a b")]);
  return path;
}

/** What a program sees of its mounts, with mount_setattr(2) and without. */
async function bothWays(lab: Lab, change: (spec: Spec) => void): Promise<[MountLine[], MountLine[]]> {
  const seen = async (runtime = lab.runtime): Promise<MountLine[]> => {
    const container = lab.container(["/bin/cat", "/proc/self/mountinfo"], change, runtime);
    mkdirSync(join(container.rootfs, "mnt"));
    const lines = parseMountinfo(await container.outputOfRun());
    // No two containers have the same numbers of peers, and names; /tmp may be a mount of its own.
    return lines.map(({ root, propagation, ...line }) => ({
      ...line,
      root: root.replace(/^.*\/bundle-\d+\/rootfs/, "ROOTFS").replace(container.id, "ID"),
      propagation: propagation.map((each) => each.split(":")[0] as string),
    }));
  };
  return [await seen(), await seen(lab.runtimeWithout(mountSetattr))];
}

const bind = (source: string, name: string, ...options: string[]): Mount => ({
  destination: `/mnt/${name}`,
  source,
  type: "bind",
  options,
});

scenario("without mount_setattr mounts have the same flags and the same propagation", async (lab) => {
  const source = tree(lab);
  const [present, missing] = await bothWays(lab, (spec) => {
    spec.root.readonly = true;
    spec.linux.rootfsPropagation = "rshared";
    spec.mounts.push(
      { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noatime"] },
      bind(source, "plain", "bind"),
      bind(source, "flags", "rbind", "ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"),
      bind(source, "tree", "rbind", "rro", "rnoexec", "rnosymfollow"),
      bind(source, "cleared", "rbind", "rsuid", "rdev", "rrelatime"),
      bind(source, "times", "rbind", "rstrictatime", "noatime"),
      bind(join(source, "file"), "file", "bind", "ro"),
      bind(source, "private", "rbind", "rprivate"),
      bind(source, "shared", "rbind", "rshared"),
      bind(source, "unbindable", "bind", "unbindable"),
    );
    spec.linux.readonlyPaths = ["/mnt/plain", "/mnt/private", "/bin/probe"];
  });
  assert.deepEqual(missing, present);
});

scenario("without mount_setattr a view of cgroups is the same, and a user namespace's mounts are", async (lab) => {
  const source = tree(lab);
  const view: Mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  for (const change of [
    (spec: Spec) => void spec.mounts.push(view),
    (spec: Spec) => {
      spec.mounts.push(view);
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "cgroup");
    },
    (spec: Spec) => {
      spec.mounts.push(bind(source, "flags", "rbind", "ro", "rnoexec"));
      spec.linux.namespaces.push({ type: "user" });
      spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    },
  ]) {
    const [present, missing] = await bothWays(lab, change);
    assert.deepEqual(missing, present);
  }
});

scenario("without mount_setattr nothing of the container's mounts reaches the host", async (lab) => {
  const source = tree(lab);
  const before = mountsNear(lab.dir);
  await bothWays(lab, (spec) => {
    spec.mounts.push(bind(source, "tree", "rbind", "rro"), { destination: "/mnt/tree/below", type: "tmpfs" });
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "mount");
  });
  assert.deepEqual(mountsNear(lab.dir), before);
});

scenario("without mount_setattr mounts come to a running container with their flags", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"], undefined, lab.runtimeWithout(mountSetattr));
  await (await container.create()).start();
  const file = lab.path("mounts.json");
  const mount = { destination: "/dev/given", type: "bind", source: tree(lab), options: ["rbind", "ro", "noexec"] };
  writeFileSync(file, JSON.stringify([mount]));
  const { runtime, id } = container;
  ok(await runtime.call(["mounts", "add", id, file]));
  assert.match(ok(await runtime.exec(id, ["/bin/cat", "/proc/mounts"])).stdout, / \/dev\/given \S+ ro,(\S*,)?noexec/);
});

scenario("without mount_setattr ids of a mount cannot be mapped, and box says so", async (lab) => {
  const change = (spec: Spec) => {
    const uidMappings = [{ containerID: 0, hostID: 1000, size: 10 }];
    spec.mounts.push({ ...bind(tree(lab), "", "bind", "idmap"), uidMappings, gidMappings: uidMappings });
  };
  const container = lab.container(["/bin/true"], change, lab.runtimeWithout(mountSetattr));
  refused(await container.creating().result(), /id-mapped mounts take Linux 5\.12 or newer/);
});
