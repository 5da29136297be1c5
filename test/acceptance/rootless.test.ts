import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
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
import { isAlive } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { cloneRootfs } from "./harness/rootfs.ts";
import type { State } from "./harness/runtime.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("rootless", {
  // It makes users of its own.
  root: "other users",
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
    return this.#command(env, [context.runtime.path, ...args]);
  }

  /** As the last words of a command of the user's. */
  boxUnder(before: string[], ...args: string[]): Promise<Result> {
    return this.#command({}, [...before, context.runtime.path, ...args]);
  }

  #command(env: Record<string, string | undefined>, argv: string[]): Promise<Result> {
    return command(["setpriv", ...this.#ids, "--", ...argv], {
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

/** nobody(5): owns nothing here. Other tests use the id too. */
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
  ok(await user.boxUnder(["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh"], "create", user.id));
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

/** All that is below a directory, with everything that would tell of a change but the time of the last look. */
function listing(directory: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of ["", ...readdirSync(directory, { recursive: true })] as string[]) {
    const path = join(directory, name);
    const { uid, gid, mode, nlink, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    found.set(path, [uid, gid, mode.toString(8), nlink, size, mtimeNs, ctimeNs].join(" "));
  }
  return found;
}

/** Where everybody may write, what belongs to one of these ids; and the processes that do. */
function belongings(ids: (uid: number) => boolean): string[] {
  const files = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run"].flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [],
  );
  const owned = files.filter((path) => ids(lstatSync(path, { throwIfNoEntry: false })?.uid ?? 0));
  const processes = readdirSync("/proc").filter((name) => {
    // What nobody has reaped yet has ended all the same.
    if (!/^\d+$/.test(name) || !isAlive(Number(name))) return false;
    const uid = lstatSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid;
    return uid !== undefined && ids(uid);
  });
  return [...owned, ...processes];
}

for (const withRanges of [false, true]) {
  scenario(
    `containers of a user with ${withRanges ? "subordinate ids" : "one id"} leave nothing of another id, and touch nothing but their bundle and state`,
    { needs: withRanges ? ["newuidmap with subordinate ids"] : [] },
    async (lab) => {
      const uid = 800_000 + process.pid;
      const { first, ...own } = withRanges ? account(lab) : { uid, gid: uid, first: 0 };
      const user = new User(lab, own.uid, own.gid);
      const isTheirs = (id: number): boolean => id === own.uid || (withRanges && id >= first && id < first + 1000);
      for (const [name, mode] of [
        ["notes", 0o600],
        [".profile", 0o644],
        ["bundle/data", 0o644],
      ] as const) {
        writeFileSync(join(user.home, name), `${name}\n`, { mode });
        chownSync(join(user.home, name), own.uid, own.gid);
      }
      // Not the files: they are those of the whole run.
      execFileSync("find", [user.bundle, "-type", "d", "-exec", "chown", `${own.uid}:${own.gid}`, "{}", "+"]);
      await user.configure(
        ["/bin/sh", "-c", "echo x >/dev/shm/x; umask 0; mkdir /dev/shm/d; exec sleep 1000"],
        (spec) => {
          if (withRanges) {
            spec.linux.uidMappings = ranges(own.uid, first);
            spec.linux.gidMappings = ranges(own.gid, first);
            spec.process.user = { uid: 33, gid: 34 };
          }
          spec.mounts.push({ destination: "/run/made/here", type: "tmpfs", source: "tmpfs" });
          spec.mounts.push({ destination: "/home", type: "bind", source: user.home, options: ["rbind", "ro"] });
          spec.hooks = { createRuntime: [{ path: "/bin/true" }], poststop: [{ path: "/bin/true" }] };
          spec.linux.seccomp = {
            defaultAction: "SCMP_ACT_ALLOW",
            syscalls: [{ names: ["swapon"], action: "SCMP_ACT_ERRNO" }],
          };
        },
      );
      const before = listing(user.home);
      const create = ["sh", "-c", 'exec "$@" </dev/null >/dev/null 2>&1', "sh"];
      ok(await user.boxUnder(create, "create", "--pid-file", join(user.bundle, "pid"), user.id));
      ok(await user.box("start", user.id));
      ok(await user.box("exec", user.id, "/bin/sh", "-c", "echo y >/dev/shm/y"));
      ok(await user.box("delete", "--force", user.id));
      await user.box("run", user.id, "--no-such-option");

      const ours = (path: string): boolean =>
        path === user.home || ["bundle", "box"].some((name) => `${path}/`.startsWith(`${join(user.home, name)}/`));
      const after = listing(user.home);
      const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
        (path) => before.get(path) !== after.get(path),
      );
      assert.ok(changed.includes(join(user.bundle, "pid")), "the comparison sees what is new");
      assert.deepEqual(
        changed.filter((path) => !ours(path)),
        [],
      );
      const isOwn = (path: string): boolean => lstatSync(path).uid === own.uid;
      assert.deepEqual(
        changed.filter((path) => !before.has(path) && !isOwn(path)),
        [],
      );
      assert.equal(readFileSync(join(user.bundle, "data"), "utf8"), "bundle/data\n");
      assert.deepEqual(belongings(isTheirs), []);
    },
  );
}

scenario("the program has the user's groups when an annotation says so, where none can be set", async (lab) => {
  const user = new User(lab, plain);
  await user.configure(["/bin/grep", "Groups", "/proc/self/status"], (spec) => {
    // What Podman adds from the image's files, and what could not be set here.
    spec.process.user.additionalGids = [0];
    spec.annotations = { "run.oci.keep_original_groups": "1" };
  });
  // By one who hands groups down that the user cannot take.
  const argv = ["setpriv", `--reuid=${plain}`, `--regid=${plain}`, "--groups=70123", context.runtime.path];
  const options = { cwd: user.bundle, env: { XDG_RUNTIME_DIR: user.home } };
  assert.match(ok(await command([...argv, "run", user.id], options)).stdout, /^Groups:\t65534 ?$/m);
});
