import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Device, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("devices", { clause: "config-linux.md, Devices" });

/** With these devices and no others, in a root file system without a /dev of its own. */
function withDevices(...devices: Device[]) {
  return (spec: Spec) => {
    spec.linux.devices = devices;
    spec.root.readonly = false;
  };
}

function statOf(lab: Lab, paths: string, change: (spec: Spec) => void, prepare?: (container: Container) => void) {
  const container = lab.container(["/bin/sh", "-c", `stat -c '%n %F %t:%T %a %u:%g' ${paths}`], change);
  prepare?.(container);
  return container.outputOfRun();
}

const owned = { uid: 0, gid: 0 };

scenario("character, unbuffered, block devices and FIFOs are made", { root: "device nodes" }, async (lab) => {
  const change = withDevices(
    { path: "/dev/one", type: "c", major: 1, minor: 3, fileMode: 0o600, ...owned },
    { path: "/dev/two", type: "u", major: 1, minor: 5, fileMode: 0o640, ...owned },
    { path: "/dev/three", type: "b", major: 7, minor: 300, fileMode: 0o660, ...owned },
    { path: "/dev/four", type: "p", fileMode: 0o622, ...owned },
  );
  assert.equal(
    await statOf(lab, "/dev/one /dev/two /dev/three /dev/four", change),
    "/dev/one character special file 1:3 600 0:0\n" +
      "/dev/two character special file 1:5 640 0:0\n" +
      "/dev/three block special file 7:12c 660 0:0\n" +
      "/dev/four fifo 0:0 622 0:0\n",
  );
});

scenario(
  "a device may stand anywhere, below directories that are made for it",
  { root: "device nodes" },
  async (lab) => {
    const change = withDevices({ path: "/opt/made/for/it", type: "c", major: 1, minor: 3, fileMode: 0o666, ...owned });
    assert.equal(
      await statOf(lab, "/opt/made/for/it", change),
      "/opt/made/for/it character special file 1:3 666 0:0\n",
    );
  },
);

scenario(
  "a device without a mode is for everybody",
  { root: "device nodes", boxOnly: "0666 where the text says nothing" },
  async (lab) => {
    const change = withDevices({ path: "/dev/open", type: "c", major: 1, minor: 3 });
    assert.equal(await statOf(lab, "/dev/open", change), "/dev/open character special file 1:3 666 0:0\n");
  },
);

scenario("a device of the configuration takes the place of a default one", { root: "device nodes" }, async (lab) => {
  const change = withDevices({ path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o600, uid: 5, gid: 6 });
  assert.equal(await statOf(lab, "/dev/full", change), "/dev/full character special file 1:7 600 5:6\n");
});

scenario("a device that is there already is taken as it is", { root: "device nodes" }, async (lab) => {
  const change = withDevices({ path: "/opt/there", type: "c", major: 1, minor: 3, fileMode: 0o666, ...owned });
  const output = await statOf(lab, "/opt/there", change, ({ rootfs }) => {
    mkdirSync(join(rootfs, "opt"));
    execFileSync("mknod", ["-m", "604", join(rootfs, "opt/there"), "c", "1", "3"]);
  });
  assert.match(output, /^\/opt\/there character special file 1:3 /);
});

for (const [what, put] of [
  ["a file", (path: string) => writeFileSync(path, "the image's\n")],
  ["another device", (path: string) => void execFileSync("mknod", [path, "c", "1", "5"])],
  ["a link", (path: string) => symlinkSync("/dev/null", path)],
] as const) {
  scenario(
    `create refuses a device where ${what} stands`,
    {
      root: "device nodes",
      clause:
        'config-linux.md, Devices: "If a file already exists at path that does not match the requested device, the runtime MUST generate an error"',
    },
    async (lab) => {
      const change = withDevices({ path: "/opt/there", type: "c", major: 1, minor: 3, fileMode: 0o666, ...owned });
      const container = lab.container(["/bin/true"], change);
      mkdirSync(join(container.rootfs, "opt"));
      put(join(container.rootfs, "opt/there"));
      refused(await container.creating().result(), /device "\/opt\/there"/);
      if (what === "a file") assert.equal(readFileSync(join(container.rootfs, "opt/there"), "utf8"), "the image's\n");
    },
  );
}

function inUserNamespace(spec: Spec): void {
  // Of an ordinary user's container the suite's own one.
  if (context.user !== undefined) return;
  spec.linux.namespaces.push({ type: "user" });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
}

scenario(
  "in a user namespace the host's nodes are bound, and work",
  { needs: ["namespace: user"], clause: "config-linux.md, Devices" },
  async (lab) => {
    const script =
      "echo x >/dev/null && head -c 4 /dev/zero | wc -c; stat -c '%t:%T' /dev/null /dev/tty; grep -c ' /dev/null ' /proc/self/mountinfo";
    assert.equal(await lab.shell(script, inUserNamespace), "4\n1:3\n5:0\n1\n");
  },
);

scenario(
  "in a user namespace no device is bound where a link of the image leads",
  { needs: ["namespace: user"], boxOnly: "a link is something else of that name" },
  async (lab) => {
    writeFileSync(lab.path("bait"), "");
    for (const target of ["/bait", lab.path("bait"), "/proc/sys/kernel/hostname"]) {
      const container = lab.container(["/bin/true"], (spec) => {
        inUserNamespace(spec);
        spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
      });
      writeFileSync(join(container.rootfs, "bait"), "");
      symlinkSync(target, join(container.rootfs, "dev/null"));
      refused(await container.creating().result(), /device "\/dev\/null"/);
    }
  },
);

scenario(
  "in a user namespace a FIFO is made, and a device that the host has not is refused",
  { needs: ["namespace: user"], boxOnly: "what cannot be bound" },
  async (lab) => {
    const change = (device: Device) => (spec: Spec) => {
      inUserNamespace(spec);
      spec.linux.devices = [device];
    };
    const fifo: Device = { path: "/dev/pipe", type: "p", fileMode: 0o620, uid: 1, gid: 2 };
    const output = await lab.shell("stat -c '%F %a %u:%g' /dev/pipe", change(fifo));
    assert.equal(output, "fifo 620 1:2\n");
    const absent: Device = { path: "/dev/nosuchdevice", type: "c", major: 1, minor: 3 };
    refused(await lab.container(["/bin/true"], change(absent)).creating().result(), /"\/dev\/nosuchdevice".*ENOENT/);
  },
);

scenario(
  "nothing is made in a directory of the host that is bound on /dev",
  { boxOnly: "a volume on /dev that has not even a null device" },
  async (lab) => {
    mkdirSync(lab.path("dev"));
    const output = await lab.shell("ls -A /dev", (spec) => {
      spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
      spec.mounts.push({ destination: "/dev", type: "bind", source: lab.path("dev"), options: ["bind"] });
    });
    assert.equal(output, "");
    assert.deepEqual(readdirSync(lab.path("dev")), []);
  },
);
