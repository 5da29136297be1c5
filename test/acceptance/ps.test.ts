import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ok, refused } from "./harness/expect.ts";
import { cgroupsNamed } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("ps", { needs: ["command: ps", "cgroup: writable"] });

const two = ["/bin/sh", "-c", "/bin/probe wait & exec /bin/probe wait"];

scenario("ps --format json prints the pids of all processes on one line", async (lab) => {
  const container = await lab.running(two);
  await container.line(/^ready$/);
  const { stdout } = ok(await lab.runtime.call(["ps", "--format", "json", container.id]));
  assert.match(stdout, /^\[[^\n]*\]\n$/);
  const pids = JSON.parse(stdout) as number[];
  assert.equal(pids.length, 2);
  assert.ok(pids.includes(container.pid));
});

scenario("ps counts what is in cgroups below the container's", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.running(two);
  await container.line(/^ready$/);
  const paths = cgroupsNamed(container.id);
  const all = readFileSync(join(paths[0] ?? "", "cgroup.procs"), "utf8")
    .trim()
    .split("\n")
    .map(Number);
  for (const path of paths) {
    mkdirSync(join(path, "inner"));
    // A new cpuset takes nobody until it has processors.
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      if (path.includes("/cpuset/"))
        writeFileSync(join(path, "inner", name), readFileSync(join(path, name), "utf8").trim());
    }
    writeFileSync(join(path, "inner", "cgroup.procs"), `${all.find((pid) => pid !== container.pid)}`);
  }
  const { stdout } = ok(await lab.runtime.call(["ps", "-f", "json", container.id]));
  assert.deepEqual((JSON.parse(stdout) as number[]).sort(), all.sort());
});

scenario("ps of a paused container works", { needs: ["command: pause", "cgroup: freezer"] }, async (lab) => {
  const container = await lab.running();
  ok(await lab.runtime.pause(container.id));
  const { stdout } = ok(await lab.runtime.call(["ps", "--format", "json", container.id]));
  assert.deepEqual(JSON.parse(stdout), [container.pid]);
});

scenario(
  "ps prints the rows that the host's ps -ef has of the container",
  { needs: ["userspace: ps"] },
  async (lab) => {
    const container = await lab.running();
    const { stdout } = ok(await lab.runtime.call(["ps", container.id]));
    const [header = "", row = "", ...rest] = stdout.split("\n");
    assert.match(header, /^UID +PID +PPID /);
    assert.match(row, new RegExp(`^\\S+ +${container.pid} .*/bin/probe wait$`));
    assert.deepEqual(rest, [""]);
  },
);

scenario("ps passes what follows the id on", { needs: ["userspace: ps"] }, async (lab) => {
  const container = await lab.running();
  const { stdout } = ok(await lab.runtime.call(["ps", container.id, "-A", "-o", "comm,pid"]));
  assert.deepEqual(
    stdout.split("\n").map((line) => line.trim().split(/\s+/).join(" ")),
    ["COMMAND PID", `probe ${container.pid}`, ""],
  );
});

scenario("ps is refused when its table has no PID column", { needs: ["userspace: ps"] }, async (lab) => {
  const container = await lab.running();
  refused(await lab.runtime.call(["ps", container.id, "-A", "-o", "comm"]), /no column PID/);
});

scenario(
  "ps is refused when there is no ps, or when it fails",
  { boxOnly: "its own words", needs: ["userspace: ps"] },
  async (lab) => {
    const container = await lab.running();
    const nowhere = await lab.runtime.call(["ps", container.id], { env: { PATH: lab.tmp } });
    refused(nowhere, /ps: no such program on the PATH/);
    const failed = await lab.runtime.call(["ps", container.id, "--nonsense"]);
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /^box: ps: ended with status [1-9]/m);
  },
);

scenario("ps of a stopped container lists nobody", { boxOnly: "an empty list in place of null" }, async (lab) => {
  const container = await lab.stopped();
  const { stdout } = ok(await lab.runtime.call(["ps", "--format", "json", container.id]));
  assert.equal(stdout, "[]\n");
});

scenario("ps is refused when there is no such container", async (lab) => {
  refused(await lab.runtime.call(["ps", lab.newId()]), /container does not exist/);
});

for (const format of ["yaml", ""]) {
  scenario(
    `ps refuses ${JSON.stringify(format)} as a format`,
    { boxOnly: "before anything is looked at" },
    async (lab) => {
      refused(
        await lab.runtime.call(["ps", "--format", format, "c"]),
        /--format: must (be table or json|not be empty)/,
      );
    },
  );
}
