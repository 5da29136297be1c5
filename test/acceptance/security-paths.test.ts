/** Published holes by which an image, or a container that shares a volume, led the runtime's paths out of the root. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Canary, runOf, whileSwapping } from "./harness/attack.ts";
import { command } from "./harness/command.ts";
import type { Mount, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import { parseMountinfo } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security of paths", { boxOnly: "where it follows what an image says" });

/** Rounds of a race: an unguarded runtime loses one of about twenty. */
const rounds = 40;

/** The container has no mount at a place, so that what the image has there counts. */
function withoutMount(spec: Spec, place: string): void {
  spec.mounts = spec.mounts.filter(({ destination }) => `${destination}/`.startsWith(`${place}/`) === false);
}

/** Replaces an empty directory of the image by a link. */
function plantLink({ rootfs }: Container, path: string, target: string): void {
  rmSync(join(rootfs, path), { recursive: true, force: true });
  symlinkSync(target, join(rootfs, path));
}

// --- Links of the image on the way to a mount -------------------------------------------------------------------------

const ways: [string, (canary: string) => string][] = [
  ["an absolute link", (canary) => canary],
  ["a link with many ..", (canary) => `${"../".repeat(20)}${canary.slice(1)}`],
  ["a dangling link", (canary) => `${canary}/new`],
  ["a chain of links", () => "/second"],
];

function mountKinds(lab: Lab): Omit<Mount, "destination">[] {
  const file = lab.path("bound-file");
  const directory = lab.path("bound-directory");
  writeFileSync(file, "");
  mkdirSync(directory);
  return [
    { type: "tmpfs", source: "tmpfs" },
    { type: "bind", source: directory, options: ["bind"] },
    { type: "bind", source: file, options: ["bind"] },
    { type: "mqueue", source: "mqueue" },
    { type: "cgroup", source: "cgroup" },
  ];
}

for (const [what, targetOf] of ways) {
  scenario(`${what} of the image leads no mount out of the root (CVE-2015-3629, CVE-2019-18837)`, async (lab) => {
    const canary = new Canary(lab);
    for (const kind of mountKinds(lab)) {
      for (const destination of ["/link", "/link/x", "/link/x/y"]) {
        const container = lab.container(["/bin/cat", "/proc/self/mountinfo"], (spec) => {
          spec.root.readonly = false;
          spec.mounts.push({ ...kind, destination });
        });
        plantLink(container, "second", canary.path);
        plantLink(container, "link", targetOf(canary.path));
        const result = await runOf(container, lab);
        canary.check([result]);
        if (result.status === 0) {
          const points = parseMountinfo(result.stdout).map(({ point }) => point);
          const place = targetOf(canary.path) === "/second" ? canary.path : targetOf(canary.path);
          const inside = `/${place.replaceAll("../", "").replace(/^\//, "")}${destination.slice(5)}`;
          assert.ok(points.includes(inside), `${destination}: nothing is mounted at ${inside} inside`);
        }
      }
    }
  });
}

scenario("a destination that goes through the links of procfs stays in the root or is refused", async (lab) => {
  const canary = new Canary(lab);
  const leadingOut = ["/proc/self/root", "/proc/self/cwd", "/proc/self/fd/3", "/proc/1/root"];
  for (const destination of [...leadingOut.map((way) => `${way}${canary.path}/x`), `/../../..${canary.path}/x`]) {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.root.readonly = false;
      spec.mounts.push({ destination, type: "tmpfs", source: "tmpfs" });
    });
    canary.check([await runOf(container, lab)]);
  }
});

scenario("a working directory that is made stays in the root (CVE-2025-24965)", async (lab) => {
  const canary = new Canary(lab);
  for (const [, targetOf] of ways) {
    const container = lab.container(["/bin/pwd"], (spec) => {
      spec.root.readonly = false;
      spec.process.cwd = "/link/x/y";
    });
    plantLink(container, "second", canary.path);
    plantLink(container, "link", targetOf(canary.path));
    canary.check([await runOf(container, lab)]);
  }
});

scenario("a file that is made for a bind is not made where a link of the image leads (CVE-2025-24965)", async (lab) => {
  const canary = new Canary(lab);
  for (const target of [`${canary.path}/made`, canary.file]) {
    const container = lab.container(["/bin/cat", "/etc/resolv.conf"], (spec) => {
      spec.root.readonly = false;
      spec.mounts.push({ destination: "/etc/resolv.conf", source: lab.path("conf"), options: ["bind"] });
    });
    writeFileSync(lab.path("conf"), "bound\n");
    plantLink(container, "etc/resolv.conf", target);
    const result = await runOf(container, lab);
    canary.check([result]);
    assert.equal(result.stdout, "bound\n");
  }
});

// --- /proc and /sys ---------------------------------------------------------------------------------------------------

const partsOfProc = [
  ...["/proc", "/proc/sys", "/proc/self", "/proc/self/attr", "/proc/thread-self/attr", "/proc/1", "/proc/1/attr"],
  ...["//proc", "/x/../proc/sys", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/sys/net/ipv4/ip_forward"],
];

scenario(
  "nothing is mounted on procfs or a part of it (CVE-2019-16884, CVE-2015-3630, CVE-2015-3631, CVE-2025-52881)",
  { limit: 120_000 },
  async (lab) => {
    const canary = new Canary(lab);
    // A decoy with all the names that are written to.
    const decoy = lab.path("decoy");
    mkdirSync(`${decoy}/sys/net/ipv4`, { recursive: true });
    mkdirSync(`${decoy}/self/attr`, { recursive: true });
    const files = ["sys/net/ipv4/ip_forward", "self/attr/exec", "self/oom_score_adj"].map((name) => `${decoy}/${name}`);
    for (const file of files) writeFileSync(file, "");
    for (const destination of partsOfProc) {
      for (const mount of [
        { type: "tmpfs", source: "tmpfs" },
        { source: /_adj|trigger|forward/.test(destination) ? files[0] : decoy, options: ["bind"] },
      ]) {
        const container = lab.container(["/bin/true"], (spec) => {
          spec.linux.sysctl = { "net.ipv4.ip_forward": "1" };
          spec.process.oomScoreAdj = 100;
          spec.mounts.push({ destination, ...mount } as Mount);
        });
        refused(await runOf(container, lab), /procfs|No such|ENOENT|not a directory|EISDIR|ENOTDIR|ELOOP/);
      }
    }
    canary.check();
    for (const file of files) assert.equal(readFileSync(file, "utf8"), "", `${file} was written`);
  },
);

scenario("a link of the image leads no mount onto procfs (CVE-2019-16884)", async (lab) => {
  for (const target of ["/proc/sys", "/proc/self", "/proc/self/attr"]) {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.mounts.push({ destination: "/link", type: "tmpfs", source: "tmpfs" });
    });
    plantLink(container, "link", target);
    refused(await runOf(container, lab), /procfs/);
  }
});

for (const place of ["/proc", "/sys"]) {
  scenario(
    `procfs and sysfs are not mounted where ${place} of the image is no directory (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-54867)`,
    async (lab) => {
      const canary = new Canary(lab);
      for (const target of ["/elsewhere", canary.path, "elsewhere", place, `..${canary.path}`]) {
        const container = lab.container(["/bin/true"]);
        mkdirSync(join(container.rootfs, "elsewhere"));
        plantLink(container, place.slice(1), target);
        refused(await runOf(container, lab), /must be a directory and no link/);
      }
      const container = lab.container(["/bin/true"]);
      rmdirSync(join(container.rootfs, place));
      writeFileSync(join(container.rootfs, place), "");
      refused(await runOf(container, lab), /must be a directory and no link/);
      canary.check();
    },
  );
}

scenario("kernel parameters reach procfs, whatever the image has at /proc (CVE-2025-52881)", async (lab) => {
  const container = lab.container(["/bin/cat", "/true-proc/sys/net/ipv4/ip_forward"], (spec) => {
    withoutMount(spec, "/proc");
    spec.mounts.push({ destination: "/true-proc", type: "proc", source: "proc" });
    spec.linux.sysctl = { "net.ipv4.ip_forward": "1" };
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
  });
  const decoy = join(container.rootfs, "proc/sys/net/ipv4");
  mkdirSync(decoy, { recursive: true });
  writeFileSync(join(decoy, "ip_forward"), "");
  assert.equal(ok(await runOf(container, lab)).stdout, "1\n");
  assert.equal(readFileSync(join(decoy, "ip_forward"), "utf8"), "");
});

scenario(
  "kernel parameters are not written to what covers the host's /proc (CVE-2025-52881)",
  { root: "mounts on the host" },
  async (lab) => {
    const container = lab.container(["/bin/cat", "/proc/sys/kernel/domainname"], (spec) => {
      spec.linux.sysctl = { "kernel.domainname": "true.example" };
    });
    // The file is one for all namespaces: those of net and ipc are found by namespace, past what is mounted.
    writeFileSync(lab.path("decoy"), "");
    const { runtime, id, bundle } = container;
    const run = runtime.argv(["run", "--bundle", bundle, id]);
    const script = `mount --bind "$0" /proc/sys/kernel/domainname && exec "$@"`;
    const argv = ["unshare", "--mount", "/bin/sh", "-c", script, lab.path("decoy"), ...run];
    const result = await command(argv, { env: runtime.place.env });
    assert.equal(readFileSync(lab.path("decoy"), "utf8"), "", "the decoy was written");
    assert.equal(ok(result).stdout, "true.example\n");
  },
);

scenario("a kernel parameter of the machine's, or a path in place of one, is refused (CVE-2022-0811)", async (lab) => {
  for (const key of [
    ...[
      "vm.overcommit_memory",
      "kernel/../vm/overcommit_memory",
      "net/../../..",
      "net..ipv4",
      "kernel.core_pattern",
      "net/../kernel/hostname",
    ],
    ...["net/", "/net/ipv4/ip_forward", "kernel.msgmax/../core_pattern", "", "."],
  ]) {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.linux.sysctl = { [key]: "1" };
    });
    refused(await runOf(container, lab), /linux\.sysctl/);
  }
  const ofHost = lab.container(["/bin/true"], (spec) => {
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
    spec.linux.sysctl = { "net.ipv4.ip_forward": "1" };
  });
  refused(await runOf(ofHost, lab), /linux\.sysctl/);
});

// --- /dev -------------------------------------------------------------------------------------------------------------

scenario(
  "devices and links of /dev are not made where a link of the image leads (CVE-2026-41579, CVE-2026-47766)",
  async (lab) => {
    const canary = new Canary(lab);
    for (const target of [canary.path, `..${canary.path}`]) {
      for (const isCovered of [false, true]) {
        const container = lab.container(["/bin/true"], (spec) => {
          spec.root.readonly = false;
          const tmpfs = spec.mounts.filter(({ destination }) => destination === "/dev");
          withoutMount(spec, "/dev");
          if (isCovered) spec.mounts.push(...tmpfs);
          spec.linux.devices = [
            { path: "/dev/own", type: "c", major: 1, minor: 5 },
            { path: "/link/own", type: "c", major: 1, minor: 5 },
            { path: "/x/../link/other", type: "p" },
          ];
        });
        plantLink(container, "dev", target);
        plantLink(container, "link", target);
        await runOf(container, lab);
        canary.check();
      }
    }
  },
);

scenario("a terminal touches nothing where links of the image lead (CVE-2026-88264, CVE-2026-88265)", async (lab) => {
  const canary = new Canary(lab);
  for (const readonly of [false, true]) {
    for (const [link, target] of [
      ["console", `${canary.path}/made`],
      ["console", canary.file],
      ["null", canary.file],
    ] as const) {
      const container = lab.container(["/bin/echo", "on", "it"], (spec) => {
        const pts = spec.mounts.filter(({ destination }) => destination === "/dev/pts");
        withoutMount(spec, "/dev");
        spec.mounts.push(...pts);
        spec.root.readonly = readonly;
        spec.process.terminal = true;
        spec.process.user = { uid: 1234, gid: 1234 };
      });
      mkdirSync(join(container.rootfs, "dev/pts"), { recursive: true });
      plantLink(container, `dev/${link}`, target);
      await runOf(container, lab);
      canary.check();
    }
  }
});

scenario("the console is the terminal, whatever stands at /dev/pts (CVE-2025-52565)", async (lab) => {
  const bait = lab.path("bait");
  writeFileSync(bait, "bait\n");
  const volume = lab.path("volume");
  mkdirSync(volume);
  for (let number = 0; number < 10; number++) symlinkSync("/bait", join(volume, `${number}`));
  symlinkSync("/dev/real/ptmx", join(volume, "ptmx"));
  for (const withDevpts of [true, false]) {
    const container = lab.container(["/bin/stat", "-c", "%F %t", "/dev/console"], (spec) => {
      const pts = spec.mounts.find(({ destination }) => destination === "/dev/pts") as Mount;
      spec.mounts = spec.mounts.filter((mount) => mount !== pts);
      if (withDevpts) spec.mounts.push({ ...pts, destination: "/dev/real" });
      spec.mounts.push({ destination: "/dev/pts", source: volume, options: ["bind"] });
      spec.mounts.push({ destination: "/bait", source: bait, options: ["bind"] });
      spec.process.terminal = true;
    });
    const result = await runOf(container, lab);
    if (result.status === 0) assert.equal(result.stdout.trim(), "character special file 88");
    else refused(result, /devpts|ENOENT/);
    assert.equal(readFileSync(bait, "utf8"), "bait\n");
  }
});

scenario(
  "nothing is opened at /dev/pts that is no devpts",
  { boxOnly: "to open a device may do something, or wait for ever" },
  async (lab) => {
    const volume = lab.path("volume");
    execFileSync("mkdir", [volume]);
    execFileSync("mkfifo", [`${volume}/ptmx`]);
    const container = lab.container(["/bin/true"], (spec) => {
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/dev/pts");
      spec.mounts.push({ destination: "/dev/pts", source: volume, options: ["bind"] });
      spec.process.terminal = true;
    });
    // Whoever opened the pipe to write, for a moment, would end the wait of its reader.
    const reader = command(["cat", `${volume}/ptmx`]);
    refused(await runOf(container, lab), /devpts/);
    writeFileSync(`${volume}/ptmx`, "nobody else");
    assert.equal((await reader).stdout, "nobody else");
  },
);

scenario(
  "the console is the terminal while a neighbour exchanges /dev/pts (CVE-2025-52565)",
  { limit: 120_000 },
  async (lab) => {
    const volume = lab.path("volume");
    mkdirSync(`${volume}/pts`, { recursive: true });
    mkdirSync(`${volume}/links`);
    writeFileSync(lab.path("bait"), "bait\n");
    for (const name of ["0", "1", "ptmx"]) symlinkSync("/bait", `${volume}/links/${name}`);
    await whileSwapping(lab, `${volume}/pts`, `${volume}/links`, async () => {
      for (let round = 0; round < rounds / 2; round++) {
        const container = lab.container(["/bin/stat", "-c", "%F", "/dev/console"], (spec) => {
          const pts = spec.mounts.find(({ destination }) => destination === "/dev/pts") as Mount;
          withoutMount(spec, "/dev");
          spec.mounts.push({ destination: "/dev", source: volume, options: ["bind"] }, pts);
          spec.mounts.push({ destination: "/bait", source: lab.path("bait"), options: ["bind"] });
          spec.process.terminal = true;
        });
        const result = await runOf(container, lab);
        if (result.status === 0) assert.equal(result.stdout.trim(), "character special file");
      }
    });
    assert.equal(readFileSync(lab.path("bait"), "utf8"), "bait\n");
  },
);

// --- Masks ------------------------------------------------------------------------------------------------------------

const nulls: [string, (path: string) => void][] = [
  ["a link to a file of procfs", (path) => symlinkSync("/proc/sys/kernel/hostname", path)],
  ["a link to a file", (path) => symlinkSync("/bait", path)],
  ["a file", (path) => writeFileSync(path, "secret\n")],
  ["another device", (path) => execFileSync("mknod", [path, "c", "1", "5"])],
  ["a directory", (path) => mkdirSync(path)],
  ["a FIFO", (path) => execFileSync("mkfifo", [path])],
  ["nothing", () => undefined],
];

/** Writes to what is masked, and says what it is. */
const touchMasked =
  "stat -c '%F %t:%T' /masked; echo gone >/masked; cat /masked; hostname; cat /proc/sys/kernel/hostname /bait";

for (const [what, plant] of nulls) {
  for (const from of ["the image", "a shared volume"] as const) {
    const root = what === "another device" ? "device nodes" : undefined;
    scenario(
      `masks hold where /dev/null of ${from} is ${what} (CVE-2025-31133, CVE-2025-62161)`,
      { root },
      async (lab) => {
        const volume = lab.path("volume");
        mkdirSync(volume);
        const container = lab.container(["/bin/sh", "-c", touchMasked], (spec) => {
          withoutMount(spec, "/dev");
          spec.root.readonly = false;
          if (from === "a shared volume") spec.mounts.push({ destination: "/dev", source: volume, options: ["bind"] });
          spec.linux.maskedPaths = ["/masked"];
          spec.linux.readonlyPaths = [];
        });
        plant(join(from === "a shared volume" ? volume : join(container.rootfs, "dev"), "null"));
        for (const name of ["masked", "bait"]) writeFileSync(join(container.rootfs, name), `${name}\n`);
        const result = await runOf(container, lab);
        if (result.status === 0)
          assert.equal(result.stdout, "character special file 1:3\nacceptance\nacceptance\nbait\n");
        else refused(result, /device "\/dev\/null"/);
      },
    );
  }
}

scenario(
  "masks hold while a neighbour exchanges /dev/null (CVE-2025-31133)",
  { root: "device nodes", limit: 120_000 },
  async (lab) => {
    const volume = lab.path("volume");
    mkdirSync(volume);
    execFileSync("mknod", [join(volume, "null"), "c", "1", "3"]);
    symlinkSync("/bait", join(volume, "other"));
    await whileSwapping(lab, join(volume, "null"), join(volume, "other"), async () => {
      for (let round = 0; round < rounds / 2; round++) {
        const container = lab.container(["/bin/sh", "-c", touchMasked], (spec) => {
          withoutMount(spec, "/dev");
          spec.root.readonly = false;
          spec.mounts.push({ destination: "/dev", source: volume, options: ["bind"] });
          spec.linux.maskedPaths = ["/masked"];
        });
        for (const name of ["masked", "bait"]) writeFileSync(join(container.rootfs, name), `${name}\n`);
        const result = ok(await runOf(container, lab));
        assert.equal(result.stdout, "character special file 1:3\nacceptance\nacceptance\nbait\n");
      }
    });
  },
);

scenario(
  "box spec writes the masks of the specification's tools (CVE-2017-16539, CVE-2018-10892, CVE-2015-3630)",
  async (lab) => {
    mkdirSync(lab.path("spec"));
    ok(await lab.runtime.call(["spec", "--bundle", lab.path("spec")]));
    const spec = JSON.parse(readFileSync(lab.path("spec/config.json"), "utf8")) as Spec;
    const { maskedPaths, readonlyPaths } = spec.linux;
    const proc = "acpi asound kcore keys latency_stats timer_list timer_stats sched_debug scsi interrupts".split(" ");
    assert.deepEqual(
      [...proc.map((name) => `/proc/${name}`), "/sys/firmware", "/sys/devices/virtual/powercap"].filter(
        (path) => !maskedPaths.includes(path),
      ),
      [],
    );
    assert.deepEqual(
      ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"].filter(
        (path) => !readonlyPaths.includes(path),
      ),
      [],
    );
  },
);

// --- Cgroups ----------------------------------------------------------------------------------------------------------

for (const [what, change] of [
  ["without a cgroup namespace", () => undefined],
  ["with a cgroup namespace", ({ linux }: Spec) => linux.namespaces.push({ type: "cgroup" })],
  [
    "in a user namespace",
    ({ linux }: Spec) => {
      linux.namespaces.push({ type: "cgroup" });
      // Of an ordinary user's container the suite's own one.
      if (context.user !== undefined) return;
      linux.namespaces.push({ type: "user" });
      linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    },
  ],
] as const) {
  scenario(`cgroups cannot be made or written ${what} (CVE-2023-25809, CVE-2022-0492)`, async (lab) => {
    for (const options of [undefined, ["ro"]]) {
      const script =
        "cd /sys/fs/cgroup; for d in . *; do mkdir $d/made && echo made $d; done; find . -name release_agent -o -name cgroup.procs | while read f; do echo 1 >$f && echo wrote $f; done";
      const container = lab.container(["/bin/sh", "-c", `{ ${script}; } 2>/dev/null; echo done`], (spec) => {
        change(spec);
        const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
        spec.mounts.push(options === undefined ? mount : { ...mount, options: [...options] });
      });
      assert.equal(ok(await runOf(container, lab)).stdout, "done\n");
    }
  });
}

// --- Races ------------------------------------------------------------------------------------------------------------

scenario(
  "mount points below a name that a neighbour exchanges are not made on the host (CVE-2024-45310)",
  { limit: 120_000 },
  async (lab) => {
    const canary = new Canary(lab);
    const volume = lab.path("volume");
    mkdirSync(`${volume}/swap`, { recursive: true });
    symlinkSync(canary.path, `${volume}/other`);
    writeFileSync(lab.path("source"), "");
    await whileSwapping(lab, `${volume}/swap`, `${volume}/other`, async () => {
      for (let round = 0; round < rounds; round++) {
        const container = lab.container(["/bin/true"], (spec) => {
          spec.root.readonly = false;
          spec.mounts.push({ destination: "/volume", source: volume, options: ["bind"] });
          for (let number = 0; number < 6; number++) {
            const place = `/volume/swap/${round}-${number}`;
            spec.mounts.push({ destination: `${place}/a/b`, type: "tmpfs", source: "tmpfs" });
            spec.mounts.push({ destination: `${place}-file`, source: lab.path("source"), options: ["bind"] });
          }
        });
        await runOf(container, lab);
        canary.check();
      }
    });
  },
);

scenario(
  "a mount that a neighbour leads away does not change the source of a later one (CVE-2021-30465)",
  { limit: 120_000 },
  async (lab) => {
    const canary = new Canary(lab);
    const volumes = lab.path("volumes");
    for (const name of ["first/swap", "second/first", "second/second", "third"])
      mkdirSync(`${volumes}/${name}`, { recursive: true });
    // Whoever mounts the second over the directory of the volumes takes its link for the third.
    symlinkSync("/", `${volumes}/second/third`);
    symlinkSync(volumes, `${volumes}/first/other`);
    await whileSwapping(lab, `${volumes}/first/swap`, `${volumes}/first/other`, async () => {
      for (let round = 0; round < rounds; round++) {
        const container = lab.container(["/bin/cat", `/third${canary.file}`], (spec) => {
          spec.root.readonly = false;
          spec.mounts.push({ destination: "/first", source: `${volumes}/first`, options: ["bind"] });
          spec.mounts.push({ destination: "/first/swap", source: `${volumes}/second`, options: ["bind"] });
          spec.mounts.push({ destination: "/third", source: `${volumes}/third`, options: ["rbind"] });
        });
        canary.check([await runOf(container, lab)]);
      }
    });
    assert.deepEqual(readdirSync(`${volumes}/third`), []);
    assert.ok(!existsSync(`${volumes}/made`));
  },
);
