/** Confinement by AppArmor: the profile comes with the execve of the program, and of nothing before it. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { command } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("apparmor", { needs: ["apparmor"], clause: "config.md, process.apparmorProfile" });

/** Loads a profile of the test's own, in which nothing may write below /tmp. */
async function loadProfile(lab: Lab, name: string): Promise<string> {
  const profile = `${lab.token}-${name}`;
  const rules = "file, capability, network, unix, signal, ptrace, mount, umount, deny /tmp/** w,";
  const text = `profile "${profile}" flags=(attach_disconnected) { ${rules} }`;
  ok(await command(["apparmor_parser", "--replace", "--skip-cache"], { input: text }));
  lab.later(async () => void ok(await command(["apparmor_parser", "--remove"], { input: text })));
  return profile;
}

const confined =
  (profile: string, more: Partial<Spec["process"]> = {}) =>
  ({ process, mounts }: Spec): void => {
    Object.assign(process, { apparmorProfile: profile, ...more });
    mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" });
  };

const labelOf = (pid: number): string => readFileSync(`/proc/${pid}/attr/current`, "utf8").trim();
const script = "cat /proc/self/attr/current; touch /tmp/x 2>/dev/null || echo denied";

for (const noNewPrivileges of [true, false]) {
  scenario(
    `the program is confined by the profile, noNewPrivileges being ${noNewPrivileges}`,
    { root: "profiles of AppArmor" },
    async (lab) => {
      const profile = await loadProfile(lab, "init");
      const output = await lab.shell(script, confined(profile, { noNewPrivileges }));
      assert.deepEqual(output.trim().split("\n"), [`${profile} (enforce)`, "denied"]);
    },
  );

  scenario(
    `exec's program is confined as the container's, noNewPrivileges being ${noNewPrivileges}`,
    { root: "profiles of AppArmor", needs: ["command: exec"] },
    async (lab) => {
      const profile = await loadProfile(lab, "init");
      const container = await lab.running(["/bin/probe", "wait"], confined(profile, { noNewPrivileges }));
      const { stdout } = ok(await lab.runtime.exec(container.id, ["/bin/sh", "-c", script]));
      assert.deepEqual(stdout.trim().split("\n"), [`${profile} (enforce)`, "denied"]);
    },
  );
}

scenario("the profile comes with the program, not before it", { root: "profiles of AppArmor" }, async (lab) => {
  const profile = await loadProfile(lab, "init");
  const container = await lab.created(["/bin/probe", "wait"], confined(profile));
  assert.equal(labelOf(container.pid), "unconfined");
  await container.start();
  await container.line(/^ready$/);
  assert.equal(labelOf(container.pid), `${profile} (enforce)`);
});

scenario(
  "a startContainer hook is confined as the program is, one of createContainer is not",
  { root: "profiles of AppArmor", boxOnly: "startContainer hooks have the program's rights" },
  async (lab) => {
    const profile = await loadProfile(lab, "init");
    mkdirSync(lab.path("log"));
    const hook = (file: string) => ({
      path: "/bin/sh",
      args: ["sh", "-c", `cat >/dev/null; cat /proc/self/attr/current >${file}`],
      env: ["PATH=/usr/bin:/bin"],
    });
    const container = lab.container(["/bin/true"], (spec) => {
      confined(profile)(spec);
      spec.mounts.push({ destination: "/log", source: lab.path("log"), type: "bind", options: ["bind"] });
      spec.hooks = { createContainer: [hook(lab.path("log/create"))], startContainer: [hook("/log/start")] };
    });
    await container.outputOfRun();
    const said = (name: string) => readFileSync(lab.path(`log/${name}`), "utf8").trim();
    assert.deepEqual([said("create"), said("start")], ["unconfined", `${profile} (enforce)`]);
  },
);

scenario(
  "exec --apparmor gives another profile",
  { root: "profiles of AppArmor", needs: ["command: exec"] },
  async (lab) => {
    const [first, second] = [await loadProfile(lab, "init"), await loadProfile(lab, "exec")];
    const container = await lab.running(["/bin/probe", "wait"], confined(first));
    const { stdout } = ok(await lab.runtime.exec(container.id, ["/bin/sh", "-c", script], ["--apparmor", second]));
    assert.deepEqual(stdout.trim().split("\n"), [`${second} (enforce)`, "denied"]);
    assert.equal(labelOf(container.pid), `${first} (enforce)`);
  },
);

scenario("a container without a profile is not confined", async (lab) => {
  assert.equal((await lab.shell("cat /proc/self/attr/current")).trim(), "unconfined");
});

scenario("start refuses a profile that is not loaded", async (lab) => {
  const container = lab.container(["/bin/true"], confined("acceptance-not-loaded"));
  const created = await container.creating().result();
  if (created.status === 0) refused(await lab.runtime.start(container.id), /apparmor/i);
  else refused(created, /apparmor/i);
});

scenario(
  "run refuses a profile that is not loaded by the name of its property, and leaves nothing",
  { needs: ["command: run"], boxOnly: "its own words" },
  async (lab) => {
    const container = lab.container(["/bin/true"], confined("acceptance-not-loaded"));
    refused(
      await lab.runtime.call(["run", "--bundle", container.bundle, container.id]),
      /process\.apparmorProfile: .*ENOENT/,
    );
    assert.deepEqual(lab.leaks(), []);
  },
);

scenario(
  "exec refuses a profile that is not loaded, and the container goes on",
  { root: "profiles of AppArmor", needs: ["command: exec"] },
  async (lab) => {
    const profile = await loadProfile(lab, "init");
    const container = await lab.running(["/bin/probe", "wait"], confined(profile));
    const result = await lab.runtime.exec(container.id, ["/bin/true"], ["--apparmor", "acceptance-not-loaded"]);
    refused(result, /apparmor/i);
    await container.expectStatus("running");
    ok(await lab.runtime.exec(container.id, ["/bin/true"]));
  },
);
