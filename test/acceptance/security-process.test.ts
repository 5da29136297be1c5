/** Published holes by which a container got at the runtime itself: its binary, its processes, its descriptors. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, openSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Canary, runOf } from "./harness/attack.ts";
import type { Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { Runtime } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security of the process", { boxOnly: "how it keeps itself out of reach" });

/** Everything that a container of root's can hold, so that nothing but box itself is in the way. */
function giveCapabilities({ process }: Spec, except?: string): void {
  const count = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")) + 1;
  const given = capabilityNames
    .slice(0, count)
    .filter((name) => name !== except)
    .map((name) => `CAP_${name}`);
  process.capabilities = { bounding: given, effective: given, permitted: given };
}

const capabilityNames =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(
    " ",
  );

function joinPidNamespaceOf(pid: number, { linux }: Spec): void {
  for (const namespace of linux.namespaces) if (namespace.type === "pid") namespace.path = `/proc/${pid}/ns/pid`;
}

// --- CVE-2019-5736 ----------------------------------------------------------------------------------------------------

/** A copy of box that may be damaged. */
function putBox(lab: Lab): { runtime: Runtime; expectUnchanged: () => void } {
  const path = lab.path("box");
  copyFileSync(context.runtime.path, path);
  const hash = (): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  const before = hash();
  return {
    runtime: new Runtime({ ...lab.runtime.place, path }),
    expectUnchanged: () => assert.equal(hash(), before, "the binary of box was changed"),
  };
}

/** Whether a process has the program open that another one runs. */
function holdsProgramOf(holder: number, other: number): boolean {
  const { dev, ino } = statSync(`/proc/${other}/exe`);
  return readdirSync(`/proc/${holder}/fd`).some((name) => {
    const held = statSync(`/proc/${holder}/fd/${name}`, { throwIfNoEntry: false });
    return held?.dev === dev && held.ino === ino;
  });
}

scenario(
  "box's binary cannot be written by those who see it on its way in (CVE-2019-5736)",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    const { runtime, expectUnchanged } = putBox(lab);
    const watcher = await lab.running(["/bin/probe", "overwrite"], giveCapabilities);
    for (let round = 0; round < 50; round++) ok(await runtime.exec(watcher.id, ["/bin/true"]));
    // The waiting init and the starting one are seen by who shares their pid namespace.
    for (let round = 0; round < 10; round++) {
      const container = lab.container(["/bin/true"], (spec) => joinPidNamespaceOf(watcher.pid, spec), runtime);
      await container.create();
      await until("the watcher has box's program", () => holdsProgramOf(watcher.pid, container.pid));
      await container.start();
      await container.exit();
    }
    watcher.say("\n");
    assert.match(await watcher.line(/^(held|wrote)/), /^held [1-9]/);
    expectUnchanged();
  },
);

scenario("a program that is box's own binary cannot write it either (CVE-2019-5736)", async (lab) => {
  const { runtime, expectUnchanged } = putBox(lab);
  for (const args of [["/proc/self/exe", "--version"], ["/script"]]) {
    const container = lab.container(args, giveCapabilities, runtime);
    writeFileSync(join(container.rootfs, "script"), "#!/proc/self/exe --version\n", { mode: 0o755 });
    await runtime.call(["run", "--bundle", container.bundle, container.id]);
  }
  expectUnchanged();
});

// --- CVE-2016-9962 ----------------------------------------------------------------------------------------------------

scenario(
  "nothing can be seen in an init that waits or starts in a shared pid namespace (CVE-2016-9962)",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    // All capabilities but the one that lets its holder look everywhere.
    const watcher = await lab.running(["/bin/probe", "spy"], (spec) => giveCapabilities(spec, "SYS_PTRACE"));
    for (let round = 0; round < 10; round++) {
      const container = lab.container(["/bin/true"], (spec) => joinPidNamespaceOf(watcher.pid, spec));
      await container.create();
      await container.start();
      await container.exit();
    }
    watcher.say("\n");
    assert.match(await watcher.line(/^(nothing|saw .*)$/), /^nothing$/);
  },
);

// --- CVE-2024-21626 ---------------------------------------------------------------------------------------------------

/** Ways to a directory of the caller's, whose descriptor has this number. */
function waysBy(number: number): string[] {
  return [`/proc/self/fd/${number}`, `/proc/self/fd/${number}/../canary`, `/link-${number}`];
}

scenario(
  "no descriptor of the caller's leads the program to the host (CVE-2024-21626)",
  { limit: 180_000 },
  async (lab) => {
    const canary = new Canary(lab);
    const directory = openSync(canary.path, "r");
    const options = { pass: Array.from({ length: 18 }, () => directory) };
    const see = "cat file ../file program 2>&1";
    for (let number = 3; number < 24; number++) {
      for (const way of waysBy(number)) {
        const changes: ((spec: Spec) => void)[] = [
          ({ process }) => {
            process.cwd = way;
          },
          ({ process }) => {
            process.args = [`${way}/program`];
          },
          ({ process }) => {
            process.env = [`PATH=${way}`];
            process.args = ["program"];
          },
        ];
        for (const change of changes) {
          const container = lab.container(["/bin/sh", "-c", see], change);
          symlinkSync(`/proc/self/fd/${number}`, join(container.rootfs, `link-${number}`));
          canary.check([await runOf(container, lab, options)]);
        }
      }
    }
  },
);

scenario(
  "no descriptor of the caller's leads an exec'd program to the host (CVE-2024-21626)",
  { limit: 180_000 },
  async (lab) => {
    const canary = new Canary(lab);
    const directory = openSync(canary.path, "r");
    const options = { pass: Array.from({ length: 18 }, () => directory) };
    const { runtime, id, rootfs } = await lab.running();
    const see = ["/bin/sh", "-c", "cat file ../file program 2>&1"];
    for (let number = 3; number < 24; number++) {
      symlinkSync(`/proc/self/fd/${number}`, join(rootfs, `link-${number}`));
      for (const way of waysBy(number)) {
        const attempts = [
          runtime.executing(id, see, ["--cwd", way], options),
          runtime.executing(id, [`${way}/program`], [], options),
          runtime.executing(id, ["program"], ["--env", `PATH=${way}`], options),
        ];
        for (const shim of attempts) {
          lab.watch(shim);
          const [stdout, stderr] = await Promise.all([shim.stdout.end(), shim.stderr.end()]);
          canary.check([{ ...(await shim.result()), stdout, stderr }]);
        }
      }
    }
  },
);

// --- Preserved descriptors --------------------------------------------------------------------------------------------

scenario("--preserve-fds gives none of box's own descriptors in place of missing ones", async (lab) => {
  const container = lab.container(["/bin/true"]);
  const { runtime, id, bundle } = container;
  refused(await runtime.call(["run", "--bundle", bundle, "--preserve-fds", "3", id]), /descriptor 3 is not open/);
  const running = await lab.running();
  const fds = await runtime.exec(running.id, ["/bin/true"], ["--preserve-fds", "3"]);
  refused(fds, /descriptor 3 is not open/);
});

// --- CVE-2019-14271 ---------------------------------------------------------------------------------------------------

scenario(
  "box loads nothing of an image: it has no interpreter and no libraries (CVE-2019-14271)",
  { bare: true },
  () => {
    const elf = readFileSync(context.runtime.path);
    const [start, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
    const kinds = Array.from({ length: count }, (_, index) => elf.readUInt32LE(start + index * size));
    const PT_INTERP = 3;
    assert.ok(count > 0 && !kinds.includes(PT_INTERP), "it has an interpreter");
  },
);
