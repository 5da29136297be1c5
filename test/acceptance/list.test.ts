import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { command } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("list", { needs: ["command: list"] });

scenario("list --quiet prints the ids, one a line", async (lab) => {
  const containers = [await lab.created(), await lab.created()];
  const { stdout } = ok(await lab.runtime.list("--quiet"));
  assert.deepEqual(stdout.trimEnd().split("\n").toSorted(), containers.map(({ id }) => id).toSorted());
});

scenario("list --format json prints the state of every container", async (lab) => {
  const [created, running, stopped] = [await lab.created(), await lab.running(), await lab.stopped()];
  const all = JSON.parse(ok(await lab.runtime.list("--format", "json")).stdout) as State[];
  const shown = Object.fromEntries(all.map(({ id, status, pid, bundle }) => [id, { status, pid, bundle }]));
  assert.deepEqual(shown, {
    [created.id]: { status: "created", pid: created.pid, bundle: created.bundle },
    [running.id]: { status: "running", pid: running.pid, bundle: running.bundle },
    [stopped.id]: { status: "stopped", pid: 0, bundle: stopped.bundle },
  });
});

scenario("list prints a table with a row for each container", async (lab) => {
  const container = await lab.running();
  const [header = "", ...rows] = ok(await lab.runtime.list())
    .stdout.trimEnd()
    .split("\n");
  assert.match(header, /^(ID|NAME) +PID +STATUS +BUNDLE( PATH)? +CREATED +OWNER$/);
  assert.equal(rows.length, 1);
  const [id, pid, status, bundle, created, owner] = rows[0]?.split(/\s+/) ?? [];
  assert.deepEqual([id, pid, status, bundle], [container.id, `${container.pid}`, "running", container.bundle]);
  assert.ok(!Number.isNaN(Date.parse(created ?? "")));
  assert.equal(owner, userInfo().username);
});

scenario("list passes over what is not a container", { boxOnly: "the layout of the state directory" }, async (lab) => {
  const container = await lab.created();
  writeFileSync(join(lab.root, "stray file"), "");
  mkdirSync(join(lab.root, "empty-directory"));
  assert.equal(ok(await lab.runtime.list("--quiet")).stdout, `${container.id}\n`);
  rmSync(join(lab.root, "stray file"));
  rmSync(join(lab.root, "empty-directory"), { recursive: true });
});

const spec = feature("spec", { needs: ["command: spec"] });

const read = (path: string): Spec => JSON.parse(readFileSync(path, "utf8")) as Spec;

spec("spec writes config.json into the working directory", { bare: true }, async (lab) => {
  ok(await command([context.runtime.path, "spec"], { cwd: lab.dir }));
  const config = read(lab.path("config.json"));
  assert.match(config.ociVersion, /^1\.\d+\.\d+/);
  assert.equal(config.root.path, "rootfs");
  assert.deepEqual(
    config.linux.namespaces
      .map(({ type }) => type)
      .filter((type) => type !== "cgroup")
      .toSorted(),
    ["ipc", "mount", "network", "pid", "uts"],
  );
});

spec("spec --bundle writes it there", { bare: true }, async (lab) => {
  ok(await command([context.runtime.path, "spec", "--bundle", lab.dir]));
  assert.ok(existsSync(lab.path("config.json")));
});

spec("spec is refused when config.json exists, and leaves it alone", { bare: true }, async (lab) => {
  writeFileSync(lab.path("config.json"), "mine");
  refused(await command([context.runtime.path, "spec"], { cwd: lab.dir }), /exist/);
  assert.equal(readFileSync(lab.path("config.json"), "utf8"), "mine");
});

const oneId = [{ containerID: 0, hostID: 0, size: 1 }];

spec("spec --rootless maps the caller in a user namespace", { bare: true }, async (lab) => {
  ok(await command([context.runtime.path, "spec", "--rootless"], { cwd: lab.dir }));
  const { linux } = read(lab.path("config.json"));
  const types = linux.namespaces.map(({ type }) => type);
  assert.ok(types.includes("user") && !types.includes("network"), types.join());
  const { uidMappings, gidMappings } = context.user ?? { uidMappings: oneId, gidMappings: oneId };
  assert.deepEqual([linux.uidMappings, linux.gidMappings], [uidMappings, gidMappings]);
});

spec("the configuration that spec writes runs as it is but for the terminal", async (lab) => {
  const container = lab.container([]);
  const rootless = context.user === undefined ? [] : ["--rootless"];
  const { rmSync } = await import("node:fs");
  rmSync(join(container.bundle, "config.json"));
  ok(await command([context.runtime.path, "spec", ...rootless], { cwd: container.bundle }));
  const config = read(join(container.bundle, "config.json"));
  config.process.terminal = false;
  config.process.args = ["/bin/echo", "it runs"];
  config.linux.cgroupsPath = lab.cgroupsPath(container.id);
  writeFileSync(join(container.bundle, "config.json"), JSON.stringify(config));
  assert.equal(await container.outputOfRun(), "it runs\n");
});
