import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { command, type Result } from "./harness/command.ts";
import type { IdMapping, Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { cloneRootfs } from "./harness/rootfs.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("rootless", {
  needs: ["userspace: setpriv", "user namespaces of an ordinary user"],
  boxOnly: "containers of an ordinary user",
});

/** An ordinary user with a bundle and a state directory. */
class User {
  readonly #ids: readonly string[];
  readonly home: string;
  readonly bundle: string;
  readonly id: string;

  constructor(lab: Lab, uid: number, gid = uid) {
    this.#ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
    this.id = lab.newId();
    this.home = lab.path("home");
    this.bundle = join(this.home, "bundle");
    mkdirSync(this.bundle, { recursive: true });
    cloneRootfs(context.rootfs, join(this.bundle, "rootfs"));
    for (const path of [this.home, this.bundle]) chownSync(path, uid, gid);
    lab.later(async () => void (await this.box("delete", "--force", this.id)));
  }

  box(...args: string[]): Promise<Result> {
    return this.boxWith({}, ...args);
  }

  boxWith(env: Record<string, string | undefined>, ...args: string[]): Promise<Result> {
    return command(["setpriv", ...this.#ids, "--", context.runtime.path, ...args], {
      cwd: this.bundle,
      env: { XDG_RUNTIME_DIR: this.home, HOME: this.home, ...env },
    });
  }

  /** What `box spec --rootless` writes, with a program and what else the test wants. */
  async configure(args: string[], change: (spec: Spec) => void = () => undefined): Promise<void> {
    ok(await this.box("spec", "--rootless", "--bundle", this.bundle));
    const path = join(this.bundle, "config.json");
    const spec = JSON.parse(readFileSync(path, "utf8")) as Spec;
    spec.process.terminal = false;
    spec.process.args = args;
    change(spec);
    writeFileSync(path, JSON.stringify(spec));
  }
}

/** Nobody's, and nobody else's in this suite. */
const plain = 65_534;

scenario("a user without any configuration of the host runs what spec --rootless writes", async (lab) => {
  const user = new User(lab, plain);
  await user.configure(["/bin/sh", "-c", "id -u; cat /proc/self/uid_map /proc/self/setgroups; exit 3"]);
  const before = readdirSync(user.home).sort();
  const { status, stdout, stderr } = await user.box("run", user.id);
  assert.equal(status, 3, stderr);
  assert.match(stdout, /^0\n +0 +65534 +1\ndeny\n$/);
  assert.deepEqual(
    readdirSync(user.home).filter((name) => !before.includes(name)),
    ["box"],
  );
  assert.deepEqual(readdirSync(join(user.home, "box")), []);
});

scenario("a user creates, starts, enters, lists and deletes a container", async (lab) => {
  const user = new User(lab, plain);
  await user.configure(["/bin/sleep", "1000"]);
  // Its streams are the container's too: they must not keep the suite waiting.
  const create = ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", context.runtime.path, "create", user.id];
  const env = { XDG_RUNTIME_DIR: user.home };
  ok(
    await command(["setpriv", `--reuid=${plain}`, `--regid=${plain}`, "--clear-groups", ...create], {
      cwd: user.bundle,
      env,
    }),
  );
  // Of a process that nobody may look into the files are root's: the helpers that map ids could not reach it.
  const { pid } = JSON.parse(ok(await user.box("state", user.id)).stdout) as State;
  assert.equal(statSync(`/proc/${pid}/status`).uid, plain);
  ok(await user.box("start", user.id));
  assert.equal(ok(await user.box("exec", user.id, "/bin/sh", "-c", "echo $PPID; hostname")).stdout, "0\nbox\n");
  assert.match(ok(await user.box("list")).stdout, new RegExp(`^${user.id} +\\d+ +running`, "m"));
  ok(await user.box("kill", user.id, "KILL"));
  ok(await user.box("delete", "--force", user.id));
  assert.deepEqual(readdirSync(join(user.home, "box")), []);
});

scenario("without XDG_RUNTIME_DIR containers are kept in /tmp, but never in another user's directory", async (lab) => {
  // Nobody else's, so that the place is this test's alone.
  const uid = 700_000 + process.pid;
  const place = `/tmp/box-${uid}`;
  lab.later(() => rmSync(place, { recursive: true, force: true }));
  const user = new User(lab, uid);
  await user.configure(["/bin/true"]);
  const withoutPlace = { XDG_RUNTIME_DIR: undefined };
  ok(await user.boxWith(withoutPlace, "run", user.id));
  const { uid: owner, mode } = lstatSync(place);
  assert.deepEqual([owner, mode & 0o777, readdirSync(place)], [uid, 0o700, []]);
  chownSync(place, plain, plain);
  chmodSync(place, 0o755);
  refused(await user.boxWith(withoutPlace, "run", user.id), /state root "\/tmp\/box-.*another user's/);
  rmSync(place, { recursive: true });
  const elsewhere = lab.path("elsewhere");
  mkdirSync(elsewhere);
  chownSync(elsewhere, uid, uid);
  symlinkSync(elsewhere, place);
  refused(await user.boxWith(withoutPlace, "run", user.id), /state root "\/tmp\/box-/);
  assert.deepEqual(readdirSync(elsewhere), []);
});

scenario("a limit that takes a cgroup is refused where a user may make none", async (lab) => {
  const user = new User(lab, plain);
  await user.configure(["/bin/true"], (spec) => {
    spec.linux.resources = { memory: { limit: 100_000_000 } };
  });
  refused(await user.box("run", user.id), /linux\.resources\.memory\.limit: needs a cgroup, .*box doctor/);
});

/** A real account, for subordinate ids belong to names. */
function account(lab: Lab): { uid: number; gid: number; first: number } {
  const name = `b${lab.token.slice(-12).replaceAll(/[^a-z0-9]/g, "")}`;
  execFileSync("useradd", ["--no-create-home", "--user-group", "--add-subids-for-system", "--system", name]);
  lab.later(() => void execFileSync("userdel", [name]));
  const [uid = 0, gid = 0] = ["-u", "-g"].map((which) =>
    Number(execFileSync("id", [which, name], { encoding: "utf8" })),
  );
  const line = readFileSync("/etc/subuid", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${name}:`));
  return { uid, gid, first: Number(line?.split(":")[1]) };
}

const ranges = (own: number, first: number): IdMapping[] => [
  { containerID: 0, hostID: own, size: 1 },
  { containerID: 1, hostID: first, size: 1000 },
];

scenario(
  "a user with subordinate ids has them mapped, and groups with them",
  { needs: ["newuidmap with subordinate ids"] },
  async (lab) => {
    const { uid, gid, first } = account(lab);
    const user = new User(lab, uid, gid);
    await user.configure(["/bin/sh", "-c", "id; cat /proc/self/uid_map"], (spec) => {
      spec.linux.uidMappings = ranges(uid, first);
      spec.linux.gidMappings = ranges(gid, first);
      spec.process.user = { uid: 33, gid: 34, additionalGids: [35] };
    });
    const { stdout } = ok(await user.box("run", user.id));
    assert.match(stdout, /^uid=33 gid=34 groups=35\n/);
    assert.match(stdout, new RegExp(`^ +1 +${first} +1000$`, "m"));
  },
);

scenario(
  "ids that a user does not have are refused with the helper's reason, and nothing is left",
  { needs: ["newuidmap with subordinate ids"] },
  async (lab) => {
    const user = new User(lab, plain);
    await user.configure(["/bin/true"], (spec) => {
      spec.linux.uidMappings = ranges(plain, 100_000);
      spec.linux.gidMappings = ranges(plain, 100_000);
    });
    refused(await user.box("run", user.id), /linux\.uidMappings: newuidmap: /);
    assert.deepEqual(readdirSync(join(user.home, "box")), []);
  },
);
