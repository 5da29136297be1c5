import assert from "node:assert/strict";
import { command } from "./harness/command.ts";
import { context } from "./harness/context.ts";
import { ok } from "./harness/expect.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("doctor", { bare: true, boxOnly: "box doctor" });

interface Report {
  user: string;
  checks: { name: string; status: "ok" | "limited" | "missing"; detail: string; mend?: string }[];
}

const box = context.runtime.path;

scenario(
  "doctor says of every matter what it found, and that containers can run here",
  { root: "the report of root" },
  async () => {
    const { stdout, stderr } = ok(await command([box, "doctor"]));
    assert.match(stdout, /^ok {7}kernel +Linux \S+, with every system call that box needs$/m);
    assert.match(stdout, /\n\nroot can run containers here\n$/);
    assert.equal(stderr, "");
  },
);

scenario("doctor --json has the same for programs", { root: "the report of root" }, async () => {
  const report = JSON.parse(ok(await command([box, "doctor", "--json"])).stdout) as Report;
  assert.equal(report.user, "root");
  const cgroups = report.checks.find(({ name }) => name === "cgroups");
  assert.match(cgroups?.detail ?? "", /^(v1|v2|hybrid)/);
  assert.ok(report.checks.every(({ status, detail }) => /^(ok|limited|missing)$/.test(status) && detail !== ""));
});

/** Limits of a user namespace of the test's own: they count for nobody else. */
const limited = (limit: string): Promise<{ status: number | null; stdout: string }> =>
  command(["unshare", "-Ur", "sh", "-c", `echo 0 >/proc/sys/user/${limit}; exec "$0" doctor`, box]);

const needs = ["namespace: user"] as const;

scenario(
  "doctor names the command that mends a limit, and fails when no container can run",
  { needs: [...needs] },
  async () => {
    const { status, stdout } = await limited("max_net_namespaces");
    assert.equal(status, 1, stdout);
    assert.match(
      stdout,
      /^missing {2}namespaces +none of kind net .*\n +mend: sysctl -w user\.max_net_namespaces=15000$/m,
    );
    assert.match(stdout, /cannot run containers here: namespaces\n$/);
  },
);

scenario("doctor succeeds where only something of a container's wishes is lacking", { needs: [...needs] }, async () => {
  const { status, stdout } = await limited("max_user_namespaces");
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^limited {2}user namespace +cannot be made \(ENOSPC; user\.max_user_namespaces=0\)$/m);
});

scenario(
  "doctor tells an ordinary user of ids and delegation",
  { root: "files and processes of other users", needs: [...needs] },
  async () => {
    const args = [box, "doctor", "--json"];
    const { stdout } = await command(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...args], {
      env: { XDG_RUNTIME_DIR: undefined },
    });
    const { checks } = JSON.parse(stdout) as Report;
    const of = (name: string): Report["checks"][number] | undefined => checks.find((check) => check.name === name);
    assert.match(of("subordinate ids")?.mend ?? "", /^usermod --add-subuids/);
    assert.equal(of("state directory")?.status, "limited");
    assert.ok(of("delegated cgroups") !== undefined);
  },
);

// --- What mends -------------------------------------------------------------------------------------------------------

/** Something is wrong, in namespaces of the test's own; doctor is asked, its command executed, and doctor asked again. */
async function mended(unshare: string[], wrong: string, matter: string, caller = ""): Promise<[string, string]> {
  const script = [
    wrong,
    `first=$(${caller} "$0" doctor)`,
    'echo "$first"',
    'echo "mended:"',
    `eval "$(echo "$first" | sed -n '/^[a-z]*  *${matter}  /{n;s/^ *mend: //p}')" >&2 || exit 9`,
    `${caller} "$0" doctor || true`,
  ];
  const { stdout } = ok(await command(["unshare", ...unshare, "sh", "-c", script.join("\n"), box]));
  const [first = "", second = ""] = stdout
    .split("mended:\n")
    .map((report) => report.split("\n").find((line) => line.slice(8).trimStart().startsWith(`${matter}  `)));
  return [first, second];
}

for (const [what, unshare, wrong, matter, before, after] of [
  [
    "limits of namespaces",
    ["--user", "--map-root-user"],
    'for kind in net time; do echo 0 >/proc/sys/user/max_"$kind"_namespaces; done',
    "namespaces",
    /^missing .* none of kind net, time/,
    /^ok /,
  ],
  [
    "a limit of user namespaces",
    ["--user", "--map-root-user"],
    "echo 0 >/proc/sys/user/max_user_namespaces",
    "user namespace",
    /^limited .* cannot be made/,
    /^ok /,
  ],
] as const) {
  scenario(`the command that doctor gives mends ${what}`, { needs: [...needs] }, async () => {
    const [first, second] = await mended([...unshare], wrong, matter);
    assert.match(first, before);
    assert.match(second, after);
  });
}

const private_ = ["--mount", "--propagation", "private"];

scenario("the command that doctor gives mounts cgroups", { root: "mounts on the host", needs: ["root"] }, async () => {
  const [first, second] = await mended(private_, "mount -t tmpfs tmpfs /sys/fs/cgroup", "cgroups");
  assert.match(first, /^limited .* none at \/sys\/fs\/cgroup/);
  assert.match(second, /^(ok|limited) +cgroups +v2: /);
});

scenario(
  "the command that doctor gives adds subordinate ids",
  { root: "files and processes of other users", needs: [...needs, "mount: overlay", "userspace: setpriv"] },
  async () => {
    const wrong = [
      "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work",
      "mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc",
      "sed -i /^nobody:/d /etc/subuid /etc/subgid",
    ];
    const caller = "setpriv --reuid=nobody --regid=nogroup --clear-groups env -u XDG_RUNTIME_DIR";
    const [first, second] = await mended(private_, wrong.join("; "), "subordinate ids", caller);
    assert.match(first, /^limited .* 0 user ids, 0 group ids for nobody/);
    assert.match(second, /^ok .* 65536 user ids, 65536 group ids for nobody/);
  },
);

scenario(
  "the command that doctor gives lets memfds be executed",
  { root: "a procfs of the host's pid namespace", needs: ["memfd: not to be executed"] },
  async () => {
    const forbidden = "echo 2 >/proc/sys/vm/memfd_noexec";
    const [first, second] = await mended(["--pid", "--fork", "--mount-proc"], forbidden, "sealed restart");
    assert.match(first, /^limited .* vm.memfd_noexec is 2/);
    assert.match(second, /^ok /);
  },
);
