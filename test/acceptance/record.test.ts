/** state.json: read by other versions, after a crash, and after the process it names has become another one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import { cgroupsNamed, isAlive, startTime } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("record", { boxOnly: "the layout of the state directory" });

interface Record {
  version: number;
  bootId: string;
  init: { pid: number; startTime: string };
  [other: string]: unknown;
}

/** Takes the cgroups away: where they were is lost with the record. */
async function stoppedWithoutCgroups(lab: Lab): Promise<Container> {
  const container = await lab.stopped();
  for (const cgroup of cgroupsNamed(container.id)) rmdirSync(cgroup);
  return container;
}

const path = (lab: Lab, { id }: Container): string => join(lab.root, id, "state.json");

function change(lab: Lab, container: Container, edit: (record: Record) => void): void {
  const record = JSON.parse(readFileSync(path(lab, container), "utf8")) as Record;
  edit(record);
  writeFileSync(path(lab, container), JSON.stringify(record));
}

/** A process of the host's that must not be taken for a container's. */
function stranger(lab: Lab): { pid: number; startTime: string } {
  const child = spawn("/bin/cat", { stdio: ["pipe", "ignore", "ignore"] });
  const pid = child.pid ?? 0;
  lab.later(async () => {
    assert.ok(isAlive(pid), "a process that is not the container's was killed");
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
  });
  return { pid, startTime: startTime(pid) ?? "" };
}

scenario("a process that has got the pid of init is not taken for it", async (lab) => {
  const container = await lab.stopped();
  const { pid } = stranger(lab);
  change(lab, container, ({ init }) => {
    init.pid = pid;
  });
  assert.equal((await container.expectStatus("stopped")).pid, 0);
  refused(await lab.runtime.kill(container.id, "TERM"), /container not running/);
  await container.delete("--force");
});

scenario("a container of another boot is stopped and can be deleted", async (lab) => {
  const container = await lab.stopped();
  const init = stranger(lab);
  change(lab, container, (record) => {
    record.bootId = "00000000-0000-0000-0000-000000000000";
    record.init = init;
  });
  await container.expectStatus("stopped");
  await container.delete();
});

scenario("kill and delete --force work on the record of a newer version, which others refuse", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  change(lab, container, (record) => {
    record.version = 1_000;
    record["phase"] = "something new";
    record["unknown"] = { deep: [1, 2, 3] };
  });
  refused(await lab.runtime.start(container.id), /version/);
  await container.kill("USR1");
  assert.equal(await container.line(), "signal 10");
  await container.delete("--force");
  assert.ok(!isAlive(container.pid));
});

for (const [what, damage] of [
  ["empty", (file: string) => truncateSync(file)],
  ["cut short", (file: string) => truncateSync(file, 40)],
  ["garbage", (file: string) => writeFileSync(file, "no JSON at all")],
  ["of another shape", (file: string) => writeFileSync(file, '{"version":1}')],
] as const) {
  scenario(`a record that is ${what} is an error with one clear line, and delete --force removes it`, async (lab) => {
    const container = await stoppedWithoutCgroups(lab);
    damage(path(lab, container));
    refused(await lab.runtime.state(container.id), /state\.json/);
    refused(await lab.runtime.kill(container.id, "KILL"));
    ok(await lab.runtime.delete(container.id, "--force"));
  });
}

scenario("list shows the others when one record is damaged", async (lab) => {
  const [good, bad] = [await lab.created(), await stoppedWithoutCgroups(lab)];
  truncateSync(path(lab, bad));
  const { stdout } = ok(await lab.runtime.list("--format", "json"));
  assert.deepEqual(
    (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id),
    [good.id],
  );
});
