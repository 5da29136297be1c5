import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Device, Mount, Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import { type MountLine, mounts, parseMountinfo } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("file system");

async function mountsInside(lab: Lab, change?: (spec: Spec) => void): Promise<MountLine[]> {
  const container = lab.container(["/bin/cat", "/proc/self/mountinfo"], change);
  return parseMountinfo(await container.outputOfRun());
}

async function mountInside(lab: Lab, mount: Mount): Promise<MountLine> {
  const all = await mountsInside(lab, (spec) => spec.mounts.push(mount));
  const found = all.filter(({ point }) => point === mount.destination).at(-1);
  assert.ok(found, `nothing is mounted at ${mount.destination}`);
  return found;
}

scenario("the root is the bundle's root file system", { clause: "config.md, Root" }, async (lab) => {
  const container = lab.container(["/bin/cat", "/marker"]);
  writeFileSync(join(container.rootfs, "marker"), "ours\n");
  assert.equal(await container.outputOfRun(), "ours\n");
});

scenario("the host's root cannot be seen from inside", async (lab) => {
  const output = await lab.shell(`ls -d ${lab.dir} 2>/dev/null; ls /`);
  assert.ok(!output.includes(lab.dir));
});

scenario("the root is read-only when configured", { clause: "config.md, Root: readonly" }, async (lab) => {
  assert.match(
    await lab.shell("touch /new 2>&1; touch /dev/shm/new && echo written"),
    /Read-only file system\nwritten\n$/,
  );
});

scenario("the root can be written when it is not read-only", { clause: "config.md, Root: readonly" }, async (lab) => {
  const container = lab.container(["/bin/touch", "/new"], (spec) => {
    spec.root.readonly = false;
  });
  await container.outputOfRun();
  assert.ok(existsSync(join(container.rootfs, "new")));
});

scenario("an absolute root path is taken as it is", { clause: "config.md, Root: path" }, async (lab) => {
  const container = lab.container(["/bin/cat", "/marker"]);
  container.spec.root.path = container.rootfs;
  container.writeConfig();
  writeFileSync(join(container.rootfs, "marker"), "absolute\n");
  assert.equal(await container.outputOfRun(), "absolute\n");
});

scenario("the container has exactly the configured mounts", { clause: "config.md, Mounts" }, async (lab) => {
  const all = await mountsInside(lab, (spec) => {
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
  });
  assert.deepEqual(
    all
      // Where nodes cannot be made the host's are bound.
      .filter(({ type }) => context.user === undefined || type !== "devtmpfs")
      .map(({ point, type }) => (point === "/" ? "/" : `${point} ${type}`)),
    ["/", "/proc proc", "/dev tmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/dev/mqueue mqueue", "/sys sysfs"],
  );
});

scenario("the container's mounts do not appear on the host", async (lab) => {
  const container = await lab.running();
  assert.deepEqual(
    mounts().filter(({ point }) => point.includes(container.id)),
    [],
  );
});

scenario(
  "the container's mounts do not appear on a host whose mounts are shared",
  { root: "mounts on the host" },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    const run = container.runtime.argv(["run", "--bundle", container.bundle, container.id]);
    const script = `mount --make-rshared / && "$@" && ! grep -F "$0" /proc/self/mountinfo`;
    ok(await command(["unshare", "--mount", "/bin/sh", "-c", script, container.id, ...run]));
  },
);

scenario("a mount is made where nothing was before", async (lab) => {
  const found = await mountInside(lab, { destination: "/mnt/new/place", type: "tmpfs", source: "mine" });
  assert.deepEqual([found.type, found.source], ["tmpfs", "mine"]);
});

scenario(
  "later mounts hide earlier ones",
  { clause: 'config.md, Mounts: "The runtime MUST mount entries in the listed order"' },
  async (lab) => {
    const output = await lab.shell('ls /mnt; grep -c " /mnt " /proc/self/mountinfo', (spec) => {
      spec.mounts.push({ destination: "/mnt", type: "bind", source: "/etc", options: ["bind"] });
      spec.mounts.push({ destination: "/mnt", type: "tmpfs", source: "tmpfs" });
    });
    assert.equal(output, "2\n");
  },
);

const flags: [string[], string[]][] = [
  [["ro"], ["ro"]],
  [["nosuid"], ["nosuid"]],
  [["nodev"], ["nodev"]],
  [["noexec"], ["noexec"]],
  [["noatime"], ["noatime"]],
  [["nodiratime"], ["nodiratime"]],
  [["relatime"], ["relatime"]],
  [
    ["ro", "nosuid", "nodev", "noexec"],
    ["ro", "nosuid", "nodev", "noexec"],
  ],
  [["nosuid", "suid"], ["rw"]],
];

for (const [options, expected] of flags) {
  scenario(
    `a tmpfs has the options ${options.join(",")}`,
    { clause: "config.md, Linux mount options" },
    async (lab) => {
      const found = await mountInside(lab, { destination: "/mnt", type: "tmpfs", source: "tmpfs", options });
      for (const option of expected) assert.ok(found.options.includes(option), found.options.join());
      if (options.includes("suid")) assert.ok(!found.options.includes("nosuid"));
    },
  );
}

scenario("file system options reach the file system", async (lab) => {
  const found = await mountInside(lab, {
    destination: "/mnt",
    type: "tmpfs",
    source: "tmpfs",
    options: ["size=1024k", "mode=750"],
  });
  assert.ok(
    found.superOptions.includes("size=1024k") && found.superOptions.includes("mode=750"),
    found.superOptions.join(),
  );
});

scenario("a bind mount shows the directory of the host", async (lab) => {
  mkdirSync(lab.path("volume"));
  writeFileSync(lab.path("volume/file"), "from the host\n");
  const output = await lab.shell("cat /mnt/file; echo back >/mnt/reply", (spec) => {
    spec.mounts.push({ destination: "/mnt", source: lab.path("volume"), type: "bind", options: ["bind", "rw"] });
  });
  assert.equal(output, "from the host\n");
  assert.equal(readFileSync(lab.path("volume/reply"), "utf8"), "back\n");
});

scenario("a file is bound onto a file that is made for it", async (lab) => {
  writeFileSync(lab.path("hosts"), "127.0.0.1 localhost\n");
  const output = await lab.shell("cat /etc/hosts", (spec) => {
    spec.mounts.push({ destination: "/etc/hosts", source: lab.path("hosts"), type: "bind", options: ["bind"] });
  });
  assert.equal(output, "127.0.0.1 localhost\n");
});

scenario("a read-only bind mount cannot be written", async (lab) => {
  mkdirSync(lab.path("volume"));
  const output = await lab.shell("touch /mnt/file 2>&1", (spec) => {
    spec.mounts.push({ destination: "/mnt", source: lab.path("volume"), type: "bind", options: ["bind", "ro"] });
  });
  assert.match(output, /Read-only file system/);
});

scenario(
  "a relative bind source is relative to the bundle",
  { clause: 'config.md, Mounts: source: "Path values for bind mounts are either absolute or relative to the bundle"' },
  async (lab) => {
    const container = lab.container(["/bin/cat", "/mnt/file"], (spec) => {
      spec.mounts.push({ destination: "/mnt", source: "volume", type: "bind", options: ["bind"] });
    });
    mkdirSync(join(container.bundle, "volume"));
    writeFileSync(join(container.bundle, "volume/file"), "beside the config\n");
    assert.equal(await container.outputOfRun(), "beside the config\n");
  },
);

scenario("a mount point that leads out of the root by a symbolic link stays inside, or is refused", async (lab) => {
  const container = lab.container(["/bin/cat", "/proc/self/mountinfo"], (spec) => {
    spec.root.readonly = false;
    spec.mounts.push({ destination: "/link/here", type: "tmpfs", source: "caught" });
  });
  mkdirSync(lab.path("outside"));
  symlinkSync(lab.path("outside"), join(container.rootfs, "link"));
  const created = await container.creating().result();
  if (created.status === 0) {
    container.notePid();
    await container.start();
    const found = parseMountinfo(await container.output()).find(({ source }) => source === "caught");
    assert.equal(found?.point, `${lab.path("outside")}/here`);
  }
  assert.ok(!existsSync(lab.path("outside/here")), "a directory was made on the host");
});

for (const [what, mount] of [
  ["an unknown file system", { destination: "/mnt", type: "nosuchfs", source: "none" }],
  [
    "a bind source that does not exist",
    { destination: "/mnt", type: "bind", source: "/nothing/here", options: ["bind"] },
  ],
] as const) {
  scenario(`create refuses a mount of ${what}`, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => spec.mounts.push({ ...mount } as Mount));
    refused(await container.creating().result());
  });
}

const devices: [string, string][] = [
  ["/dev/null", "1:3 666 0:0"],
  ["/dev/zero", "1:5 666 0:0"],
  ["/dev/full", "1:7 666 0:0"],
  ["/dev/random", "1:8 666 0:0"],
  ["/dev/urandom", "1:9 666 0:0"],
  ["/dev/tty", "5:0 666 0:0"],
];

scenario(
  "the default devices are there",
  { root: "device nodes", clause: "config-linux.md, Default Devices" },
  async (lab) => {
    const output = await lab.shell(
      `for d in ${devices.map(([path]) => path).join(" ")}; do stat -c '%n %t:%T %a %u:%g %F' $d; done`,
    );
    assert.deepEqual(
      output.trim().split("\n"),
      devices.map(([path, numbers]) => `${path} ${numbers} character special file`),
    );
  },
);

scenario("the default devices work", async (lab) => {
  const output = await lab.shell(
    "echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c; echo x 2>&1 >/dev/full",
  );
  assert.match(output, /^4\n4\n.*No space left/s);
});

for (const [link, target] of [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
] as const) {
  scenario(`${link} leads to ${target}`, { clause: "runtime-linux.md, Dev symbolic links" }, async (lab) => {
    assert.equal(await lab.shell(`readlink ${link}`), `${target}\n`);
  });
}

scenario(
  "a configured device has its numbers, mode and owner, whatever the umask",
  { root: "device nodes", clause: "config-linux.md, Devices" },
  async (lab) => {
    const output = await lab.shell('stat -c "%n %t:%T %a %u:%g %F" /dev/ours /dev/pipe', (spec) => {
      spec.linux.devices = [
        { path: "/dev/ours", type: "c", major: 1, minor: 5, fileMode: 0o20666, uid: 7, gid: 8 },
        { path: "/dev/pipe", type: "p", fileMode: 0o622, uid: 0, gid: 0 },
      ];
    });
    assert.equal(output, "/dev/ours 1:5 666 7:8 character special file\n/dev/pipe 0:0 622 0:0 fifo\n");
  },
);

/** A device that is none of the default ones. */
const fuseAt = (path: string): Device => ({ path, type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 });

scenario(
  "a device that the cgroup does not allow cannot be opened",
  { needs: ["cgroup: devices", "device: fuse"], clause: "config-linux.md, Allowed Device list" },
  async (lab) => {
    const output = await lab.shell("head -c 1 /dev/denied 2>&1", (spec) => {
      spec.linux.devices = [fuseAt("/dev/denied")];
    });
    assert.match(output, /Operation not permitted/);
  },
);

scenario(
  "a device that a list of allowed ones leaves out cannot be opened, though nothing forbids it",
  { needs: ["cgroup: devices", "device: fuse"], clause: "config-linux.md, Allowed Device list" },
  async (lab) => {
    const output = await lab.shell("head -c 1 /dev/denied 2>&1; head -c 1 /dev/zero | wc -c", (spec) => {
      spec.linux.devices = [fuseAt("/dev/denied")];
      spec.linux.resources = { devices: [{ allow: true, type: "c", major: 10, minor: 200, access: "rw" }] };
    });
    assert.match(output, /Operation not permitted\n1\n$/);
  },
);

scenario(
  "a device that the cgroup allows can be opened",
  { needs: ["cgroup: devices", "device: fuse"], clause: "config-linux.md, Allowed Device list" },
  async (lab) => {
    const output = await lab.shell("head -c 0 /dev/allowed 2>&1 && : <>/dev/allowed && echo opened", (spec) => {
      spec.linux.devices = [fuseAt("/dev/allowed")];
      spec.linux.resources?.devices?.push({ allow: true, type: "c", major: 10, minor: 229, access: "rw" });
    });
    assert.equal(output, "opened\n");
  },
);

scenario(
  "a masked file reads empty",
  { clause: 'config-linux.md, Masked Paths: "the masked paths MUST NOT be readable"' },
  async (lab) => {
    const container = lab.container(["/bin/sh", "-c", "wc -c </secret; echo x >/secret; wc -c </secret"], (spec) => {
      spec.linux.maskedPaths = ["/secret"];
    });
    writeFileSync(join(container.rootfs, "secret"), "the password");
    assert.equal(await container.outputOfRun(), "0\n0\n");
    assert.equal(readFileSync(join(container.rootfs, "secret"), "utf8"), "the password");
  },
);

scenario(
  "a masked directory is empty and cannot be written",
  { clause: "config-linux.md, Masked Paths" },
  async (lab) => {
    const container = lab.container(["/bin/sh", "-c", "ls -A /secret; touch /secret/new 2>&1"], (spec) => {
      spec.linux.maskedPaths = ["/secret"];
      spec.root.readonly = false;
    });
    mkdirSync(join(container.rootfs, "secret"));
    writeFileSync(join(container.rootfs, "secret/file"), "x");
    assert.match(await container.outputOfRun(), /^touch: .*Read-only file system\n$/);
  },
);

scenario("a masked path that does not exist is passed over", async (lab) => {
  const output = await lab.shell("echo fine", (spec) => {
    spec.linux.maskedPaths = ["/not/there"];
    spec.linux.readonlyPaths = ["/neither/this"];
  });
  assert.equal(output, "fine\n");
});

scenario("the usual paths below /proc and /sys are masked", async (lab) => {
  // A kernel has not all of them.
  const output = await lab.shell(
    "for f in kcore keys timer_list; do test ! -e /proc/$f || cat /proc/$f; done; ls -A /proc/acpi /sys/firmware 2>/dev/null | grep -v :",
  );
  assert.equal(output.trim(), "");
});

scenario(
  "a read-only path cannot be written, and what lies below neither",
  { clause: "config-linux.md, Readonly Paths" },
  async (lab) => {
    const container = lab.container(
      ["/bin/sh", "-c", "cat /data/file; echo x >/data/file; touch /data/new; echo y >/free"],
      (spec) => {
        spec.linux.readonlyPaths = ["/data"];
        spec.root.readonly = false;
      },
    );
    mkdirSync(join(container.rootfs, "data"));
    writeFileSync(join(container.rootfs, "data/file"), "kept\n");
    assert.equal(await container.outputOfRun(), "kept\n");
    assert.match(await container.shim.stderr.end(), /Read-only file system.*Read-only file system/s);
    assert.equal(readFileSync(join(container.rootfs, "data/file"), "utf8"), "kept\n");
    assert.ok(existsSync(join(container.rootfs, "free")));
  },
);

scenario(
  "a mount below a read-only path cannot be written",
  { boxOnly: "read-only paths with all that is mounted below them" },
  async (lab) => {
    const output = await lab.shell("touch /mnt/below/new 2>&1", (spec) => {
      spec.mounts.push({ destination: "/mnt", type: "tmpfs", source: "tmpfs" });
      spec.mounts.push({ destination: "/mnt/below", type: "tmpfs", source: "tmpfs" });
      spec.linux.readonlyPaths = ["/mnt"];
    });
    assert.match(output, /Read-only file system/);
  },
);

scenario("/proc/sys cannot be written by default", async (lab) => {
  assert.match(await lab.shell("echo x 2>&1 >/proc/sys/kernel/domainname"), /Read-only file system/);
});

for (const [word, expected] of [
  ["private", []],
  ["slave", []],
  ["shared", ["shared"]],
  ["unbindable", ["unbindable"]],
] as const) {
  scenario(
    `the root has propagation ${word} when configured`,
    { clause: "config-linux.md, Rootfs Mount Propagation" },
    async (lab) => {
      const all = await mountsInside(lab, (spec) => {
        spec.linux.rootfsPropagation = word;
      });
      const kinds = all.find(({ point }) => point === "/")?.propagation.map((each) => each.split(":")[0]) ?? [];
      // Whether there is a master to hear of the host's mounts from is the host's matter, but for a private root.
      const own = word === "slave" || word === "shared" ? kinds.filter((kind) => kind !== "master") : kinds;
      assert.deepEqual(own, expected);
    },
  );
}

scenario("the old root cannot be reached through the working directory", async (lab) => {
  const output = await lab.shell(
    `ls -d ../../../..${lab.dir} 2>/dev/null; readlink /proc/self/cwd; readlink /proc/self/root`,
  );
  assert.equal(output, "/\n/\n");
});

scenario("the cgroup mount shows the container's own cgroups", { needs: ["cgroup: writable"] }, async (lab) => {
  const script =
    "ls /sys/fs/cgroup | wc -l; grep -c cgroup /proc/self/mountinfo; " +
    "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do test ! -e $d/cgroup.procs || mkdir $d/x 2>&1; done";
  const output = await lab.shell(script, (spec) => {
    spec.mounts.push({
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    });
  });
  const [entries, lines] = output.split("\n").map(Number);
  assert.ok((entries ?? 0) > 0 && (lines ?? 0) > 0, output);
  assert.match(output, /Read-only file system/);
});
