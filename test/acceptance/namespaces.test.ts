import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { NamespaceType, Spec } from "./harness/config.ts";
import { context } from "./harness/context.ts";
import { refused } from "./harness/expect.ts";
import { namespaces } from "./harness/host.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("namespaces", { clause: "config-linux.md, Namespaces" });

const files: Record<NamespaceType, string> = {
  pid: "pid",
  network: "net",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

const without = (type: NamespaceType) => (spec: Spec) => {
  spec.linux.namespaces = spec.linux.namespaces.filter((each) => each.type !== type);
  if (type === "uts") delete spec.hostname;
  if (type !== "user") return;
  delete spec.linux.uidMappings;
  delete spec.linux.gidMappings;
};

const withNew = (type: NamespaceType) => (spec: Spec) => {
  if (!spec.linux.namespaces.some((each) => each.type === type)) spec.linux.namespaces.push({ type });
  if (type === "user" && context.user === undefined) {
    spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  }
};

for (const type of ["pid", "network", "mount", "ipc", "uts", "user", "cgroup"] as const) {
  scenario(`the ${type} namespace is new when it is asked for`, { needs: [`namespace: ${type}`] }, async (lab) => {
    const container = lab.container(["/bin/probe", "report"], withNew(type));
    const report = await container.report();
    assert.notEqual(report.namespaces[files[type]], namespaces("self")[files[type]]);
  });
}

scenario(
  "the time namespace is new when it is asked for",
  { needs: ["namespace: time"], boxOnly: "time namespaces, which the specification has since 1.1" },
  async (lab) => {
    const report = await lab.container(["/bin/probe", "report"], withNew("time")).report();
    assert.notEqual(report.namespaces["time"], namespaces("self")["time"]);
  },
);

for (const type of ["pid", "network", "ipc", "uts", "cgroup"] as const) {
  scenario(
    `the ${type} namespace is the caller's when it is not asked for`,
    {
      ...(type === "pid" ? { needs: ["mount: proc of the caller's pid namespace" as const] } : {}),
      clause:
        'config-linux.md, Namespaces: "If a namespace type is not specified … the container MUST inherit the runtime namespace of that type"',
    },
    async (lab) => {
      const container = lab.container(["/bin/probe", "report"], (spec) => {
        without(type)(spec);
        // In a user namespace the views of namespaces that are the caller's cannot be mounted.
        const views = ["/sys", ...(type === "ipc" ? ["/dev/mqueue"] : [])];
        spec.mounts = spec.mounts.filter(({ destination }) => !views.includes(destination));
      });
      const report = await container.report();
      assert.equal(report.namespaces[files[type]], namespaces("self")[files[type]]);
    },
  );
}

/** A process that has namespaces of its own for others to join. */
async function holder(lab: Lab, ...flags: string[]): Promise<number> {
  const child = spawn("unshare", [...flags, "/bin/sh", "-c", `echo ready; exec cat # ${lab.token}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => assert.fail(`unshare ${flags.join(" ")} ended`)),
  ]);
  lab.later(async () => {
    child.stdin.end();
    await once(child, "exit");
  });
  return child.pid ?? 0;
}

for (const [type, flag] of [
  ["network", "--net"],
  ["ipc", "--ipc"],
  ["uts", "--uts"],
] as const) {
  scenario(
    `the ${type} namespace at a path is joined`,
    { root: "namespaces that are not the user's", clause: "config-linux.md, Namespaces: path" },
    async (lab) => {
      const pid = await holder(lab, flag);
      const container = lab.container(["/bin/probe", "report"], (spec) => {
        without(type)(spec);
        spec.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${files[type]}` });
      });
      const report = await container.report();
      assert.equal(report.namespaces[files[type]], namespaces(pid)[files[type]]);
    },
  );
}

scenario(
  "the pid namespace of another container is joined",
  { root: "namespaces that are not the user's" },
  async (lab) => {
    const first = await lab.running();
    const second = lab.container(["/bin/probe", "report"], (spec) => {
      without("pid")(spec);
      spec.linux.namespaces.push({ type: "pid", path: `/proc/${first.pid}/ns/pid` });
    });
    const report = await second.report();
    assert.equal(report.namespaces["pid"], namespaces(first.pid)["pid"]);
    assert.ok(report.pid > 1);
  },
);

scenario(
  "the cgroup namespace at a path is joined",
  { root: "namespaces that are not the user's", needs: ["namespace: cgroup"] },
  async (lab) => {
    const pid = await holder(lab, "--cgroup");
    const container = lab.container(["/bin/probe", "report"], (spec) => {
      spec.linux.namespaces.push({ type: "cgroup", path: `/proc/${pid}/ns/cgroup` });
    });
    assert.equal((await container.report()).namespaces["cgroup"], namespaces(pid)["cgroup"]);
  },
);

scenario(
  "the time namespace at a path is joined",
  {
    root: "namespaces that are not the user's",
    needs: ["namespace: time"],
    boxOnly: "time namespaces, which the specification has since 1.1",
  },
  async (lab) => {
    const pid = await holder(lab, "--time");
    const container = lab.container(["/bin/probe", "report"], (spec) => {
      spec.linux.namespaces.push({ type: "time", path: `/proc/${pid}/ns/time_for_children` });
    });
    assert.equal((await container.report()).namespaces["time"], namespaces(pid)["time_for_children"]);
  },
);

for (const type of ["user", "time"] as const) {
  const root = type === "user" ? "a container without a user namespace" : undefined;
  scenario(`the ${type} namespace is the caller's when it is not asked for`, { root }, async (lab) => {
    const report = await lab.container(["/bin/probe", "report"]).report();
    assert.equal(report.namespaces[files[type]], namespaces("self")[files[type]]);
  });
}

/** Joins namespaces of a process; what is mounted needs rights over neither of them. */
const joining =
  (pid: number, ...types: NamespaceType[]) =>
  (spec: Spec) => {
    for (const type of types) {
      without(type)(spec);
      spec.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${files[type]}` });
    }
    spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/sys");
  };

scenario(
  "a user namespace at a path is joined, and what belongs to it",
  { needs: ["namespace: user"], clause: "config-linux.md, Namespaces: path" },
  async (lab) => {
    const pid = await holder(lab, "--user", "--map-root-user", "--net", "--ipc", "--uts");
    const container = lab.container(["/bin/probe", "report"], (spec) => {
      joining(pid, "user", "network", "ipc", "uts")(spec);
      delete spec.linux.resources;
    });
    const report = await container.report();
    for (const type of ["user", "net", "ipc", "uts"]) {
      assert.equal(report.namespaces[type], namespaces(pid)[type], type);
    }
    assert.equal(report.uid, 0);
  },
);

scenario(
  "a network namespace of the host is joined beside a user namespace, new or joined",
  {
    root: "namespaces that are not the user's",
    needs: ["namespace: user"],
    clause: "config-linux.md, Namespaces: path",
  },
  async (lab) => {
    const network = await holder(lab, "--net");
    const user = await holder(lab, "--user", "--map-root-user");
    for (const change of [withNew("user"), joining(user, "user")]) {
      const container = lab.container(["/bin/probe", "report"], (spec) => {
        joining(network, "network")(spec);
        change(spec);
        delete spec.linux.resources;
      });
      const report = await container.report();
      assert.equal(report.namespaces["net"], namespaces(network)["net"]);
      assert.notEqual(report.namespaces["user"], namespaces("self")["user"]);
    }
  },
);

/** Root of the container is nobody on the host. */
const withOtherIds = (spec: Spec): void => {
  withNew("user")(spec);
  if (context.user === undefined)
    spec.linux.uidMappings = spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
};

for (const [where, needs, change] of [
  ["", ["namespace: time"], () => undefined],
  [", also beside a new user namespace", ["namespace: time", "namespace: user"], withOtherIds],
] as const)
  scenario(
    `clocks are set off in a new time namespace${where}`,
    { needs: [...needs], boxOnly: "time offsets, which the specification has since 1.1" },
    async (lab) => {
      const script = "cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime";
      const output = await lab.shell(script, (spec) => {
        change(spec);
        withNew("time")(spec);
        spec.linux.timeOffsets = { monotonic: { secs: 5, nanosecs: 7 }, boottime: { secs: 1_000_000 } };
      });
      const [monotonic = "", boottime = "", uptime = ""] = output.split("\n");
      assert.match(monotonic, /^monotonic\s+5\s+7$/);
      assert.match(boottime, /^boottime\s+1000000\s+0$/);
      assert.ok(Number(uptime) > 1_000_000, uptime);
    },
  );

scenario("create says of which kind a namespace is", { boxOnly: "the words of errors" }, async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    without("network")(spec);
    spec.linux.namespaces.push({ type: "network", path: "/proc/self/ns/uts" });
  });
  refused(await container.creating().result(), /net namespace "\/proc\/self\/ns\/uts": it is a namespace of kind uts/);
});

for (const [what, change] of [
  ["a path of another kind", (path: string) => ({ type: "network", path: path.replace("net", "uts") })],
  ["a relative path", () => ({ type: "network", path: "proc/self/ns/net" })],
  ["a path that does not exist", () => ({ type: "network", path: "/nothing/here" })],
  ["a file that is no namespace", () => ({ type: "network", path: "/etc/passwd" })],
  ["an unknown type", () => ({ type: "galaxy" })],
  ["a type named twice", () => ({ type: "mount" })],
] as const) {
  scenario(`create refuses a namespace with ${what}`, async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      without("network")(spec);
      spec.linux.namespaces.push(change(`/proc/${process.pid}/ns/net`) as { type: NamespaceType });
    });
    refused(await container.creating().result());
  });
}

scenario(
  "the program sees the mapped ids in a user namespace",
  {
    root: "ids that are not the user's",
    needs: ["namespace: user"],
    clause: "config-linux.md, User namespace mappings",
  },
  async (lab) => {
    const script = "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g";
    const output = await lab.shell(script, (spec) => {
      withNew("user")(spec);
      spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }];
      spec.linux.gidMappings = [
        { containerID: 0, hostID: 0, size: 10 },
        { containerID: 10, hostID: 1000, size: 20 },
      ];
      spec.process.user = { uid: 5, gid: 12 };
    });
    const rows = output
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).join(" "));
    assert.deepEqual(rows, ["0 0 1000", "0 0 10", "10 1000 20", "5", "12"]);
  },
);

scenario(
  "the host sees the mapped user outside",
  { root: "ids that are not the user's", needs: ["namespace: user"] },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "wait"], (spec) => {
      withNew("user")(spec);
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    });
    assert.match(readFileSync(`/proc/${container.pid}/status`, "utf8"), /^Uid:\t100000\t/m);
  },
);

scenario(
  "a user namespace changes no owner in the root file system",
  {
    root: "ids that are not the user's",
    needs: ["namespace: user"],
    clause:
      'config-linux.md, User namespace mappings: "The runtime SHOULD NOT modify the ownership of referenced filesystems"',
  },
  async (lab) => {
    const container = lab.container(["/bin/true"], (spec) => {
      withNew("user")(spec);
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    });
    const owners = () =>
      ["", "bin", "bin/busybox", "etc/passwd"].map((name) => {
        const { uid, gid, mode } = lstatSync(join(container.rootfs, name));
        return [name, uid, gid, mode];
      });
    // Mount points are made by the container's root, who has no rights there.
    for (const name of ["proc", "dev", "sys"]) mkdirSync(join(container.rootfs, name), { recursive: true });
    const before = owners();
    await container.outputOfRun();
    assert.deepEqual(owners(), before);
  },
);

scenario(
  "hostname and domainname are set in the new uts namespace alone",
  { clause: "config.md, Hostname" },
  async (lab) => {
    const before = readFileSync("/proc/sys/kernel/hostname", "utf8");
    const report = await lab
      .container(["/bin/probe", "report"], (spec) => {
        spec.hostname = "a-host.example";
      })
      .report();
    assert.equal(report.hostname, "a-host.example");
    assert.equal(readFileSync("/proc/sys/kernel/hostname", "utf8"), before);
  },
);

scenario(
  "domainname is set",
  { clause: "config.md, Domainname (since 1.1)", boxOnly: "properties of the specification since 1.1" },
  async (lab) => {
    const report = await lab
      .container(["/bin/probe", "report"], (spec) => {
        spec.domainname = "example.org";
      })
      .report();
    assert.equal(report.domainname, "example.org");
  },
);

scenario("create refuses a hostname without a uts namespace of its own", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    without("uts")(spec);
    spec.hostname = "stolen";
  });
  refused(await container.creating().result());
  assert.notEqual(readFileSync("/proc/sys/kernel/hostname", "utf8").trim(), "stolen");
});

scenario("a sysctl is set in the new namespace alone", { clause: "config-linux.md, Sysctl" }, async (lab) => {
  const path = "/proc/sys/net/ipv4/ip_default_ttl";
  const before = readFileSync(path, "utf8");
  const output = await lab.shell(`cat ${path} /proc/sys/kernel/msgmax`, (spec) => {
    spec.linux.sysctl = { "net.ipv4.ip_default_ttl": "77", "kernel.msgmax": "12345" };
  });
  assert.equal(output, "77\n12345\n");
  assert.equal(readFileSync(path, "utf8"), before);
});

scenario("create refuses a sysctl of the host", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.linux.sysctl = { "kernel.panic": "0" };
  });
  refused(await container.creating().result());
});

scenario("a new network namespace has a loopback device and nothing else", async (lab) => {
  const output = await lab.shell("cat /proc/net/dev");
  const names = [...output.matchAll(/^\s*(\w+):/gm)].map(([, name]) => name);
  assert.deepEqual(names, ["lo"]);
});

for (const [where, change] of [
  ["", () => undefined],
  [" in a new user namespace", withNew("user")],
] as const) {
  scenario(`the loopback device of a new network namespace${where} is up`, async (lab) => {
    const flags = Number(await lab.shell("cat /sys/class/net/lo/flags", change));
    assert.equal(flags & 1, 1);
  });
}

scenario("a new pid namespace has the program as its first process", async (lab) => {
  const output = await lab.shell('echo $$; cat /proc/1/cmdline | tr "\\0" " "');
  assert.match(output, /^1\n\/bin\/sh -c /);
});
