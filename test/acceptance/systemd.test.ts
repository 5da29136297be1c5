/** Cgroups that systemd makes: a scope for each container. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import { type Container, cgroupsPathOf } from "./harness/container.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupHost, isAlive } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { patient } from "./harness/patience.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("systemd", {
  root: "the machine's own systemd",
  needs: ["systemd"],
  cgroupManager: "systemd",
});

const scopeOf = (container: Container): string => cgroupsPathOf(container).split("/").at(-1) ?? "";
const { layout, hierarchies } = cgroupHost();
const isV2 = layout === "v2";

/** The container's cgroup in the hierarchy that has a file, and nowhere else where it is gone. */
const directoriesOf = (container: Container): string[] =>
  [...new Set(Object.values(hierarchies))].map((top) => join(top, cgroupsPathOf(container))).filter(existsSync);
function pathOf(container: Container, name: string): string {
  const path = directoriesOf(container)
    .map((directory) => join(directory, name))
    .find(existsSync);
  assert.ok(path !== undefined, `no ${name} in ${directoriesOf(container).join(" ")}`);
  return path;
}
const fileOf = (container: Container, name: string): string => readFileSync(pathOf(container, name), "utf8").trim();

/** As the layout has it: cgroup2, or v1. */
const eitherOf = <T>(v2: T, v1: T): T => (isV2 ? v2 : v1);

/** What systemd says of a unit. */
async function show(unit: string, ...properties: string[]): Promise<string[]> {
  const argv = ["systemctl", "show", "--value", ...properties.map((name) => `--property=${name}`), unit];
  // In systemd's own order, with an empty line after each but the last.
  return ok(await command(argv))
    .stdout.trim()
    .split(/\n+/);
}

async function isLoaded(unit: string, ...manager: string[]): Promise<boolean> {
  const argv = ["systemctl", ...manager, "show", "--value", "--property=LoadState", unit];
  return ok(await command(argv)).stdout.trim() === "loaded";
}

async function systemctl(...args: string[]): Promise<void> {
  ok(await command(["systemctl", ...args]));
  // What it has put off is done before it answers the next question.
  ok(await command(["systemctl", "show", "--property=Version"]));
}

const limited = (spec: Spec): void => {
  spec.linux.resources = {
    ...spec.linux.resources,
    memory: { limit: 100_000_000 },
    pids: { limit: 33 },
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
  };
};

const limits = (container: Container): string[] =>
  eitherOf(
    ["memory.max", "pids.max", "cpu.weight", "cpu.max"],
    ["memory.limit_in_bytes", "pids.max", "cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"],
  ).map((name) => fileOf(container, name));
const cpuLimits = eitherOf(["59", "50000 100000"], ["512", "50000", "100000"]);
const memoryMax = eitherOf("MemoryMax", "MemoryLimit");

scenario(
  "a frozen cgroup in the place of the scope is refused at once",
  { needs: ["cgroup: v2"], boxOnly: "the words of errors" },
  async (lab) => {
    const container = lab.container(["/bin/true"]);
    const [top = ""] = Object.values(hierarchies);
    const directory = join(top, cgroupsPathOf(container));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "cgroup.freeze"), "1");
    try {
      refused(await container.creating().result(), /container's cgroup unexpectedly frozen/);
    } finally {
      rmdirSync(directory);
    }
  },
);

scenario("the program runs in a scope that is delegated to the container", async (lab) => {
  const container = await lab.running();
  assert.ok(fileOf(container, "cgroup.procs").split("\n").includes(`${container.pid}`));
  assert.deepEqual(await show(scopeOf(container), "ActiveState"), ["active"]);
  assert.deepEqual(await show(scopeOf(container), "Delegate"), ["yes"]);
  assert.deepEqual(await show(scopeOf(container), "ControlGroup"), [cgroupsPathOf(container)]);
});

scenario("state names the scope", { boxOnly: "as crun says it" }, async (lab) => {
  const container = await lab.running();
  assert.equal((await container.state())["systemd-scope"], scopeOf(container));
});

scenario("a container that names no cgroup has a scope of its id", { boxOnly: "its own prefix" }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    delete (spec.linux as { cgroupsPath?: string }).cgroupsPath;
  });
  assert.deepEqual(await show(`box-${container.id}.scope`, "ControlGroup"), [
    `/system.slice/box-${container.id}.scope`,
  ]);
});

scenario("the cgroup namespace of the container begins at the scope", async (lab) => {
  const output = await lab.shell("cat /proc/self/cgroup", (spec) => {
    spec.linux.namespaces.push({ type: "cgroup" });
  });
  for (const line of output.trim().split("\n")) assert.match(line, /^\d+:[^:]*:\/$/);
});

scenario("limits are in the kernel's files and in systemd's properties, and stay after daemon-reload", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], limited);
  const expected = ["99999744", "33", ...cpuLimits];
  assert.deepEqual(limits(container), expected);
  const unit = scopeOf(container);
  assert.deepEqual(await show(unit, memoryMax), ["100000000"]);
  assert.deepEqual(await show(unit, "TasksMax"), ["33"]);
  assert.deepEqual(await show(unit, eitherOf("CPUWeight", "CPUShares")), [eitherOf("59", "512")]);
  assert.deepEqual(await show(unit, "CPUQuotaPerSecUSec"), ["500ms"]);
  await systemctl("daemon-reload");
  assert.deepEqual(limits(container), expected);
});

scenario("a share of a processor that is no whole percent is exact", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.linux.resources = { cpu: { quota: 55_500, period: 100_000 } };
  });
  assert.equal(fileOf(container, eitherOf("cpu.max", "cpu.cfs_quota_us")), eitherOf("55500 100000", "55500"));
  assert.deepEqual(await show(scopeOf(container), "CPUQuotaPerSecUSec"), ["560ms"]);
});

scenario("device rules stay in force after daemon-reload", { needs: ["command: exec"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.process.capabilities = { bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"] };
    spec.linux.devices = [{ path: "/dev/kmsg", type: "c", major: 1, minor: 11 }];
  });
  const write = () => lab.runtime.exec(container.id, ["/bin/sh", "-c", "exec 3>/dev/kmsg"]);
  assert.match((await write()).stderr, /Operation not permitted/);
  await systemctl("daemon-reload");
  assert.match((await write()).stderr, /Operation not permitted/);
  ok(await lab.runtime.exec(container.id, ["/bin/sh", "-c", "exec 3</dev/null"]));
});

scenario("update tells systemd of the new limits", { needs: ["command: update"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], limited);
  ok(await lab.runtime.update(container.id, "--pids-limit", "44", "--memory", "67108864"));
  assert.deepEqual(await show(scopeOf(container), "TasksMax"), ["44"]);
  assert.deepEqual(await show(scopeOf(container), memoryMax), ["67108864"]);
  await systemctl("daemon-reload");
  assert.deepEqual(limits(container), ["67108864", "44", ...cpuLimits]);
});

scenario("update of a quota alone keeps the period", { needs: ["command: update"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.linux.resources = { cpu: { quota: 20_000, period: 50_000 } };
  });
  ok(await lab.runtime.update(container.id, "--cpu-quota", "10000"));
  assert.deepEqual(await show(scopeOf(container), "CPUQuotaPerSecUSec"), ["200ms"]);
  const files = eitherOf(["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]);
  assert.equal(files.map((name) => fileOf(container, name)).join(" "), "10000 50000");
});

scenario(
  "device rules that update changes stay in force after daemon-reload",
  { needs: ["command: exec", "command: update"], boxOnly: "runc and crun leave device rules as they are" },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      spec.process.capabilities = { bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"] };
      spec.linux.devices = [{ path: "/dev/kmsg", type: "c", major: 1, minor: 11 }];
    });
    const write = () => lab.runtime.exec(container.id, ["/bin/sh", "-c", "exec 3>/dev/kmsg"]);
    const update = async (...devices: object[]): Promise<void> => {
      const file = lab.path("rules");
      writeFileSync(file, JSON.stringify({ devices: [{ allow: false, access: "rwm" }, ...devices] }));
      ok(await lab.runtime.update(container.id, "--resources", file));
    };
    await update({ allow: true, type: "c", major: 1, minor: 11, access: "w" });
    ok(await write());
    await systemctl("daemon-reload");
    ok(await write());
    await update();
    assert.match((await write()).stderr, /Operation not permitted/);
    await systemctl("daemon-reload");
    assert.match((await write()).stderr, /Operation not permitted/);
  },
);

scenario(
  "device rules that systemd cannot keep are refused by name, and nothing is made",
  { needs: ["cgroup: v1"], boxOnly: "the others are silently widened" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.linux.resources = { devices: [{ allow: true }, { allow: false, type: "c", major: 1, minor: 11 }] };
    });
    refused(await container.creating().result(), /linux\.resources\.devices: systemd knows no device rules/);
    assert.equal(await isLoaded(scopeOf(container)), false);
    assert.deepEqual(directoriesOf(container), []);
  },
);

scenario("pause and resume work on the scope's cgroup", { needs: ["command: pause"] }, async (lab) => {
  const container = await lab.running();
  ok(await lab.runtime.pause(container.id));
  await container.expectStatus("paused");
  ok(await lab.runtime.resume(container.id));
  await container.expectStatus("running");
});

scenario("annotations set properties of the scope", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.annotations = {
      "org.systemd.property.TimeoutStopUSec": "uint64 7000000",
      "org.systemd.property.CollectMode": "'inactive-or-failed'",
    };
  });
  assert.deepEqual(await show(scopeOf(container), "TimeoutStopUSec"), ["7s"]);
});

scenario(
  "an annotation that would run a program is refused, and nothing is made",
  { boxOnly: "an allow-list (CVE-2024-3154)" },
  async (lab) => {
    for (const name of ["ExecStopPost", "Wants", "OnFailure", "BPFProgram"]) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.annotations = { [`org.systemd.property.${name}`]: "['/bin/true']" };
      });
      refused(await container.creating().result(), /not a property that a container may set/);
      assert.equal(await isLoaded(scopeOf(container)), false);
    }
  },
);

scenario("delete leaves no unit and no cgroup, and the id can be used again at once", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  for (let round = 0; round < 5; round++) {
    await container.create();
    await container.start();
    await container.delete("--force");
    assert.deepEqual(directoriesOf(container), []);
    assert.equal(await isLoaded(scopeOf(container)), false);
    await container.shim.finished();
  }
});

scenario(
  "a run that fails at once leaves nothing, however soon the scope ends",
  { needs: ["command: run"] },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.process.cwd = "/proc/self/fd/999";
    });
    for (let round = 0; round < 20; round++) {
      const result = await lab.runtime.call(["run", "--bundle", container.bundle, container.id]);
      refused(result, /cwd/);
      assert.doesNotMatch(result.stderr, /cleaning up/);
      assert.deepEqual(directoriesOf(container), []);
    }
  },
);

scenario("delete works when the program has ended and systemd has forgotten the scope", async (lab) => {
  const container = await lab.stopped();
  await until("the scope is gone", async () => !(await isLoaded(scopeOf(container))));
  await container.delete();
});

scenario("delete --force ends everything in the scope and below it", { needs: ["command: exec"] }, async (lab) => {
  const container = await lab.running();
  const below = join(dirname(pathOf(container, "pids.max")), "below");
  mkdirSync(below);
  const shim = lab.watch(
    lab.runtime.shim(["exec", "--detach", "--pid-file", lab.path("pid"), container.id, "/bin/probe", "wait"]),
  );
  await shim.ok();
  const pid = Number(readFileSync(lab.path("pid"), "utf8"));
  writeFileSync(join(below, "cgroup.procs"), `${pid}`);
  await container.delete("--force");
  assert.ok(!isAlive(pid));
  assert.equal(await isLoaded(scopeOf(container)), false);
});

scenario("a scope of that name that is another's is refused and left alone", async (lab) => {
  const container = lab.container(["/bin/true"]);
  const unit = scopeOf(container);
  const other = spawn("systemd-run", ["--quiet", "--collect", "--scope", `--unit=${unit}`, "cat"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  lab.later(async () => {
    const ended = once(other, "exit");
    other.stdin.end();
    assert.deepEqual(await ended, [0, null]);
    await until("the scope is gone", async () => !(await isLoaded(unit)));
  });
  await until("the other scope is there", () => isLoaded(unit));
  refused(await container.creating().result(), /UnitExists|cgroup is not empty/);
  assert.equal(other.exitCode ?? other.signalCode, null);
});

scenario(
  "a create that is killed at any moment can be deleted by force",
  { boxOnly: "every object is recorded before it is made", limit: 120_000 },
  async (lab) => {
    for (let step = 0; step < 12; step++) {
      const container = lab.container(["/bin/probe", "wait"]);
      const shim = container.creating();
      const pid = await shim.started();
      await new Promise((resolve) => setTimeout(resolve, patient(step)));
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It had finished.
      }
      await shim.exited();
      ok(await lab.runtime.delete(container.id, "--force"));
      await shim.finished();
      await until("the scope is gone", async () => !(await isLoaded(scopeOf(container))));
      assert.deepEqual(lab.leaks(), []);
    }
  },
);

for (const path of ["/a/b", "a.slice:b", "a.slice:b:c:d", "a:b:c", "../x.slice:b:c"]) {
  scenario(`create refuses ${path} as a cgroupsPath`, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.linux.cgroupsPath = path;
    });
    refused(await container.creating().result(), /linux\.cgroupsPath/);
  });
}

scenario("without a bus create says so and leaves nothing", { boxOnly: "its own words" }, async (lab) => {
  const container = lab.container(["/bin/true"]);
  refused(
    await withoutBus(lab, ["create", "--bundle", container.bundle, container.id]),
    /\/run\/dbus\/system_bus_socket/,
  );
});

scenario(
  "without a bus delete --force still ends everything",
  { boxOnly: "delete --force always does" },
  async (lab) => {
    const container = await lab.running();
    ok(await withoutBus(lab, ["delete", "--force", container.id]));
    assert.deepEqual(directoriesOf(container), []);
    await until("the scope is gone", async () => !(await isLoaded(scopeOf(container))));
  },
);

function withoutBus(lab: Lab, args: string[]): ReturnType<typeof command> {
  const script = 'mount -t tmpfs tmpfs /run/dbus && exec "$@"';
  return command(["unshare", "--mount", "sh", "-c", script, "sh", ...lab.runtime.argv(args)]);
}

// --- Without root -----------------------------------------------------------------------------------------------------

const ofUser = feature("systemd of a user", {
  bare: true,
  needs: ["busybox", "user manager", "cgroup: v2"],
  cgroupManager: "systemd",
  boxOnly: "the user's own manager",
});

ofUser("the program runs in a scope of the user's own manager, and delete leaves nothing", async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], ({ linux }) => {
    if (!linux.namespaces.some(({ type }) => type === "user")) linux.namespaces.push({ type: "user" });
    linux.uidMappings = [{ containerID: 0, hostID: process.getuid?.() ?? 0, size: 1 }];
    linux.gidMappings = [{ containerID: 0, hostID: process.getgid?.() ?? 0, size: 1 }];
    // Without root nobody may load a program for device rules.
    linux.resources = { pids: { limit: 33 } };
  });
  const unit = `box-${container.id}.scope`;
  const path = readFileSync(`/proc/${container.pid}/cgroup`, "utf8").trim().slice("0::".length);
  assert.match(path, /\/user@\d+\.service\/user\.slice\//);
  assert.ok(path.endsWith(`/${unit}`), path);
  const cgroup = join(hierarchies["unified"] ?? "", path);
  assert.equal(readFileSync(join(cgroup, "pids.max"), "utf8"), "33\n");
  assert.ok(await isLoaded(unit, "--user"));
  await container.delete("--force");
  assert.equal(existsSync(cgroup), false);
  assert.equal(await isLoaded(unit, "--user"), false);
});
