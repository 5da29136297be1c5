/** pause and resume; which status allows them is in matrix.test.ts. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./harness/config.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { cgroupsNamed, freezerOf, isAlive, isFrozen } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("pause", { needs: ["command: pause", "command: resume", "cgroup: freezer"] });

/** The host's pid namespace: KILL of init does not end the others. */
function sharePids({ linux }: Spec): void {
  linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
}

/** One with a second process, and the pids of both. */
async function withTwo(lab: Lab, change?: (spec: Spec) => void) {
  const script = "/bin/probe wait & exec /bin/probe wait";
  const container = await lab.running(["/bin/sh", "-c", script], change);
  await container.line(/^ready$/);
  const [cgroup = ""] = cgroupsNamed(container.id);
  const pids = readFileSync(join(cgroup, "cgroup.procs"), "utf8").trim().split("\n").map(Number);
  assert.equal(pids.length, 2);
  return { container, pids };
}

scenario("nothing happens in a paused container until it is resumed", async (lab) => {
  const script = "trap 'cat /moment' USR1; echo ready; while :; do sleep 1000 & wait; done";
  const container = await lab.running(["/bin/sh", "-c", script]);
  const moment = join(container.rootfs, "moment");
  writeFileSync(moment, "paused\n");
  ok(await lab.runtime.pause(container.id));
  assert.ok(isFrozen(freezerOf(cgroupsNamed(container.id))));
  await container.kill("USR1");
  await container.expectStatus("paused");
  writeFileSync(moment, "resumed\n");
  ok(await lab.runtime.resume(container.id));
  assert.equal(await container.line(), "resumed");
  await container.expectStatus("running");
});

scenario(
  "what is being killed cannot be paused, and ends",
  {
    // systemd removes a scope with its last process.
    needs: ["cgroup: by cgroupfs"],
    boxOnly: "a KILL that succeeds is not undone by a pause at the same time",
  },
  async (lab) => {
    const container = await lab.running();
    const [freezer, pid] = [freezerOf(cgroupsNamed(container.id)), container.pid];
    // A cgroup within holds the KILL back, where the freezer of v1 does that.
    const within = join(freezer, "within");
    mkdirSync(within);
    writeFileSync(join(within, "cgroup.procs"), `${pid}`);
    const file = existsSync(join(within, "freezer.state")) ? ["freezer.state", "FROZEN"] : ["cgroup.freeze", "1"];
    writeFileSync(join(within, file[0] as string), file[1] as string);
    await until("it is frozen", () => isFrozen(within));
    process.kill(pid, "SIGKILL");
    refused(await lab.runtime.pause(container.id), /container not running/);
    assert.ok(!isFrozen(freezer));
    ok(await lab.runtime.delete(container.id, "--force"));
    assert.ok(!isAlive(pid));
  },
);

scenario("a container can be paused again", async (lab) => {
  const container = await lab.running();
  for (let round = 0; round < 3; round++) {
    ok(await lab.runtime.pause(container.id));
    await container.expectStatus("paused");
    ok(await lab.runtime.resume(container.id));
    await container.expectStatus("running");
  }
});

scenario("500 processes stand still when pause returns, and go on", { limit: 120_000 }, async (lab) => {
  const script = "i=0; while [ $i -lt 500 ]; do sleep 600 & i=$((i+1)); done; echo ready; read line; echo on";
  const container = await lab.running(["/bin/sh", "-c", script]);
  const freezer = freezerOf(cgroupsNamed(container.id));
  assert.ok(readFileSync(join(freezer, "cgroup.procs"), "utf8").split("\n").length > 500);
  ok(await lab.runtime.pause(container.id));
  assert.ok(isFrozen(freezer));
  container.say("\n");
  ok(await lab.runtime.resume(container.id));
  await container.line(/^on$/);
});

scenario("a created container that was paused starts when it is resumed", async (lab) => {
  const container = await lab.created();
  ok(await lab.runtime.pause(container.id));
  ok(await lab.runtime.resume(container.id));
  await container.expectStatus("created");
  await container.start();
  await container.line(/^ready$/);
});

scenario(
  "KILL ends all processes of a paused container that shares its pids",
  { needs: ["mount: proc of the caller's pid namespace"], boxOnly: "KILL is for the whole container" },
  async (lab) => {
    const { container, pids } = await withTwo(lab, sharePids);
    ok(await lab.runtime.pause(container.id));
    await container.kill("KILL");
    await until("both have ended", () => !pids.some(isAlive));
  },
);

for (const [name, change] of [
  ["of its own", undefined],
  ["that it shares", sharePids],
] as const) {
  scenario(
    `delete --force ends a paused container with pids ${name}`,
    { needs: ["mount: proc of the caller's pid namespace"] },
    async (lab) => {
      const { container, pids } = await withTwo(lab, change);
      ok(await lab.runtime.pause(container.id));
      await container.delete("--force");
      assert.ok(!pids.some(isAlive));
    },
  );
}

scenario(
  "delete --force ends what the container has frozen itself",
  { boxOnly: "cgroups below the container's are let go as well" },
  async (lab) => {
    const { container, pids } = await withTwo(lab);
    const freezer = freezerOf(cgroupsNamed(container.id));
    const inner = join(freezer, "inner");
    mkdirSync(inner);
    writeFileSync(join(inner, "cgroup.procs"), `${pids.find((pid) => pid !== container.pid)}`);
    const isV1 = freezer.includes("/freezer/");
    writeFileSync(join(inner, isV1 ? "freezer.state" : "cgroup.freeze"), isV1 ? "FROZEN" : "1");
    await until("it is frozen", () => isFrozen(inner));
    await container.delete("--force");
    assert.ok(!pids.some(isAlive));
  },
);

scenario(
  "resume says so when a cgroup above is frozen",
  { needs: ["cgroup: v1", "cgroup: by cgroupfs"], boxOnly: "what goes on standing still was not resumed" },
  async (lab) => {
    const id = lab.newId();
    const above = `${lab.cgroupsPath(id)}-above`;
    const container = await lab.running(["/bin/probe", "wait"], ({ linux }) => {
      linux.cgroupsPath = `${above}/${id}`;
    });
    lab.later(() => {
      for (const path of cgroupsNamed(`${id}-above`)) rmdirSync(path);
    });
    ok(await lab.runtime.pause(container.id));
    const parent = join(freezerOf(cgroupsNamed(`${id}-above/`)), "..");
    writeFileSync(join(parent, "freezer.state"), "FROZEN");
    refused(await lab.runtime.resume(container.id), /stays frozen/);
    writeFileSync(join(parent, "freezer.state"), "THAWED");
    await container.expectStatus("running");
    await container.delete("--force");
  },
);
