/** Ways out of a container, and ways in which a caller's own circumstances weaken one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { command, describeResult, type Result } from "./harness/command.ts";
import { defaultSpec, type Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import { ok, refused, until } from "./harness/expect.ts";
import type { Need } from "./harness/facts.ts";
import { stateOf } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { cloneRootfs } from "./harness/rootfs.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security", { boxOnly: "how it holds a container" });

/** `run` of a container, started by a shell in which `"$@"` is that command. */
function runFrom(script: string, { runtime, id, bundle }: Container, before: string[] = []): Promise<Result> {
  const argv = runtime.argv(["run", "--bundle", bundle, id]);
  return command([...before, "/bin/sh", "-c", script, "sh", ...argv], { env: runtime.place.env });
}

function withTerminal(lab: Lab, script: string): Container {
  return lab.container(["/bin/sh", "-c", script], (spec) => {
    spec.process.terminal = true;
  });
}

function join(spec: Spec, type: string, path: string): void {
  for (const namespace of spec.linux.namespaces) if (namespace.type === type) namespace.path = path;
}

/** What a container needs to run box itself. */
function letRunContainers(spec: Spec): void {
  const capabilities = "CHOWN DAC_OVERRIDE FOWNER KILL MKNOD NET_ADMIN SETGID SETPCAP SETUID SYS_ADMIN SYS_CHROOT"
    .split(" ")
    .map((name) => `CAP_${name}`);
  spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
  spec.process.noNewPrivileges = false;
  spec.root.readonly = false;
  spec.mounts.push({ destination: "/run", type: "tmpfs", source: "tmpfs" });
  spec.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] });
  spec.linux.resources = { devices: [{ allow: true, access: "rwm" }] };
  spec.linux.maskedPaths = [];
  spec.linux.readonlyPaths = [];
}

/** Puts box and a bundle into a root file system; the bundle's own one may hold the next. */
function putBundle(rootfs: string, box: string, args: string[]): string {
  const bundle = `${rootfs}/inner`;
  mkdirSync(bundle);
  copyFileSync(box, `${rootfs}/box`);
  cloneRootfs(context.rootfs, `${bundle}/rootfs`);
  const spec = defaultSpec(args, context.cgroupHome === undefined ? undefined : "/inner");
  letRunContainers(spec);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
  return `${bundle}/rootfs`;
}

// --- What the caller hands down ---------------------------------------------------------------------------------------

scenario("the exit status is the program's for a caller that ignores SIGCHLD", async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "exit 7"]);
  assert.equal((await runFrom(`trap '' CHLD; exec "$@"`, container)).status, 7);
});

scenario("what the caller ignores is not ignored in the program", async (lab) => {
  const container = lab.container(["/bin/grep", "SigIgn", "/proc/self/status"]);
  const { stdout } = await runFrom(`trap '' HUP USR1 PIPE; exec "$@"`, container);
  assert.equal(stdout, "SigIgn:\t0000000000000000\n");
});

scenario("a hook that fails is not overlooked for a caller that ignores SIGCHLD", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.hooks = { createRuntime: [{ path: "/bin/false" }] };
  });
  refused(await runFrom(`trap '' CHLD; exec "$@"`, container), /createRuntime\[0\]/);
});

scenario("an init that waits holds nothing of the host's but its standard streams", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"]);
  const { runtime, id, bundle, pidFile } = container;
  // The caller has a directory of the host open, and box a log.
  const create = runtime.argv(["--log", lab.path("log"), "create", "--bundle", bundle, "--pid-file", pidFile, id]);
  const script = `exec 3</ 9</; exec "$@" </dev/null >/dev/null 2>&1`;
  ok(await command(["/bin/sh", "-c", script, "sh", ...create], { env: runtime.place.env }));
  const fds = `/proc/${readFileSync(pidFile, "utf8")}/fd`;
  const held = readdirSync(fds)
    .filter((number) => Number(number) > 2)
    .map((number) => readlinkSync(`${fds}/${number}`));
  assert.deepEqual(
    held.filter((target) => target.startsWith("/")),
    [],
  );
  ok(await runtime.delete(id, "--force"));
});

scenario("--preserve-fds does not take box's own log for a descriptor of the caller", async (lab) => {
  const { runtime, id, bundle } = lab.container(["/bin/true"]);
  const flags = ["--log", lab.path("log"), "run", "--bundle", bundle, "--preserve-fds", "1", id];
  refused(await runtime.call(flags), /descriptor 3 is not open/);
});

scenario("too few descriptors leave nothing behind", async (lab) => {
  for (const limit of [3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20]) {
    const container = lab.container(["/bin/true"], (spec) => {
      delete spec.process.rlimits;
    });
    const result = await runFrom(`ulimit -n ${limit}; exec "$@"`, container);
    if (result.status !== 0) refused(result, /descriptors|EMFILE/i);
    assert.deepEqual(lab.stateEntries(), [], `${limit} descriptors`);
  }
});

// Of the record, or of box's own copy of itself, which an ordinary user's may need first.
const tooLarge = /EFBIG|File too large/;

scenario("a limit of file sizes ends in an error and not in a signal", async (lab) => {
  refused(await runFrom(`ulimit -f 0; exec "$@"`, lab.container(["/bin/true"])), tooLarge);
  const { runtime, id, bundle } = lab.container(["/bin/true"]);
  const create = runtime.argv(["create", "--bundle", bundle, id]);
  refused(await command(["/bin/sh", "-c", `ulimit -f 0; exec "$@"`, "sh", ...create]), tooLarge);
  assert.deepEqual(lab.stateEntries(), []);
});

// --- What belongs to the host -----------------------------------------------------------------------------------------

scenario(
  "an empty hostname without a UTS namespace leaves the host its name",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.hostname = "";
      spec.domainname = "";
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "uts");
    });
    const result = ok(await runFrom(`hostname canary; "$@" && hostname`, container, ["unshare", "--uts"]));
    assert.equal(result.stdout, "canary\n");
  },
);

scenario(
  "a hostname for the caller's own UTS namespace is refused",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => join(spec, "uts", "/proc/self/ns/uts"));
    const result = await runFrom(`hostname canary; "$@"; s=$?; hostname; exit $s`, container, ["unshare", "--uts"]);
    assert.match(result.stderr, /^box: hostname: [^\n]+\n$/);
    assert.deepEqual([result.status, result.stdout], [1, "canary\n"]);
  },
);

scenario(
  "a kernel parameter for the caller's own network namespace is refused",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      join(spec, "network", "/proc/self/ns/net");
      spec.linux.sysctl = { "net.ipv4.ip_forward": "1" };
    });
    const script = `"$@"; s=$?; cat /proc/sys/net/ipv4/ip_forward; exit $s`;
    const result = await runFrom(script, container, ["unshare", "--net"]);
    assert.match(result.stderr, /linux\.sysctl\["net\.ipv4\.ip_forward"\]/);
    assert.deepEqual([result.status, result.stdout], [1, "0\n"]);
  },
);

for (const place of ["/proc", "/sys"]) {
  scenario(`a bind of ${place} is refused where the image has a link of that name`, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== place);
      spec.mounts.push({ destination: place, source: place, options: ["rbind", "ro"] });
    });
    rmdirSync(`${container.rootfs}${place}`);
    mkdirSync(`${container.rootfs}/elsewhere`);
    symlinkSync("/elsewhere", `${container.rootfs}${place}`);
    refused(await runFrom(`exec "$@"`, container), /must be a directory and no link/);
  });
}

scenario("a FIFO in place of a namespace is refused and not waited for", async (lab) => {
  execFileSync("mkfifo", [lab.path("fifo")]);
  const container = lab.container(["/bin/true"], (spec) => join(spec, "network", lab.path("fifo")));
  refused(await runFrom(`exec "$@"`, container), /not a namespace/);
});

// --- The state directory ----------------------------------------------------------------------------------------------

scenario(
  "in a state root where others can make directories, theirs are not containers",
  { root: "files and processes of other users" },
  async (lab) => {
    const { id, stateDir } = squatted(lab);
    writeFileSync(`${stateDir}/state.json`, JSON.stringify(hostileRecord(id, lab.path("ran"))));
    writeFileSync(`${stateDir}/lock`, "");
    for (const args of [
      ["state", id],
      ["kill", id],
      ["delete", id],
      ["delete", "--force", id],
    ])
      refused(await lab.runtime.call(args), /another user's/);
    assert.ok(!existsSync(lab.path("ran")), "a hook of another user's record ran");
    rmSync(stateDir, { recursive: true });
  },
);

function squatted(lab: Lab): { id: string; stateDir: string } {
  mkdirSync(lab.root);
  chmodSync(lab.root, 0o1777);
  const id = lab.newId();
  const stateDir = `${lab.root}/${id}`;
  mkdirSync(stateDir);
  chownSync(stateDir, 12345, 12345);
  return { id, stateDir };
}

function hostileRecord(id: string, trace: string): object {
  const hook = { where: "hooks.poststop[0]", path: "/bin/touch", args: ["touch", trace], env: [] };
  return {
    ...{
      version: 1,
      id,
      ociVersion: "1.0.2",
      bundle: "/",
      rootfs: "/",
      annotations: {},
      created: "",
      phase: "created",
    },
    ...{ bootId: "", owner: null, init: null, initFile: null, cgroup: null, startable: true, ownPidNamespace: true },
    ...{ uid: 0, hooks: { poststart: [], poststop: [hook] } },
  };
}

scenario("a FIFO in place of the record is damage and not waited for", async (lab) => {
  const { id } = await lab.created();
  const record = `${lab.root}/${id}/state.json`;
  const text = readFileSync(record);
  rmSync(record);
  execFileSync("mkfifo", [record]);
  refused(await lab.runtime.state(id), /state\.json is damaged/);
  rmSync(record);
  writeFileSync(record, text);
});

scenario("a run that fails leaves no pid file", async (lab) => {
  const { runtime, id, bundle, pidFile } = lab.container(["/nonexistent"]);
  refused(await runtime.call(["run", "--bundle", bundle, "--pid-file", pidFile, id]), /nonexistent/);
  assert.ok(!existsSync(pidFile));
});

// --- Terminals --------------------------------------------------------------------------------------------------------

scenario("with a terminal, nobody holds the output of create once it has returned", async (lab) => {
  const { runtime, id, bundle } = withTerminal(lab, "read line");
  const path = lab.path("console");
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  lab.later(() => void server.close());
  // A command is over at the end of its output.
  ok(await runtime.call(["create", "--bundle", bundle, "--console-socket", path, id]));
  ok(await runtime.delete(id, "--force"));
});

scenario("a program goes on when the caller's end of its terminal's output is closed", async (lab) => {
  const container = withTerminal(lab, "for i in $(seq 200); do echo $i; done; read line </closed; echo more; exit 5");
  const closed = lab.fifoIn(container, "closed");
  const status = lab.path("status");
  const reader = `{ head -n 1; exec </dev/null; echo >${closed.path}; }`;
  ok(await runFrom(`{ "$@" </dev/null; echo $? >${status}; } | ${reader}`, container));
  assert.equal(readFileSync(status, "utf8"), "5\n");
});

scenario("output to a caller that takes it without waiting comes whole", async (lab) => {
  const container = withTerminal(lab, "echo x; echo >/printed; head -c 299999 /dev/zero | tr '\\0' x");
  const printed = lab.fifoIn(container, "printed");
  // The pipe is full already.
  const fill = "1 while syswrite(STDOUT, q( ) x 4096)";
  const perl = `use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK | O_WRONLY); ${fill}; exec @ARGV`;
  const script = `perl -e '${perl}' "$@" </dev/null | { read line <${printed.path}; tr -cd x | wc -c; }`;
  assert.equal(ok(await runFrom(script, container)).stdout.trim(), "300000");
});

scenario("a program that closes its terminal costs nothing, and may open it again", async (lab) => {
  const script = "exec </dev/null >/dev/null 2>&1; echo closed >/closed; read line </go; echo again >/dev/console";
  const container = withTerminal(lab, script);
  const { runtime, id, bundle } = container;
  const [closed, go] = [lab.fifoIn(container, "closed"), lab.fifoIn(container, "go")];
  const trace = lab.path("trace.json");
  const run = lab.watch(runtime.shim(["--trace", trace, "run", "--bundle", bundle, id]));
  await closed.lines.line(/^closed$/);
  const pid = await run.started();
  await until("box sleeps", () => stateOf(pid) === "S");
  go.write("go\n");
  assert.equal(await run.stdout.end(), "again\n");
  assert.equal(await run.exited(), "exit 0");
  const polls = readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => line.includes('"ppoll"')).length;
  // Two for each piece of output, some for systemd and for the end, however long the terminal stays closed: who asks again
  // and again does so thousands of times.
  assert.ok(polls <= 50, `${polls} times asked`);
});

const byCgroupfs: { needs: Need[] } = { needs: ["cgroup: by cgroupfs", "cgroup: writable"] };

// --- Other containers -------------------------------------------------------------------------------------------------

scenario("a cgroup below which another container lives is refused", byCgroupfs, async (lab) => {
  const victim = await lab.running(["/bin/probe", "wait"], (spec) => {
    spec.linux.cgroupsPath += "/below";
  });
  const container = lab.container(["/bin/true"], (spec) => {
    spec.linux.cgroupsPath = victim.spec.linux.cgroupsPath?.replace(/\/below$/, "") ?? "";
    // Rules cannot be written while the kernel still remembers the child.
    delete spec.linux.resources;
  });
  refused(await runFrom(`exec "$@"`, container), /cgroup is not empty/);
  await victim.expectStatus("running");
  await victim.stop();
  await victim.delete();
  // Its cgroup's parent was made along with it.
  await lab.runtime.call(["run", "--bundle", container.bundle, container.id]).then(ok);
});

scenario(
  "box's own cgroup, in which containers live, is none for a container",
  { root: "cgroups above the user's", ...byCgroupfs },
  async (lab) => {
    for (const path of ["/box", "/box/.", "."]) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.linux.cgroupsPath = path;
      });
      refused(await runFrom(`exec "$@"`, container), /linux\.cgroupsPath/);
    }
  },
);

scenario("box works where /proc/sys is read-only, as in a container", { root: "mounts on the host" }, async (lab) => {
  const container = lab.container(["/bin/sh", "-c", "exit 3"]);
  const script = `mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && "$@"`;
  assert.equal((await runFrom(script, container, ["unshare", "--mount"])).status, 3);
});

// --- In itself --------------------------------------------------------------------------------------------------------

scenario("box runs in a container of its own, and in one of that", async (lab) => {
  const down = ["/box", "--root", "/run/box", "run", "--bundle", "/inner", "inner"];
  const container = lab.container(down, letRunContainers);
  const box = container.runtime.argv([])[0] as string;
  const second = putBundle(container.rootfs, box, down);
  putBundle(second, box, ["/bin/sh", "-c", "echo third $$; exit 9"]);
  const result = await container.running().result();
  assert.equal(result.status, 9, describeResult(result));
  assert.equal(result.stdout, "third 1\n");
});
