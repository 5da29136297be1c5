import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { HostFacts } from "../facts/host.ts";
import { decodeSpec } from "../spec/decode.ts";
import { defaultSpec } from "../spec/default.ts";
import { Refusal } from "../spec/refusal.ts";
import type { Namespace, Spec } from "../spec/types.ts";
import { type CreateOptions, planCreate } from "./create.ts";
import type { Plan } from "./plan.ts";

const facts: HostFacts = {
  euid: 0,
  mayLimitDevices: true,
  egid: 0,
  capabilities: 1n,
  cgroups: { mode: "v2", controllers: [] },
  ownCgroups: { "": "/caller" },
  cgroupHome: "/box",
  systemd: { bus: "unix:path=/run/dbus/system_bus_socket", isUser: false, controlGroup: "" },
  apparmor: false,
  selinux: false,
  resctrl: undefined,
};
const options: CreateOptions = {
  id: "web",
  bundle: "/bundle",
  pivot: true,
  newKeyring: true,
  cgroupManager: "cgroupfs",
  preserveFds: 0,
  activation: [],
};

function plan(change: Partial<Spec>, more: Partial<CreateOptions> = {}, host = facts): Plan {
  return planCreate(decodeSpec(JSON.stringify({ ...defaultSpec(), ...change })), host, { ...options, ...more });
}

const process = { cwd: "/", args: ["sh"], user: { uid: 0, gid: 0 } };

test("planCreate() lets the variables of socket activation replace the configuration's", () => {
  const env = ["LISTEN_FDS=9", "A=1", "LISTEN_PID=77"];
  const { program } = plan({ process: { ...process, env } }, { activation: ["LISTEN_FDS=2"] }).init;
  assert.deepEqual(program?.process.env, ["LISTEN_FDS=2", "A=1", "LISTEN_PID=77"]);
  assert.equal(program?.process.activated, true);
});

test("planCreate() grants every capability in a user namespace, new or joined, and the caller's own elsewhere", () => {
  const capabilities = { bounding: ["CAP_CHOWN", "CAP_SYS_ADMIN"] };
  const grantedWith = (user: readonly Namespace[]) => {
    const others = ["mount", "uts", "pid", "ipc", "network"] as const;
    const namespaces = [...others.map((type) => ({ type })), ...user];
    const map = [{ containerID: 0, hostID: 0, size: 1 }];
    const maps = user.some(({ path }) => path === undefined) ? { uidMappings: map, gidMappings: map } : {};
    const { init, warnings } = plan({ process: { ...process, capabilities }, linux: { namespaces, ...maps } });
    return [init.program?.security.capabilities.bounding, warnings.length];
  };
  assert.deepEqual(grantedWith([]), ["1", 1]);
  assert.deepEqual(grantedWith([{ type: "user" }]), [`${1n + 2n ** 21n}`, 0]);
  assert.deepEqual(grantedWith([{ type: "user", path: "/ns/user" }]), [`${1n + 2n ** 21n}`, 0]);
});

test("planCreate() refuses everything at once that stands in the way, each with its path", () => {
  const mounts = [{ destination: "/a" }, { destination: "/b", type: "tmpfs" }, { destination: "/c" }];
  const namespaces = [{ type: "uts" as const }, { type: "mount" as const, path: "/ns/mnt" }];
  const linux = { namespaces: [...namespaces, { type: "user" as const }], cgroupsPath: "/" };
  try {
    plan({ mounts, linux, hooks: { createContainer: [{ path: "/bin/true" }] } });
    assert.fail("it was planned");
  } catch (thrown) {
    assert.ok(thrown instanceof Refusal);
    const paths = thrown.findings.map(({ path }) => path);
    const mountPaths = ["mounts[0].type", "mounts[2].type"];
    assert.deepEqual(paths, ["linux.namespaces", "linux.cgroupsPath", ...mountPaths, "hooks.createContainer"]);
  }
});

test("planCreate() makes no cgroup where none is wanted, says that no rule is in force, and shows the caller's", () => {
  const linux = { ...defaultSpec().linux, resources: { devices: [{ allow: false, access: "rwm" }] } };
  const mounts = [{ destination: "/sys/fs/cgroup", type: "cgroup" }];
  const { parent, init, warnings } = plan({ linux, mounts }, { cgroupManager: "disabled" });
  assert.equal(parent.cgroup, undefined);
  const ofCgroups = warnings.filter(({ path }) => path.startsWith("linux.resources"));
  assert.deepEqual(ofCgroups, [
    {
      path: "linux.resources.devices",
      message: "not in force: it needs a cgroup, and the cgroup manager is disabled",
    },
  ]);
  const [view] = init.rootfs.mounts;
  assert.deepEqual(view?.kind === "cgroup" && view.layout, {
    mode: "v2",
    namespace: true,
    source: "/sys/fs/cgroup/caller",
  });
});

test("planCreate() refuses a limit where no cgroup is wanted", () => {
  const linux = { ...defaultSpec().linux, resources: { pids: { limit: 10 } } };
  assert.throws(
    () => plan({ linux }, { cgroupManager: "disabled" }, { ...facts, cgroups: { mode: "v2", controllers: ["pids"] } }),
    /the cgroup manager is disabled/,
  );
});

test("planCreate() reads no fact that the configuration does not ask for", () => {
  const lazy: HostFacts = {
    euid: 0,
    mayLimitDevices: true,
    egid: 0,
    cgroups: { mode: "v2", controllers: [] },
    cgroupHome: "/box",
    get ownCgroups(): Readonly<Record<string, string>> {
      return assert.fail("the caller's cgroups were read");
    },
    get systemd(): HostFacts["systemd"] {
      return assert.fail("systemd was asked");
    },
    get resctrl(): string | undefined {
      return assert.fail("where resctrl is mounted was read");
    },
    get apparmor(): boolean {
      return assert.fail("whether AppArmor is in force was read");
    },
    get selinux(): boolean {
      return assert.fail("whether SELinux is in force was read");
    },
    get capabilities(): bigint {
      return assert.fail("the capabilities were read");
    },
  };
  const { process: _, ...rest } = defaultSpec();
  planCreate(decodeSpec(JSON.stringify(rest)), lazy, options);
});

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}

test("planCreate() gives plain data, the same each time, and leaves its input alone", () => {
  const anySpec = fc.record({
    hostname: fc.string({ minLength: 1, maxLength: 5 }).filter((name) => /^[a-z]+$/.test(name)),
    annotations: fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
    process: fc.record({
      cwd: fc.string().map((path) => `/${path.replaceAll("\0", "")}`),
      args: fc.array(
        fc.string().map((arg) => arg.replaceAll("\0", "")),
        { minLength: 1 },
      ),
      env: fc.array(fc.string().map((value) => `A${value.replaceAll("\0", "")}=`)),
      user: fc.record({ uid: fc.nat(), gid: fc.nat() }),
    }),
  });
  fc.assert(
    fc.property(anySpec, (change) => {
      const spec = decodeSpec(JSON.stringify({ ...defaultSpec(), ...change }));
      freeze(spec);
      const planned = JSON.stringify(planCreate(spec, facts, options));
      assert.equal(JSON.stringify(planCreate(spec, facts, options)), planned);
      const { args, cwd } = JSON.parse(planned).init.program.process;
      assert.deepEqual([args, cwd], [change.process.args, change.process.cwd]);
    }),
  );
});
