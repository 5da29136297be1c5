import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { whileSwapping } from "./harness/attack.ts";
import type { IdMapping, Mount, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Need } from "./harness/facts.ts";
import { type MountLine, mounts, parseMountinfo } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("mounts", { clause: "config.md, Mounts" });

/** What mountinfo says inside of the mounts at and below /mnt. */
async function inside(lab: Lab, mounts: Mount[], change?: (spec: Spec) => void): Promise<MountLine[]> {
  const container = lab.container(["/bin/cat", "/proc/self/mountinfo"], (spec) => {
    spec.mounts.push(...mounts);
    change?.(spec);
  });
  mkdirSync(join(container.rootfs, "mnt"));
  return parseMountinfo(await container.outputOfRun()).filter(({ point }) => /^\/mnt(\/|$)/.test(point));
}

/** A directory of the host with another file system mounted in it, at `below`. */
function tree(lab: Lab): string {
  const path = lab.path("tree");
  mkdirSync(join(path, "below"), { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(path, "below")]);
  lab.later(() => void execFileSync("umount", ["-l", join(path, "below")]));
  return path;
}

// --- flags ---

const recursive: [string, string, boolean][] = [
  ["rro", "ro", true],
  ["rnosuid", "nosuid", true],
  ["rnodev", "nodev", true],
  ["rnoexec", "noexec", true],
  ["rnoatime", "noatime", true],
  ["rnodiratime", "nodiratime", true],
  ["rnosymfollow", "nosymfollow", true],
  ["rstrictatime", "relatime", false],
];
for (const [option, flag, present] of recursive) {
  scenario(
    `${option} holds for the mounts below as well`,
    {
      root: "mounts on the host",
      clause: "config.md, Linux mount options: recursive attributes",
    },
    async (lab) => {
      const source = tree(lab);
      const found = await inside(lab, [{ destination: "/mnt", source, type: "bind", options: ["rbind", option] }]);
      assert.deepEqual(
        found.map(({ point, options }) => [point, options.includes(flag)]),
        [
          ["/mnt", present],
          ["/mnt/below", present],
        ],
      );
    },
  );
}

scenario("ro holds for the mount alone, not for those below", { root: "mounts on the host" }, async (lab) => {
  const source = tree(lab);
  const found = await inside(lab, [{ destination: "/mnt", source, type: "bind", options: ["rbind", "ro"] }]);
  assert.deepEqual(
    found.map(({ options }) => options.includes("ro")),
    [true, false],
  );
});

scenario("rrw and rsuid take flags away from the mounts below", { root: "mounts on the host" }, async (lab) => {
  const source = tree(lab);
  execFileSync("mount", ["-o", "remount,bind,ro,nosuid", join(source, "below")]);
  const options = ["rbind", "rrw", "rsuid"];
  const found = await inside(lab, [{ destination: "/mnt", source, type: "bind", options }]);
  assert.deepEqual(
    found.map(({ options }) => options.includes("ro") || options.includes("nosuid")),
    [false, false],
  );
});

scenario("bind leaves out the mounts below, rbind brings them along", { root: "mounts on the host" }, async (lab) => {
  const source = tree(lab);
  for (const [option, count] of [
    ["bind", 1],
    ["rbind", 2],
  ] as const) {
    const found = await inside(lab, [{ destination: "/mnt", source, type: "bind", options: [option] }]);
    assert.equal(found.length, count, option);
  }
});

scenario("nosymfollow follows no link of the mount", { boxOnly: "nosymfollow on every mount" }, async (lab) => {
  const output = await lab.shell("ln -s /etc/passwd /mnt/link; cat /mnt/link 2>&1", (spec) => {
    spec.mounts.push({ destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosymfollow"] });
  });
  assert.match(output, /Too many levels of symbolic links|Symbolic link loop/);
});

scenario(
  "sync, dirsync and lazytime are options of the file system",
  { boxOnly: "lazytime, which crun takes for data" },
  async (lab) => {
    const options = ["sync", "dirsync", "lazytime"];
    const [found] = await inside(lab, [{ destination: "/mnt", type: "tmpfs", source: "tmpfs", options }]);
    for (const option of options) assert.ok(found?.superOptions.includes(option), `${option} ${found?.superOptions}`);
  },
);

for (const words of [
  ["defaults", "remount", "async", "rw", "suid", "dev", "exec", "atime", "diratime", "norelatime", "nostrictatime"],
  ["iversion", "noiversion", "nolazytime", "loud", "silent", "nomand", "symfollow"],
]) {
  scenario(
    `${words.join(",")} are words of a mount without a flag to show`,
    { boxOnly: "every word of the specification" },
    async (lab) => {
      const [found] = await inside(lab, [{ destination: "/mnt", type: "tmpfs", source: "tmpfs", options: words }]);
      const options = found?.options ?? [];
      assert.ok(options.includes("rw"));
      assert.ok(!options.some((option) => ["nosuid", "nodev", "noexec"].includes(option)));
    },
  );
}

const mayMount = { bounding: ["CAP_SYS_ADMIN"], effective: ["CAP_SYS_ADMIN"], permitted: ["CAP_SYS_ADMIN"] };

// --- propagation ---

/** A directory of the host's that is a shared mount, with a directory in it. */
function sharedMount(lab: Lab): string {
  const source = lab.path("shared");
  mkdirSync(join(source, "inner"), { recursive: true });
  execFileSync("mount", ["--bind", source, source]);
  lab.later(() => void execFileSync("umount", ["-l", "-R", source]));
  execFileSync("mount", ["--make-shared", source]);
  return source;
}

for (const [option, expected] of [
  ["private", /^$/],
  ["rprivate", /^$/],
  ["shared", /^shared:\d+$/],
  ["rshared", /^shared:\d+$/],
  ["unbindable", /^unbindable$/],
  ["runbindable", /^unbindable$/],
] as const) {
  scenario(`a mount has propagation ${option} when it is asked for`, async (lab) => {
    const [found] = await inside(lab, [{ destination: "/mnt", type: "tmpfs", source: "tmpfs", options: [option] }]);
    assert.match(found?.propagation.join() ?? "nothing", expected);
  });
}

for (const [option, shown] of [
  ["slave", true],
  ["rslave", true],
  ["private", false],
] as const) {
  scenario(
    `a later mount of the host ${shown ? "appears" : "does not appear"} in a bind mount with ${option}`,
    { root: "mounts on the host", clause: "config.md, Linux mount options: slave, private" },
    async (lab) => {
      const source = lab.path("shared");
      mkdirSync(join(source, "later"), { recursive: true });
      execFileSync("mount", ["--bind", source, source]);
      lab.later(() => void execFileSync("umount", ["-l", "-R", source]));
      execFileSync("mount", ["--make-shared", source]);
      const script = "echo ready; read x; grep -c ' /mnt/later ' /proc/self/mountinfo; echo end; cat";
      const container = await lab.running(["/bin/sh", "-c", script], (spec) => {
        spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["rbind", option] });
        spec.linux.rootfsPropagation = "rslave";
      });
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(source, "later")]);
      container.say("go\n");
      assert.equal(await container.line(), shown ? "1" : "0");
    },
  );
}

scenario(
  "a mount of the container does not appear in the bind mount's source on the host",
  {
    root: "mounts on the host",
    boxOnly: "no way out for mounts unless the bind asks for shared, and none from a user namespace",
  },
  async (lab) => {
    const source = sharedMount(lab);
    for (const [user, root, options] of [
      [false, "rslave", ["rbind"]],
      [true, "rslave", ["rbind"]],
      [false, "rshared", ["rbind"]],
      [true, "rshared", ["rbind", "rshared"]],
    ] as const) {
      await inside(
        lab,
        [
          { destination: "/mnt", source, type: "bind", options: [...options] },
          { destination: "/mnt/inner", type: "tmpfs", source: "tmpfs" },
        ],
        (spec) => {
          spec.linux.rootfsPropagation = root;
          if (user) inUserNamespace(spec, 65536);
        },
      );
      assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(`${source}/inner`));
    }
  },
);

for (const [root, option, reaches] of [
  ["shared", "rshared", true],
  ["rshared", "shared", true],
  ["rslave", "rshared", false],
  ["shared", "rslave", false],
  ["shared", "rprivate", false],
] as const) {
  scenario(
    `a mount of the program ${reaches ? "reaches" : "does not reach"} the host in a bind mount with ${option} below a root with ${root}`,
    { root: "mounts on the host", clause: "config-linux.md, Rootfs Mount Propagation" },
    async (lab) => {
      const source = sharedMount(lab);
      await lab.running(["/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt/inner && echo ready; exec cat"], (spec) => {
        spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["rbind", option] });
        spec.linux.rootfsPropagation = root;
        spec.process.capabilities = mayMount;
      });
      assert.equal(
        mounts().some(({ point }) => point === join(source, "inner")),
        reaches,
      );
    },
  );
}

scenario(
  "a path in a mount that is shared with the host cannot be hidden: it would be on the host too",
  { root: "mounts on the host", boxOnly: "others hide it there as well" },
  async (lab) => {
    const source = sharedMount(lab);
    for (const name of ["maskedPaths", "readonlyPaths"] as const) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["rbind", "rshared"] });
        spec.linux.rootfsPropagation = "shared";
        spec.linux[name] = [...spec.linux[name], "/mnt/inner"];
      });
      refused(await container.creating().result(), /Paths\[\d+\]: lies in a mount that is shared with the host/);
    }
    assert.equal(mounts().filter(({ point }) => point === join(source, "inner")).length, 0);
  },
);

scenario(
  "nothing of a container's own root reaches the host, also where that is shared with it",
  { root: "mounts on the host", clause: "config-linux.md, Rootfs Mount Propagation" },
  async (lab) => {
    const source = sharedMount(lab);
    const container = lab.container(["/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt && echo ready; exec cat"], (spec) => {
      spec.linux.rootfsPropagation = "rshared";
      spec.process.capabilities = mayMount;
    });
    mkdirSync(join(container.rootfs, "mnt"));
    execFileSync("cp", ["-a", container.rootfs, join(source, "rootfs")]);
    container.spec.root.path = join(source, "rootfs");
    container.writeConfig();
    await container.create();
    await container.start();
    await container.line(/^ready$/);
    assert.deepEqual(
      mounts().filter(({ point }) => point.startsWith(`${source}/`)),
      [],
    );
  },
);

scenario("the kernel lists mounts in the order of the configuration", async (lab) => {
  const source = lab.path("volume");
  mkdirSync(source);
  const bind = (name: string): Mount => ({ destination: `/mnt/${name}`, source, type: "bind", options: ["rbind"] });
  const tmpfs = (name: string): Mount => ({ destination: `/mnt/${name}`, type: "tmpfs", source: "tmpfs" });
  const listed = await inside(lab, [tmpfs("d"), bind("b"), tmpfs("c"), bind("a")]);
  assert.deepEqual(
    listed.map(({ point }) => point),
    ["/mnt/d", "/mnt/b", "/mnt/c", "/mnt/a"],
  );
});

scenario("a thousand mounts are made", { clause: "config.md, Mounts: no bound" }, async (lab) => {
  const source = lab.path("volume");
  mkdirSync(source);
  const numbers = Array.from({ length: 1000 }, (_, index) => index);
  const listed = await inside(lab, [
    { destination: "/mnt", type: "tmpfs", source: "tmpfs" },
    ...numbers.map((index) => ({ destination: `/mnt/${index}`, source, type: "bind", options: ["bind", "ro"] })),
  ]);
  assert.deepEqual(
    listed.slice(1).map(({ point, options }) => [point, options[0]]),
    numbers.map((index) => [`/mnt/${index}`, "ro"]),
  );
});

// --- what the host restricts ---

/** A directory of the host's that everybody may write to, but for what its mount restricts. */
function restricted(lab: Lab, flags: string): Mount {
  const source = lab.path("restricted");
  mkdirSync(source);
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=777", "tmpfs", source]);
  lab.later(() => void execFileSync("umount", ["-l", source]));
  execFileSync("mount", ["-o", `remount,bind,${flags}`, source]);
  return { destination: "/mnt", source, type: "bind", options: ["bind"] };
}

for (const [where, change] of [
  ["", () => {}],
  [" in a user namespace", (spec: Spec) => inUserNamespace(spec, 65536)],
] as const) {
  scenario(
    `a bind mount keeps what restricts its source on the host${where}`,
    { root: "mounts on the host" },
    async (lab) => {
      const [found] = await inside(lab, [restricted(lab, "ro,nosuid,nodev,noexec")], change);
      for (const flag of ["ro", "nosuid", "nodev", "noexec"]) assert.ok(found?.options.includes(flag), flag);
    },
  );
}

scenario(
  "root of a user namespace cannot take away what restricts a bind mount's source on the host",
  {
    root: "mounts on the host",
    needs: ["namespace: user"],
    clause: "mount_namespaces(7), Restrictions on mount namespaces",
  },
  async (lab) => {
    const script =
      "mount -o remount,bind,rw,nosuid /mnt; mount -o remount,bind,ro,suid /mnt; touch /mnt/new; exec 2>&-; ls /mnt";
    const container = lab.container(["/bin/sh", "-c", script], (spec) => {
      inUserNamespace(spec, 65536);
      spec.mounts.push(restricted(lab, "ro,nosuid"));
      spec.process.capabilities = mayMount;
    });
    mkdirSync(join(container.rootfs, "mnt"));
    assert.equal(await container.outputOfRun(), "");
    assert.match(await container.shim.stderr.end(), /(permission denied.*){2}Read-only file system/s);
  },
);

scenario(
  "create refuses to take away in a user namespace what restricts a bind mount's source",
  { root: "mounts on the host", needs: ["namespace: user"], boxOnly: "no wish is passed over" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      inUserNamespace(spec, 65536);
      spec.mounts.push({ ...restricted(lab, "nosuid"), options: ["bind", "suid"] });
    });
    mkdirSync(join(container.rootfs, "mnt"));
    refused(await container.creating().result(), /bind .* with "bind,suid": .*EPERM/);
  },
);

// --- tmpfs ---

scenario("a tmpfs has the mode of the directory that it hides", async (lab) => {
  const container = lab.container(["/bin/stat", "-c", "%a", "/data"], (spec) => {
    spec.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["size=64k"] });
  });
  mkdirSync(join(container.rootfs, "data"));
  chmodSync(join(container.rootfs, "data"), 0o1751);
  assert.equal(await container.outputOfRun(), "1751\n");
});

scenario("a tmpfs that hides nothing has the kernel's own mode", async (lab) => {
  const modes = await lab.shell("stat -c %a /new /new/deep", (spec) => {
    spec.mounts.push({ destination: "/new/deep", type: "tmpfs", source: "tmpfs", options: ["size=64k"] });
  });
  assert.equal(modes, "755\n1777\n");
});

scenario(
  "a tmpfs has the owner of the directory that it hides, unless the options name one",
  { root: "files and processes of other users", boxOnly: "the owner besides the mode" },
  async (lab) => {
    const container = lab.container(["/bin/stat", "-c", "%u:%g", "/data", "/other"], (spec) => {
      spec.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["ro"] });
      spec.mounts.push({ destination: "/other", type: "tmpfs", source: "tmpfs", options: ["uid=5"] });
    });
    for (const name of ["data", "other"]) {
      mkdirSync(join(container.rootfs, name));
      chownSync(join(container.rootfs, name), 12, 34);
    }
    assert.equal(await container.outputOfRun(), "12:34\n5:0\n");
  },
);

/** An image directory with something of every kind in it. */
function fill(container: Container): void {
  const path = join(container.rootfs, "data");
  mkdirSync(join(path, "sub/deep"), { recursive: true });
  writeFileSync(join(path, "file"), "content\n", { mode: 0o644 });
  writeFileSync(join(path, "sub/deep/big"), Buffer.alloc(200_000, 7));
  chownSync(join(path, "file"), 3, 4);
  chownSync(join(path, "sub"), 5, 6);
  chmodSync(join(path, "sub"), 0o2771);
  symlinkSync("/etc/passwd", join(path, "link"));
  execFileSync("mkfifo", ["-m", "604", join(path, "fifo")]);
  utimesSync(join(path, "file"), 1e9, 1e9);
  lutimesSync(join(path, "link"), 1e9, 1e9);
}

scenario(
  "tmpcopyup copies what the tmpfs hides, with owners, modes, times and links",
  {
    root: "files and processes of other users",
    clause: "config.md, Linux mount options: tmpcopyup",
    boxOnly: "everything of it copied",
  },
  async (lab) => {
    const script =
      "cd /data; stat -c '%n %F %a %u:%g %s' file sub link fifo sub/deep/big; readlink link; stat -c %Y file link; " +
      "cat file; echo new >file; touch /data/ours";
    const container = lab.container(["/bin/sh", "-c", script], (spec) => {
      spec.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "nosuid"] });
    });
    fill(container);
    const lines = (await container.outputOfRun()).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => line.replace(/(directory .*) \d+$/, "$1")),
      [
        "file regular file 644 3:4 8",
        "sub directory 2771 5:6",
        "link symbolic link 777 0:0 11",
        "fifo fifo 604 0:0 0",
        "sub/deep/big regular file 644 0:0 200000",
        "/etc/passwd",
        "1000000000",
        "1000000000",
        "content",
      ],
    );
    assert.equal(readFileSync(join(container.rootfs, "data/file"), "utf8"), "content\n");
    assert.ok(!existsSync(join(container.rootfs, "data/ours")));
  },
);

scenario("a read-only tmpfs at /dev has its devices, and takes no more", async (lab) => {
  const output = await lab.shell("echo x >/dev/null; test -d /dev/pts && touch /dev/new 2>&1", ({ mounts }) => {
    mounts.find(({ destination }) => destination === "/dev")?.options?.push("ro");
  });
  assert.equal(output, "touch: /dev/new: Read-only file system\n");
});

scenario(
  "a read-only tmpfs holds the mounts that are in it",
  { boxOnly: "it becomes read-only when all is there" },
  async (lab) => {
    const output = await lab.shell("touch /outer/inner/file && touch /outer/new 2>&1", ({ mounts }) => {
      mounts.push({ destination: "/outer", type: "tmpfs", source: "tmpfs", options: ["ro"] });
      mounts.push({ destination: "/outer/inner", type: "tmpfs", source: "tmpfs" });
    });
    assert.equal(output, "touch: /outer/new: Read-only file system\n");
  },
);

scenario(
  "tmpcopyup works with a read-only tmpfs",
  { root: "files and processes of other users", boxOnly: "tmpcopyup with ro" },
  async (lab) => {
    const container = lab.container(["/bin/sh", "-c", "cat /data/file; touch /data/new 2>&1"], (spec) => {
      spec.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro"] });
    });
    fill(container);
    assert.match(await container.outputOfRun(), /^content\n.*Read-only file system/);
  },
);

scenario(
  "tmpcopyup does not wait for a FIFO that stands where a file was",
  { boxOnly: "a copy that is not held up", limit: 30_000 },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.root.readonly = false;
      spec.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] });
    });
    const [file, fifo] = [join(container.rootfs, "data/file"), lab.path("fifo")];
    mkdirSync(join(container.rootfs, "data"));
    writeFileSync(file, "x");
    execFileSync("mkfifo", [fifo]);
    // Either is copied; copy.kernel.test.ts exchanges them at the worst moment.
    await whileSwapping(lab, file, fifo, async () => {
      for (let round = 0; round < 20; round++) ok(await container.running().result());
    });
  },
);

// --- binds ---

scenario("a file is bound onto another file", async (lab) => {
  writeFileSync(lab.path("ours"), "ours\n");
  const output = await lab.shell("cat /etc/passwd", (spec) => {
    spec.mounts.push({ destination: "/etc/passwd", source: lab.path("ours"), type: "bind", options: ["bind", "ro"] });
  });
  assert.equal(output, "ours\n");
});

scenario("create refuses to bind a file onto a directory, and a directory onto a file", async (lab) => {
  writeFileSync(lab.path("file"), "x");
  mkdirSync(lab.path("directory"));
  for (const [source, destination] of [
    ["file", "/etc"],
    ["directory", "/etc/passwd"],
  ] as const) {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.mounts.push({ destination, source: lab.path(source), type: "bind", options: ["bind"] });
    });
    refused(await container.creating().result());
  }
});

scenario("the link of a bind source is followed", async (lab) => {
  writeFileSync(lab.path("file"), "behind the link\n");
  symlinkSync("file", lab.path("link"));
  const output = await lab.shell("cat /mnt/x", (spec) => {
    spec.mounts.push({ destination: "/mnt/x", source: lab.path("link"), type: "bind", options: ["bind"] });
  });
  assert.equal(output, "behind the link\n");
});

scenario("src-nofollow binds the link itself", { boxOnly: "src-nofollow, as crun has it" }, async (lab) => {
  symlinkSync("/etc/passwd", lab.path("link"));
  const output = await lab.shell("readlink /mnt/x", (spec) => {
    const options = ["bind", "src-nofollow"];
    spec.mounts.push({ destination: "/mnt/x", source: lab.path("link"), type: "bind", options });
  });
  assert.equal(output, "/etc/passwd\n");
});

scenario("copy-symlink makes the source's link again", { boxOnly: "copy-symlink, as crun has it" }, async (lab) => {
  symlinkSync("/etc/passwd", lab.path("link"));
  writeFileSync(lab.path("file"), "no link\n");
  const script = "readlink /mnt/x; head -n 1 /mnt/x; cat /mnt/y; grep -c ' /mnt' /proc/self/mountinfo";
  const container = lab.container(["/bin/sh", "-c", script], (spec) => {
    const options = ["bind", "copy-symlink"];
    spec.root.readonly = false;
    spec.mounts.push({ destination: "/mnt/x", source: lab.path("link"), type: "bind", options });
    // Once more: the same link is there.
    spec.mounts.push({ destination: "/mnt/x", source: lab.path("link"), type: "bind", options });
    spec.mounts.push({ destination: "/mnt/y", source: lab.path("file"), type: "bind", options });
  });
  assert.equal(await container.outputOfRun(), "/etc/passwd\nroot:x:0:0:root:/root:/bin/sh\nno link\n1\n");
});

scenario("copy-symlink is refused where something else stands", { boxOnly: "copy-symlink" }, async (lab) => {
  symlinkSync("/etc/passwd", lab.path("link"));
  const container = lab.container(["/bin/true"], (spec) => {
    const options = ["bind", "copy-symlink"];
    spec.mounts.push({ destination: "/etc/group", source: lab.path("link"), type: "bind", options });
  });
  refused(await container.creating().result(), /bind .* on "\/etc\/group" with "bind,copy-symlink": .*EEXIST/);
});

scenario("dest-nofollow mounts on a link of the image", { boxOnly: "dest-nofollow, as crun has it" }, async (lab) => {
  writeFileSync(lab.path("file"), "ours\n");
  const container = lab.container(["/bin/sh", "-c", "cat /link /target"], (spec) => {
    const options = ["bind", "dest-nofollow"];
    spec.mounts.push({ destination: "/link", source: lab.path("file"), type: "bind", options });
  });
  writeFileSync(join(container.rootfs, "target"), "the image's\n");
  symlinkSync("target", join(container.rootfs, "link"));
  assert.equal(await container.outputOfRun(), "ours\nthe image's\n");
});

// --- ids ---

/** Its ids may look into a root file system that is root's, and write nowhere. */
function inUserNamespace(spec: Spec, size: number): void {
  spec.linux.namespaces.push({ type: "user" });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size }];
}

/** What a script prints where there is a directory /mnt already. */
async function shell(lab: Lab, script: string, change: (spec: Spec) => void): Promise<string> {
  const container = lab.container(["/bin/sh", "-c", script], change);
  mkdirSync(join(container.rootfs, "mnt"));
  return await container.outputOfRun();
}

const mapping: IdMapping[] = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 7, hostID: 2000, size: 10 },
];

/** A volume with files of 0 and 8, and one that no mapping knows. */
function volume(lab: Lab): string {
  const path = lab.path("volume");
  mkdirSync(path);
  chmodSync(path, 0o777);
  for (const [name, id] of [
    ["root", 0],
    ["eight", 8],
    ["other", 500],
  ] as const) {
    writeFileSync(join(path, name), name);
    chownSync(join(path, name), id, id);
  }
  return path;
}

const owners = "stat -c %u:%g /mnt/root /mnt/eight /mnt/other";
const needsIds: Need[] = ["mount: id mapping"];
const ids = {
  root: "files and processes of other users" as const,
  clause: "config.md, Mounts: uidMappings",
  needs: needsIds,
};

scenario("a bind mount with mappings of its own shows mapped owners", ids, async (lab) => {
  const source = volume(lab);
  const output = await shell(lab, `${owners}; touch /mnt/new; stat -c %u:%g /mnt/new`, (spec) => {
    const options = ["bind", "idmap"];
    const maps = { uidMappings: mapping, gidMappings: mapping };
    spec.mounts.push({ destination: "/mnt", source, type: "bind", options, ...maps });
    spec.process.user = { uid: 1000, gid: 1000 };
  });
  assert.equal(output, "1000:1000\n2001:2001\n65534:65534\n1000:1000\n");
  assert.equal(execFileSync("stat", ["-c", "%u:%g", join(source, "new")], { encoding: "utf8" }), "0:0\n");
});

scenario(
  "a mount of the container does not appear in the source of a bind mount with mappings",
  { ...ids, root: "mounts on the host", boxOnly: "no way out for mounts unless the bind asks for shared" },
  async (lab) => {
    const source = sharedMount(lab);
    const maps = { uidMappings: mapping, gidMappings: mapping };
    await inside(
      lab,
      [
        { destination: "/mnt", source, type: "bind", options: ["rbind", "idmap"], ...maps },
        { destination: "/mnt/inner", type: "tmpfs", source: "tmpfs" },
      ],
      (spec) => {
        spec.linux.rootfsPropagation = "rshared";
      },
    );
    assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(`${source}/inner`));
  },
);

scenario(
  "mappings of a mount count without the option as well",
  { ...ids, boxOnly: "mappings that older runtimes ignored" },
  async (lab) => {
    const source = volume(lab);
    const output = await shell(lab, owners, (spec) => {
      const maps = { uidMappings: mapping, gidMappings: mapping };
      spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["bind"], ...maps });
    });
    assert.equal(output, "1000:1000\n2001:2001\n65534:65534\n");
  },
);

scenario(
  "idmap takes the mappings of the user namespace",
  { ...ids, needs: ["namespace: user", ...needsIds] },
  async (lab) => {
    const source = volume(lab);
    const output = await shell(lab, `${owners}; touch /mnt/new; stat -c %u:%g /mnt/new`, (spec) => {
      inUserNamespace(spec, 100);
      spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["rbind", "idmap"] });
    });
    assert.equal(output, "0:0\n8:8\n65534:65534\n0:0\n");
    assert.equal(execFileSync("stat", ["-c", "%u:%g", join(source, "new")], { encoding: "utf8" }), "0:0\n");
  },
);

scenario(
  "a mount has mappings of its own inside a user namespace",
  { ...ids, needs: ["namespace: user", ...needsIds] },
  async (lab) => {
    const source = volume(lab);
    const output = await shell(lab, owners, (spec) => {
      inUserNamespace(spec, 100);
      const own = [{ containerID: 0, hostID: 100_042, size: 20 }];
      const options = ["bind", "idmap"];
      spec.mounts.push({ destination: "/mnt", source, type: "bind", options, uidMappings: own, gidMappings: own });
    });
    assert.equal(output, "42:42\n50:50\n65534:65534\n");
  },
);

for (const [option, below] of [
  ["idmap", "0:0"],
  ["ridmap", "1000:1000"],
] as const) {
  scenario(
    `${option} maps the mounts below ${option === "ridmap" ? "as well" : "not"}`,
    { ...ids, needs: ["mount: overlay", ...needsIds] },
    async (lab) => {
      const source = tree(lab);
      const output = await shell(lab, "stat -c %u:%g /mnt /mnt/below", (spec) => {
        const options = ["rbind", option];
        const maps = { uidMappings: mapping, gidMappings: mapping };
        spec.mounts.push({ destination: "/mnt", source, type: "bind", options, ...maps });
      });
      assert.equal(output, `1000:1000\n${below}\n`);
    },
  );
}

scenario(
  "a joined user namespace gives its mappings",
  { ...ids, needs: ["namespace: user", ...needsIds], boxOnly: "idmap with a joined user namespace" },
  async (lab) => {
    const source = volume(lab);
    const first = await lab.running(["/bin/probe", "wait"], (spec) => inUserNamespace(spec, 100));
    const output = await shell(lab, owners, (spec) => {
      spec.linux.namespaces.push({ type: "user", path: `/proc/${first.pid}/ns/user` });
      spec.mounts.push({ destination: "/mnt", source, type: "bind", options: ["bind", "idmap"] });
    });
    assert.equal(output, "0:0\n8:8\n65534:65534\n");
  },
);

scenario("ranges in the idmap option count", { ...ids, boxOnly: "crun's way to write mappings" }, async (lab) => {
  const source = volume(lab);
  const output = await shell(lab, owners, (spec) => {
    const options = ["bind", "idmap=uids=0-1000-1#7-2000-10;gids=0-30-20"];
    spec.mounts.push({ destination: "/mnt", source, type: "bind", options });
  });
  assert.equal(output, "1000:30\n2001:38\n65534:65534\n");
});

scenario("a new tmpfs has mapped ids", { ...ids, boxOnly: "id-mapped mounts that bind nothing" }, async (lab) => {
  const output = await shell(lab, "stat -c %u:%g /mnt", (spec) => {
    const maps = { uidMappings: mapping, gidMappings: mapping };
    spec.mounts.push({
      destination: "/mnt",
      type: "tmpfs",
      source: "tmpfs",
      options: ["idmap", "mode=755"],
      ...maps,
    });
  });
  assert.equal(output, "1000:1000\n");
});

for (const [what, change] of [
  ["idmap without mappings and without a user namespace", { options: ["bind", "idmap"] }],
  ["uidMappings alone", { options: ["bind", "idmap"], uidMappings: mapping }],
  [
    "an id-mapped file system that maps no ids",
    { type: "mqueue", options: ["idmap"], uidMappings: mapping, gidMappings: mapping },
  ],
] as const) {
  scenario(`create refuses ${what}`, ids, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.mounts.push({ destination: "/mnt", source: volume(lab), type: "bind", ...change } as unknown as Mount);
    });
    refused(await container.creating().result());
  });
}

scenario(
  "a bind source that only root can reach is there in a user namespace",
  {
    root: "files and processes of other users",
    needs: ["namespace: user"],
    boxOnly: "bind sources opened with the caller's rights",
  },
  async (lab) => {
    mkdirSync(lab.path("closed/volume"), { recursive: true });
    writeFileSync(lab.path("closed/volume/file"), "reached\n");
    chmodSync(lab.path("closed"), 0o700);
    const output = await shell(lab, "cat /mnt/file", (spec) => {
      inUserNamespace(spec, 65536);
      spec.mounts.push({ destination: "/mnt", source: lab.path("closed/volume"), type: "bind", options: ["bind"] });
    });
    assert.equal(output, "reached\n");
  },
);

// --- file systems ---

scenario(
  "an overlay may have options longer than 255 bytes",
  { needs: ["mount: overlay"], clause: "config.md, Mounts: options" },
  async (lab) => {
    const layers = Array.from({ length: 8 }, (_, index) => lab.path(`layer-${index}-${"x".repeat(60)}`));
    for (const [index, layer] of layers.entries()) {
      mkdirSync(layer);
      writeFileSync(join(layer, `file${index}`), "");
    }
    const output = await lab.shell("ls /mnt; touch /mnt/new 2>&1; grep -c proc /proc/self/mountinfo", (spec) => {
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
      const options = [`lowerdir=${layers.join(":")}`, "ro", "nosuid"];
      spec.mounts.push({ destination: "/mnt", type: "overlay", source: "overlay", options });
    });
    const files = layers.map((_, index) => `file${index}\n`).join("");
    assert.ok(output.startsWith(files), output);
    assert.match(output, /Read-only file system\n1\n$/);
  },
);

scenario("a mount of type cgroup2 shows the container's own cgroup", { needs: ["namespace: cgroup"] }, async (lab) => {
  const [found] = await inside(lab, [{ destination: "/mnt", type: "cgroup2", source: "cgroup2" }], (spec) => {
    spec.linux.namespaces.push({ type: "cgroup" });
  });
  assert.deepEqual([found?.type, found?.root], ["cgroup2", "/"]);
});

scenario(
  "a mount on / takes the place of the root file system",
  { boxOnly: "a destination of / (runc#5070)" },
  async (lab) => {
    for (const flags of [[], ["--no-pivot"]]) {
      const container = lab.container(["/bin/sh", "-c", "cat /which; ls -d /mnt/x; touch /new 2>&1"], (spec) => {
        spec.mounts.unshift({ destination: "/", source: lab.path("other"), type: "bind", options: ["rbind"] });
        spec.mounts.push({ destination: "/mnt/x", type: "tmpfs", source: "tmpfs" });
      });
      if (!existsSync(lab.path("other"))) {
        execFileSync("cp", ["-a", context.rootfs, lab.path("other")]);
        writeFileSync(lab.path("other/which"), "the other\n");
      }
      await container.create(flags);
      await container.start();
      container.shim.stdin.end();
      assert.match(await container.output(), /^the other\n\/mnt\/x\n.*Read-only file system\n$/);
      await container.exit();
      assert.ok(!existsSync(join(container.rootfs, "mnt")));
    }
  },
);

scenario(
  "the label of mounts is ignored without SELinux",
  { clause: "config-linux.md, Mount Label" },
  async (lab, t) => {
    if (existsSync("/sys/fs/selinux/enforce")) return t.skip("SELinux is in force");
    const [found] = await inside(lab, [{ destination: "/mnt", type: "tmpfs", source: "tmpfs" }], (spec) => {
      spec.linux.mountLabel = "system_u:object_r:container_file_t:s0:c1,c2";
    });
    assert.ok(!found?.superOptions.some((option) => option.includes("context")));
  },
);

scenario(
  "a failed mount says source, destination, options and errno",
  { boxOnly: "the words of errors" },
  async (lab) => {
    for (const [mount, text] of [
      [
        { type: "tmpfs", source: "scratch", options: ["nosuid", "size=much"] },
        /mount tmpfs "scratch" on "\/mnt" with "nosuid,size=much": .*size.*EINVAL/,
      ],
      [
        { type: "bind", source: "/nothing/here", options: ["rbind", "ro"] },
        /bind "\/nothing\/here" on "\/mnt" with "rbind,ro": .*ENOENT/,
      ],
    ] as const) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.mounts.push({ destination: "/mnt", ...mount } as unknown as Mount);
      });
      refused(await container.creating().result(), text);
    }
  },
);
