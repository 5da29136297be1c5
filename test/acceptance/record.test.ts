/** state.json: read by other versions, after a crash, and after the process it names has become another one. */
import assert from "node:assert/strict";
import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import { outlivesBoot } from "./harness/facts.ts";
import { isAlive, removeCgroups, startTime } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("record", { boxOnly: "the layout of the state directory" });

interface Record {
  version: number;
  bootId: string;
  init: { pid: number; startTime: string; inode?: string };
  [other: string]: unknown;
}

/** Takes the cgroups away: where they were is lost with the record. */
async function stoppedWithoutCgroups(lab: Lab): Promise<Container> {
  const container = await lab.stopped();
  removeCgroups(container.id);
  return container;
}

const path = (lab: Lab, { id }: Container): string => join(lab.root, id, "state.json");

function change(lab: Lab, container: Container, edit: (record: Record) => void): void {
  const record = JSON.parse(readFileSync(path(lab, container), "utf8")) as Record;
  edit(record);
  writeFileSync(path(lab, container), JSON.stringify(record));
}

scenario("a process that has got the pid of init is not taken for it", async (lab) => {
  const container = await lab.stopped();
  const pid = lab.stranger();
  change(lab, container, ({ init }) => {
    init.pid = pid;
  });
  assert.equal((await container.expectStatus("stopped")).pid, 0);
  refused(await lab.runtime.kill(container.id, "TERM"), /container not running/);
  await container.delete("--force");
});

// Kernels before Linux 6.9 have no inode that would tell, nor have records of a box before this one.
scenario("init is known by the time of its start where nothing else is recorded", async (lab) => {
  const container = await lab.container(["/bin/probe", "signals"]).create([], { keepZombies: true });
  await container.start();
  let started = "";
  change(lab, container, ({ init }) => {
    delete init.inode;
    started = init.startTime;
  });
  await container.expectStatus("running");
  const startedAt = (time: string) => change(lab, container, ({ init }) => Object.assign(init, { startTime: time }));
  startedAt("1");
  await container.expectStatus("stopped");
  refused(await lab.runtime.kill(container.id, "KILL"), /container not running/);
  startedAt(started);
  ok(await lab.runtime.kill(container.id, "KILL"));
  await container.shim.zombie(container.pid);
  await container.expectStatus("stopped");
  container.shim.reap();
  await container.exit();
});

scenario(
  "a pid that the kernel has given out again is not taken for init",
  { root: "namespaces that are not the user's", needs: ["mount: proc"], limit: 120_000 },
  async (lab) => {
    // A pid namespace, in which the next pid can be chosen; the shim is its first process and reaps. The time of a start
    // is in ticks of 10 ms (proc_pid_stat(5)): within one of them the pids of the whole system would have to be used up.
    const script = `
      exec 2>&1
      "$1" --root "$2" create --bundle "$4" "$3" </dev/null >/dev/null || exit
      pid=$("$1" --root "$2" state "$3" | tr -d ' ,' | sed -n 's/^"pid"://p')
      began() { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20; }
      until [ "$(began self)" != "$(began "$pid")" ]; do :; done
      kill -9 "$pid"
      while [ -e "/proc/$pid" ]; do :; done
      until [ "$!" = "$pid" ]; do
        echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
        sleep 1000 </dev/null >/dev/null &
      done
      "$1" --root "$2" state "$3" | grep status
      "$1" --root "$2" kill "$3" KILL
      "$1" --root "$2" start "$3"
      "$1" --root "$2" delete --force "$3" && echo deleted
      kill -9 "$pid" && echo the other one is there`;
    const { id, bundle } = lab.container(["/bin/true"]);
    const inside = [context.shim, "2", "/bin/sh", "-c", script, "sh", context.runtime.path, lab.root, id, bundle];
    const { stdout } = ok(await command(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ...inside]));
    const said = stdout.split("\n");
    assert.match(said[0] ?? "", /"status": "stopped"/);
    assert.match(said[1] ?? "", /container not running/);
    assert.match(said[2] ?? "", /cannot start a container that has stopped/);
    assert.deepEqual(said.slice(3), ["deleted", "the other one is there", ""]);
  },
);

scenario(
  "a container of another boot is stopped and can be deleted",
  { needs: ["files that outlive a boot"] },
  async (lab) => {
    const container = await lab.stopped();
    const pid = lab.stranger();
    change(lab, container, (record) => {
      record.bootId = "00000000-0000-0000-0000-000000000000";
      record.init = { pid, startTime: startTime(pid) ?? "" };
    });
    const root = mkdtempSync(join(outlivesBoot, "box-"));
    lab.later(() => rmSync(root, { recursive: true }));
    cpSync(lab.root, root, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
    rmSync(lab.root, { recursive: true });
    const runtime = lab.runtimeAt(root);
    assert.match(ok(await runtime.state(container.id)).stdout, /"status": "stopped"/);
    ok(await runtime.delete(container.id));
    assert.deepEqual(readdirSync(root), []);
  },
);

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

scenario(
  "until there is an init, kill --all and ps leave the cgroup alone: it may be another container's",
  { needs: ["cgroup: writable"] },
  async (lab) => {
    const [container, other] = [await stoppedWithoutCgroups(lab), await lab.running()];
    const { cgroup } = JSON.parse(readFileSync(path(lab, other), "utf8")) as Record;
    change(lab, container, (record) => Object.assign(record, { phase: "creating", init: null, cgroup }));
    refused(await lab.runtime.kill(container.id, "KILL", "--all"), /container not running/);
    refused(await lab.runtime.call(["ps", container.id]), /container not running/);
    await container.delete("--force");
    assert.ok(isAlive(other.pid));
    await other.expectStatus("running");
  },
);
