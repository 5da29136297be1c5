/** update: limits of a container that is there; which status allows it is in matrix.test.ts. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { command } from "./harness/command.ts";
import type { Resources, Spec } from "./harness/config.ts";
import { type Container, cgroupsPathOf } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import { cgroupHost } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { limits, placeOf, unsaid } from "./harness/limits.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("update", { needs: ["command: update", "cgroup: writable"] });

/** `update --resources -`. */
function updateFrom(lab: Lab, container: Container, resources: Resources) {
  return lab.runtime.call(["update", "--resources", "-", container.id], { input: JSON.stringify(resources) });
}

/** What a file of the container's cgroup says, by the name it has on v1 and on v2. */
function fileOf(container: Container, controller: string, v1: string, v2: string): string {
  const { hierarchies } = cgroupHost();
  const [top, file] = controller in hierarchies ? [hierarchies[controller], v1] : [hierarchies["unified"], v2];
  return readFileSync(join(top ?? "", cgroupsPathOf(container), file), "utf8").trim();
}

const memoryLimit = (container: Container) => fileOf(container, "memory", "memory.limit_in_bytes", "memory.max");
const pidsLimit = (container: Container) => fileOf(container, "pids", "pids.max", "pids.max");

for (const limit of limits) {
  scenario(`${limit.name} of a running container changes`, async (lab, t) => {
    const place = placeOf(limit);
    if (typeof place === "string") return t.skip(place);
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      if (limit.atTop === true) spec.linux.cgroupsPath = `/${lab.token}top`;
    });
    // The only one that a new cgroup has already.
    if (limit.name !== "memory.useHierarchy") assert.notDeepEqual(unsaid(place, cgroupsPathOf(container)), []);
    ok(await updateFrom(lab, container, limit.resources));
    assert.deepEqual(unsaid(place, cgroupsPathOf(container)), []);
  });
}

/** Each option, a value, and the name under which limits.ts has the same. */
const options: readonly (readonly [string, string, string])[] = [
  ["--memory", "67108864", "memory.limit"],
  ["--memory-reservation", "33554432", "memory.reservation"],
  ["--cpu-share", "512", "cpu.shares"],
  ["--cpu-quota=20000", "--cpu-period=50000", "cpu.quota and cpu.period"],
  ["--cpu-rt-period=500000", "--cpu-rt-runtime=1000", "cpu.realtimePeriod and cpu.realtimeRuntime"],
  ["--cpuset-cpus=0", "--cpuset-mems=0", "cpu.cpus and cpu.mems"],
  ["--pids-limit", "20", "pids.limit"],
  ["--blkio-weight", "500", "blockIO.weight"],
];

for (const [option, value, name] of options) {
  scenario(`${option.split("=")[0]} changes ${name}`, async (lab, t) => {
    const limit = limits.find((one) => one.name === name);
    const place = limit === undefined ? "no such limit" : placeOf(limit);
    if (typeof place === "string") return t.skip(place);
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      if (limit?.atTop === true) spec.linux.cgroupsPath = `/${lab.token}top`;
    });
    ok(await lab.runtime.update(container.id, option, value));
    assert.deepEqual(unsaid(place, cgroupsPathOf(container)), []);
  });
}

scenario("memory takes units, and -1 for no limit", { needs: ["cgroup: memory"] }, async (lab) => {
  const container = await lab.running();
  ok(await lab.runtime.update(container.id, "--memory", "64m", "--memory-swap", "1g"));
  assert.equal(memoryLimit(container), "67108864");
  ok(await lab.runtime.update(container.id, "--memory", "-1"));
  assert.match(memoryLimit(container), /^(max|9223372036854771712)$/);
});

scenario(
  "limits that bound each other rise and fall together",
  { needs: ["cgroup: memory", "cgroup: cpu"] },
  async (lab) => {
    const container = await lab.running();
    for (const mebibytes of ["64", "256", "32", "512", "16"]) {
      ok(await lab.runtime.update(container.id, `--memory=${mebibytes}m`, `--memory-swap=${mebibytes}m`));
      assert.equal(memoryLimit(container), `${Number(mebibytes) * 1024 * 1024}`);
    }
    for (const [quota, period] of [
      [50000, 100000],
      [2000, 4000],
      [900000, 1000000],
    ]) {
      ok(await lab.runtime.update(container.id, `--cpu-quota=${quota}`, `--cpu-period=${period}`));
      assert.equal(fileOf(container, "cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0], `${quota}`);
    }
  },
);

scenario(
  "an update adds to those before, and to the configuration",
  { needs: ["cgroup: memory", "cgroup: pids"] },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      spec.linux.resources = { ...spec.linux.resources, memory: { limit: 2 ** 26, swap: 2 ** 27 } };
    });
    ok(await lab.runtime.update(container.id, "--pids-limit", "30"));
    ok(await lab.runtime.update(container.id, "--pids-limit", "40"));
    assert.deepEqual([memoryLimit(container), pidsLimit(container)], ["67108864", "40"]);
    // Memory and swap together are to be 128 MiB still: a limit of memory above that is refused.
    const tooMuch = await lab.runtime.update(container.id, "--memory", `${2 ** 28}`);
    assert.notEqual(tooMuch.status, 0);
    assert.deepEqual([memoryLimit(container), pidsLimit(container)], ["67108864", "40"]);
    ok(await lab.runtime.update(container.id, "--memory-swap", `${2 ** 28}`));
    ok(await lab.runtime.update(container.id, "--memory", `${2 ** 28}`));
    assert.equal(memoryLimit(container), `${2 ** 28}`);
  },
);

scenario("with --resources the other options are ignored", { needs: ["cgroup: pids"] }, async (lab) => {
  const container = await lab.running();
  const input = JSON.stringify({ pids: { limit: 25 } });
  ok(await lab.runtime.call(["update", "-r", "-", "--pids-limit", "99", container.id], { input }));
  assert.equal(pidsLimit(container), "25");
});

scenario("values that stand for nothing change nothing", { needs: ["cgroup: pids", "cgroup: memory"] }, async (lab) => {
  const container = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.linux.resources = { ...spec.linux.resources, memory: { limit: 2 ** 26 }, pids: { limit: 30 } };
  });
  ok(await updateFrom(lab, container, { memory: { limit: 0 }, cpu: { shares: 0 }, blockIO: { weight: 0 } }));
  assert.deepEqual([memoryLimit(container), pidsLimit(container)], ["67108864", "30"]);
});

scenario("a created container's limits change before its program starts", { needs: ["cgroup: pids"] }, async (lab) => {
  const container = await lab.created(["/bin/probe", "wait"]);
  ok(await lab.runtime.update(container.id, "--pids-limit", "33"));
  await container.start();
  assert.equal(pidsLimit(container), "33");
});

scenario(
  "a paused container's limits change, and it stays paused",
  { needs: ["cgroup: pids", "command: pause"] },
  async (lab) => {
    const container = await lab.running();
    ok(await lab.runtime.pause(container.id));
    ok(await lab.runtime.update(container.id, "--pids-limit", "33"));
    await container.expectStatus("paused");
    assert.equal(pidsLimit(container), "33");
  },
);

scenario(
  "when the kernel refuses one value, the others are written back",
  { needs: ["cgroup: pids", "cgroup: cpuset"] },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      spec.linux.resources = { ...spec.linux.resources, cpu: { cpus: "0", shares: 500 }, pids: { limit: 30 } };
    });
    const inForce = () => [
      fileOf(container, "cpu", "cpu.shares", "cpu.weight"),
      fileOf(container, "cpuset", "cpuset.cpus", "cpuset.cpus"),
    ];
    const before = inForce();
    const result = await updateFrom(lab, container, { cpu: { cpus: "4095", shares: 700 }, pids: { limit: 60 } });
    refused(result, /resources\.cpu\.cpus/);
    assert.deepEqual([inForce(), pidsLimit(container)], [before, "30"]);
    // Nothing of it was kept either.
    ok(await lab.runtime.update(container.id, "--pids-limit", "31"));
    assert.deepEqual(inForce(), before);
  },
);

scenario(
  "checkBeforeUpdate refuses a limit below what is in use",
  { needs: ["cgroup: memory"], boxOnly: "newer than other runtimes here" },
  async (lab) => {
    const hold = "x=$(yes abcdefghijklmnopqrstuvwxyz | head -c 12000000); echo ready; read end";
    const container = await lab.running(["/bin/sh", "-c", hold]);
    const result = await updateFrom(lab, container, { memory: { limit: 2 ** 20, checkBeforeUpdate: true } });
    refused(result, /resources\.memory\.limit: 1048576 is less than the \d+ bytes in use/);
    await container.expectStatus("running");
  },
);

/** A container that tries to open a device for each line it is told, and says whether it could. */
async function tryingDevice(lab: Lab, allowed: boolean) {
  const script = "echo ready; while read go; do (exec 3</dev/fuse) 2>/dev/null && echo open || echo denied; done";
  const container = await lab.running(["/bin/sh", "-c", script], (spec: Spec) => {
    spec.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666 }];
    if (allowed) spec.linux.resources?.devices?.push(fuse);
  });
  const attempt = async (): Promise<string> => {
    container.say("go\n");
    return await container.line();
  };
  return { container, attempt };
}

const fuse = { allow: true, type: "c", major: 10, minor: 229, access: "rw" };
const none = { allow: false, access: "rwm" };

scenario(
  "device rules change while the program runs, to and fro",
  { needs: ["cgroup: devices", "device: fuse"], boxOnly: "other runtimes leave device rules as they are" },
  async (lab) => {
    const { container, attempt } = await tryingDevice(lab, false);
    assert.equal(await attempt(), "denied");
    for (let round = 0; round < 20; round++) {
      ok(await updateFrom(lab, container, { devices: [none, fuse] }));
      assert.equal(await attempt(), "open");
      ok(await updateFrom(lab, container, { devices: [none] }));
      assert.equal(await attempt(), "denied");
    }
    ok(await updateFrom(lab, container, { devices: [{ allow: true, access: "rwm" }] }));
    assert.equal(await attempt(), "open");
    ok(await updateFrom(lab, container, { devices: [none] }));
    assert.equal(await attempt(), "denied");
  },
);

scenario(
  "device rules that were changed go back when a limit is refused",
  { needs: ["device: fuse", "cgroup: cpuset"], boxOnly: "other runtimes leave device rules as they are" },
  async (lab) => {
    const { container, attempt } = await tryingDevice(lab, true);
    refused(await updateFrom(lab, container, { devices: [none], cpu: { cpus: "4095" } }), /cpu\.cpus/);
    assert.equal(await attempt(), "open");
  },
);

scenario(
  "of updates at the same time none is lost",
  { needs: ["cgroup: pids", "cgroup: cpu", "cgroup: memory", "cgroup: cpuset"], boxOnly: "others do not lock" },
  async (lab) => {
    const container = await lab.running();
    const flags = ["--pids-limit=41", "--cpu-share=300", "--memory=64m", "--cpuset-cpus=0", "--cpu-quota=20000"];
    await Promise.all(flags.map(async (flag) => ok(await lab.runtime.update(container.id, flag))));
    const kept = JSON.parse(readFileSync(join(lab.root, container.id, "resources.json"), "utf8"));
    assert.deepEqual([kept.pids.limit, kept.memory.limit], [41, 67108864]);
    assert.deepEqual(kept.cpu, { shares: 300, cpus: "0", quota: 20000 });
    assert.deepEqual([pidsLimit(container), memoryLimit(container)], ["41", "67108864"]);
  },
);

/** Until a command waits for the lock of a container, or has ended without: the kernel lists who waits for whom. */
async function waitsForLock(lock: string, ended: () => boolean): Promise<boolean> {
  const inode = `:${statSync(lock).ino} `;
  while (!ended()) {
    if (
      readFileSync("/proc/locks", "utf8")
        .split("\n")
        .some((line) => line.includes("->") && line.includes(inode))
    )
      return true;
    await delay(5);
  }
  return false;
}

scenario(
  "an update waits for the command that holds the container's lock",
  { needs: ["cgroup: pids"], boxOnly: "others do not lock" },
  async (lab) => {
    const container = await lab.running();
    const lock = join(lab.root, container.id, "lock");
    const [here, go] = [lab.fifo("here"), lab.fifo("go")];
    const holding = command(["flock", lock, "sh", "-c", `echo held >${here.path}; read go <${go.path}`]);
    await here.lines.line(/^held$/);
    let ended = false;
    const updating = lab.runtime.update(container.id, "--pids-limit=43").finally(() => {
      ended = true;
    });
    assert.ok(await waitsForLock(lock, () => ended));
    go.write("go\n");
    await holding;
    ok(await updating);
    assert.equal(pidsLimit(container), "43");
  },
);

scenario(
  "an update that cannot be made is refused before anything is written",
  { needs: ["cgroup: pids"], boxOnly: "its own words" },
  async (lab) => {
    const container = await lab.running();
    const before = pidsLimit(container);
    for (const [input, text] of [
      ["{", /^box: stdin: invalid JSON/],
      ['{"pids":{"limit":"many"}}', /^box: stdin: pids\.limit: must be an integer/],
      ['{"pids":{"limit":5},"memory":{"limit":10,"swap":5}}', /memory\.swap: must be at least memory\.limit/],
      ['{"pids":{"limit":5},"unified":{"../pids.max":"5"}}', /unified\["\.\.\/pids\.max"\]/],
      [
        '{"pids":{"limit":5},"rdma":{"mlx5_1":{"hcaHandles":3}},"unified":{"none.such":"5"}}',
        /resources\.(rdma|unified)/,
      ],
    ] as const) {
      refused(await lab.runtime.call(["update", "-r", "-", container.id], { input }), text);
    }
    refused(
      await lab.runtime.update(container.id, "--l3-cache-schema", "L3:0=f"),
      /linux\.intelRdt: the configuration has none/,
    );
    refused(await lab.runtime.update(container.id, "--memory", "12x"), /--memory: must be a number of bytes/);
    refused(await lab.runtime.update(container.id, "--resources", "/nonexistent"), /no such file/);
    assert.equal(pidsLimit(container), before);
    assert.ok(!existsSync(join(lab.root, container.id, "resources.json")));
  },
);

scenario("memory takes fractions of a unit", { needs: ["cgroup: memory"], boxOnly: "as runc has it" }, async (lab) => {
  const container = await lab.created();
  ok(await lab.runtime.update(container.id, "--memory", "0.0625g"));
  assert.equal(memoryLimit(container), "67108864");
});
