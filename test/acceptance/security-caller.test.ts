/** What a caller has about it by accident reaches no container, and other users of the host lead nothing astray. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { Canary } from "./harness/attack.ts";
import { command } from "./harness/command.ts";
import type { Report } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security of the caller", { boxOnly: "what it keeps to itself" });

// --- What is handed down by accident ----------------------------------------------------------------------------------

/** Runs box's command as a caller that has left about all that a caller can (`probe burden`). */
async function burdened(lab: Lab, args: string[]): Promise<Report> {
  const { runtime } = lab;
  mkdirSync(lab.path("odd"), { recursive: true });
  const result = await command([context.probe, "burden", ...runtime.argv(args)], {
    env: runtime.place.env,
    cwd: lab.path("odd"),
  });
  return JSON.parse(ok(result).stdout) as Report;
}

function expectNothingOfCaller(report: Report): void {
  const { fds, env, cwd, status, dumpable, deathSignal, findsKey } = report;
  assert.deepEqual(Object.keys(fds), ["0", "1", "2"]);
  assert.deepEqual(env, ["PATH=/usr/bin:/bin", "HOME=/"]);
  assert.deepEqual([cwd, dumpable, deathSignal, findsKey], ["/", 1, 0, false]);
  const { Groups, SigBlk, SigIgn, Umask } = status;
  assert.deepEqual([Groups, SigBlk, SigIgn, Umask], ["", "0".repeat(16), "0".repeat(16), "0022"]);
}

scenario(
  "nothing that the caller has left about reaches the program",
  { root: "what an ordinary user cannot hand down" },
  async (lab) => {
    const { id, bundle } = lab.container(["/bin/probe", "report"]);
    expectNothingOfCaller(await burdened(lab, ["run", "--bundle", bundle, id]));
  },
);

scenario(
  "nothing that the caller has left about reaches an exec'd program",
  { root: "what an ordinary user cannot hand down" },
  async (lab) => {
    const { id } = await lab.running();
    expectNothingOfCaller(await burdened(lab, ["exec", id, "/bin/probe", "report"]));
  },
);

// --- The memory of the init that waits --------------------------------------------------------------------------------

/** Whether each text is somewhere in the memory of a process, looked through as root. */
function searchMemory(pid: number, texts: readonly string[]): boolean[] {
  const found = texts.map(() => false);
  const overlap = Math.max(...texts.map((text) => text.length));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const step = 1 << 22;
  const buffer = Buffer.alloc(step + overlap);
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line) ?? [];
    if (from === undefined || to === undefined || line.endsWith("[vvar]") || line.includes("[vsyscall]")) continue;
    for (let at = BigInt(`0x${from}`); at < BigInt(`0x${to}`); at += BigInt(step)) {
      const length = Number(BigInt(`0x${to}`) - at);
      let count = 0;
      try {
        count = readSync(memory, buffer, 0, Math.min(length, buffer.length), at);
      } catch {
        // A guard page.
      }
      const part = buffer.subarray(0, count);
      texts.forEach((text, index) => {
        found[index] ||= part.includes(text);
      });
    }
  }
  closeSync(memory);
  return found;
}

scenario("nothing of the caller's environment is in the memory of an init that waits", async (lab) => {
  // Put together here, so that no other process has it.
  const secret = ["secret", "of", "the", "caller", lab.newId()].join("-");
  const asked = ["asked", "for", lab.newId()].join("-");
  const container = lab.container(["/bin/probe", "wait"], ({ process }) => process.env?.push(`ASKED=${asked}`));
  await container.create([], { env: { SECRET: secret, LD_PRELOAD: `/${secret}` } });
  assert.equal(readFileSync(`/proc/${container.pid}/environ`, "latin1").replaceAll("\0", ""), "");
  assert.deepEqual(searchMemory(container.pid, [asked, secret]), [true, false]);
});

// --- Files ------------------------------------------------------------------------------------------------------------

scenario("what box keeps of a container is for its user alone", async (lab) => {
  const { runtime, id, bundle } = lab.container(["/bin/probe", "wait"]);
  const create = runtime.argv(["create", "--bundle", bundle, id]);
  // Whatever the caller's umask is.
  const script = `umask 000; exec "$@" >/dev/null 2>&1`;
  ok(await command(["/bin/sh", "-c", script, "sh", ...create], { env: runtime.place.env }));
  const modes = [lab.root, join(lab.root, id)].map((path) => lstatSync(path).mode & 0o7777);
  assert.deepEqual(modes, [0o700, 0o700]);
  const open = readdirSync(join(lab.root, id)).filter((name) => {
    const entry = lstatSync(join(lab.root, id, name));
    return entry.isFile() && (entry.mode & 0o7777) !== 0o600;
  });
  assert.deepEqual(open, [], "files that others may read or write");
  ok(await runtime.delete(id, "--force"));
});

scenario("another user's links are not followed by --log and --trace", async (lab) => {
  const canary = new Canary(lab);
  const container = lab.container(["/bin/true"]);
  for (const target of [canary.file, join(canary.path, "made")]) {
    symlinkSync(target, lab.path("link"));
    for (const option of ["--log", "--trace"])
      refused(
        await lab.runtime.call([option, lab.path("link"), "run", "--bundle", container.bundle, container.id]),
        /ELOOP/,
      );
    canary.check();
    ok(await command(["rm", lab.path("link")]));
  }
});

scenario("a FIFO that nobody reads holds no command up as --log or --trace", async (lab) => {
  const container = lab.container(["/bin/true"]);
  ok(await command(["mkfifo", lab.path("fifo")]));
  for (const option of ["--log", "--trace"])
    refused(
      await lab.runtime.call([option, lab.path("fifo"), "run", "--bundle", container.bundle, container.id]),
      /ENXIO/,
    );
});

scenario("another user's links are replaced by --pid-file, not followed", async (lab) => {
  const canary = new Canary(lab);
  const { runtime, id, bundle } = lab.container(["/bin/true"]);
  for (const target of [canary.file, join(canary.path, "made")]) {
    symlinkSync(target, lab.path("link"));
    ok(await runtime.call(["run", "--bundle", bundle, "--pid-file", lab.path("link"), id]));
    canary.check();
    assert.ok(lstatSync(lab.path("link")).isFile());
    ok(await command(["rm", lab.path("link")]));
  }
});

scenario("another user's links are not followed by --console-socket and --pidfd-socket", async (lab) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(lab.path("socket"), resolve));
  lab.later(() => void server.close());
  symlinkSync(lab.path("socket"), lab.path("link"));
  const { runtime, id, bundle } = lab.container(["/bin/true"], ({ process }) => {
    process.terminal = true;
  });
  refused(await runtime.call(["create", "--bundle", bundle, "--console-socket", lab.path("link"), id]), /ELOOP/);
  const running = await lab.running();
  const flags = ["--pidfd-socket", lab.path("link"), "--detach"];
  refused(await runtime.exec(running.id, ["/bin/true"], flags), /ELOOP/);
  // None came before our own.
  const own = connect(lab.path("socket"));
  await once(server, "connection");
  own.destroy();
  assert.equal(connections, 1);
});

scenario("another user's links are not followed by --root", async (lab) => {
  const canary = new Canary(lab);
  const { id, bundle } = lab.container(["/bin/true"]);
  symlinkSync(canary.path, lab.path("link"));
  const call = (...args: string[]) => command([context.runtime.path, "--root", lab.path("link"), ...args]);
  refused(await call("run", "--bundle", bundle, id), /state root/);
  refused(await call("delete", "--force", "file"), /state root/);
  canary.check();
});

scenario("another user's state root is refused", { root: "files and processes of other users" }, async (lab) => {
  const { id, bundle } = lab.container(["/bin/true"]);
  mkdirSync(lab.path("theirs"), { mode: 0o700 });
  writeFileSync(lab.path("theirs/state"), "");
  ok(await command(["chown", "12345", lab.path("theirs")]));
  const call = (...args: string[]) => command([context.runtime.path, "--root", lab.path("theirs"), ...args]);
  refused(await call("run", "--bundle", bundle, id), /another user's/);
});
