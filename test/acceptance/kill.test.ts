import assert from "node:assert/strict";
import { cgroupsPathOf } from "./harness/container.ts";
import { ok, refused, until } from "./harness/expect.ts";
import { childrenOf, isAlive, processes, stateOf } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("kill", {
  clause: 'runtime.md, Kill: "This operation MUST send the specified signal to the container process"',
});

const catchable = Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => number !== 9 && number !== 19);

scenario("kill delivers every signal by number when running", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  for (const number of catchable) {
    await container.kill(`${number}`);
    assert.equal(await container.line(), `signal ${number}`.replace(/ (\d)$/, " 0$1"));
  }
});

for (const [spelling, number] of [
  ["TERM", 15],
  ["SIGTERM", 15],
  ["sigterm", 15],
  ["term", 15],
  ["15", 15],
  ["HUP", 1],
  ["SIGINT", 2],
  ["USR1", 10],
  ["WINCH", 28],
  ["CHLD", 17],
] as const) {
  scenario(`kill understands ${spelling}`, async (lab) => {
    const container = await lab.running(["/bin/probe", "signals"]);
    await container.kill(spelling);
    assert.equal(await container.line(), `signal ${number}`.replace(/ (\d)$/, " 0$1"));
  });
}

/** Second names of signals that have another. */
const second = ["SIGIOT", "SIGPOLL", "SIGUNUSED"];

scenario("kill understands the name of every signal", async (lab) => {
  const { constants } = await import("node:os");
  const container = await lab.running(["/bin/probe", "signals"]);
  for (const [name, number] of Object.entries(constants.signals)) {
    if (!catchable.includes(number) || second.includes(name)) continue;
    await container.kill(name);
    assert.equal(await container.line(), `signal ${number}`.replace(/ (\d)$/, " 0$1"), name);
  }
});

scenario("kill sends TERM when no signal is named", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  await container.kill();
  assert.equal(await container.line(), "signal 15");
});

scenario("KILL ends a program that handles everything", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  await container.kill("KILL");
  assert.equal(await container.exit(), "signal 9");
  await container.expectStatus("stopped");
});

scenario("STOP stops the program and CONT lets it go on", async (lab) => {
  const container = await lab.running(["/bin/probe", "signals"]);
  await container.kill("STOP");
  await until("the program is stopped", () => stateOf(container.pid) === "T");
  await container.expectStatus("running");
  await container.kill("CONT");
  assert.equal(await container.line(), "signal 18");
});

scenario("KILL ends a created container", async (lab) => {
  const container = await lab.created();
  await container.kill("KILL");
  assert.equal(await container.exit(), "signal 9");
  await container.expectStatus("stopped");
});

scenario(
  "TERM ends a created container",
  { boxOnly: "a created init does what a program without handlers does" },
  async (lab) => {
    const container = await lab.created();
    await container.kill("WINCH");
    await container.expectStatus("created");
    await container.kill("TERM");
    assert.equal(await container.exit(), "exit 143");
    await container.expectStatus("stopped");
  },
);

scenario("kill is refused and says so when the container has stopped", { clause: "runtime.md, Kill" }, async (lab) => {
  const container = await lab.stopped();
  refused(await lab.runtime.kill(container.id, "TERM"), /container not running/);
});

for (const signal of ["NOSUCH", "00", "0x9", "-1", "65", "1000", "", "9 9", "SIG"]) {
  scenario(`kill refuses ${JSON.stringify(signal)} as a signal`, { boxOnly: "strict operands" }, async (lab) => {
    const container = await lab.running(["/bin/probe", "signals"]);
    refused(await lab.runtime.kill(container.id, "--", signal));
    await container.expectStatus("running");
    // Nothing arrived before this one.
    await container.kill("USR1");
    assert.equal(await container.line(), "signal 10");
  });
}

scenario("kill reaches init only", async (lab) => {
  const container = await lab.running(["/bin/sh", "-c", "/bin/probe signals & wait"]);
  const [probe] = childrenOf(container.pid);
  assert.ok(probe !== undefined, "init has no child");
  // The shell has no handler, and pid 1 ignores what it does not handle.
  await container.kill("USR1");
  await container.expectStatus("running");
  // Nothing arrived at the other one before this.
  process.kill(probe, "SIGUSR2");
  assert.equal(await container.line(), "signal 12");
});

scenario(
  "kill --all reaches every process",
  { needs: ["cgroup: writable"], boxOnly: "--all reaches every process of the cgroup" },
  async (lab) => {
    const container = await lab.running(["/bin/sh", "-c", "/bin/probe signals & exec /bin/probe signals"]);
    await container.line(/^ready$/);
    ok(await lab.runtime.call(["kill", "--all", container.id, "USR1"]));
    assert.deepEqual([await container.line(), await container.line()], ["signal 10", "signal 10"]);
  },
);

scenario("the end of init ends all processes of its pid namespace", { needs: ["cgroup: writable"] }, async (lab) => {
  const container = await lab.created(["/bin/probe", "orphan"]);
  await container.start();
  await container.line(/^orphan /);
  const inside = processes().filter(({ marks }) => marks.includes(`${cgroupsPathOf(container)}\n`));
  assert.ok(inside.length >= 2, `only ${inside.length} process(es) in the cgroup`);
  await container.stop();
  await until("no process is left", () => inside.every(({ pid }) => !isAlive(pid)));
});

for (const [how, flags] of [
  ["kill --all KILL", ["--all"]],
  ["kill KILL", []],
] as const)
  scenario(
    `${how} ends what init left behind in a shared pid namespace`,
    {
      needs: ["mount: proc of the caller's pid namespace"],
      boxOnly: "KILL of a stopped container; runc 1.2 and newer",
    },
    async (lab) => {
      const container = await lab.created(["/bin/sh", "-c", "/bin/probe wait & read line"], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== "pid");
      });
      await container.start();
      await container.line(/^ready$/);
      container.say("\n");
      await container.exit();
      await container.expectStatus("stopped");
      refused(await lab.runtime.kill(container.id, "TERM"), /container not running/);
      ok(await lab.runtime.call(["kill", ...flags, container.id, "KILL"]));
      await container.shim.finished();
      refused(await lab.runtime.kill(container.id, "KILL"), /container not running/);
    },
  );

scenario(
  "kill 0 tells whether there is a process",
  { boxOnly: "kill(2) in the place of an exit status" },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "signals"]);
    ok(await lab.runtime.kill(container.id, "0"));
    await container.kill("USR1");
    assert.equal(await container.line(), "signal 10");
    await container.stop();
    refused(await lab.runtime.kill(container.id, "0"), /container not running/);
  },
);
