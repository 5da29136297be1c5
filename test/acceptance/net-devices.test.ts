import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { Spec } from "./harness/config.ts";
import { refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("network devices", {
  root: "network devices of the host",
  clause: "config-linux.md, Network Devices",
  needs: ["network device: veth"],
});

let made = 0;

/** A veth pair on the host; the test gets one end's name, the other is that with an `x`. */
function veth(lab: Lab): string {
  const name = `acc${process.pid % 100_000}v${++made}`;
  ip("link", "add", name, "type", "veth", "peer", "name", `${name}x`);
  lab.later(() => {
    // Either end takes the other along; the container may have taken both.
    for (const one of [name, `${name}x`]) {
      try {
        execFileSync("ip", ["link", "del", one], { stdio: "ignore" });
      } catch {
        // It is gone.
      }
    }
  });
  return name;
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8" });
}

function withDevices(devices: Record<string, { name?: string }>, more?: (spec: Spec) => void) {
  return (spec: Spec) => {
    spec.ociVersion = "1.3.0";
    spec.linux.netDevices = devices;
    more?.(spec);
  };
}

const show = "ip -o link show; ip -o addr show";

scenario("a device of the host moves into the container, and is up", async (lab) => {
  const name = veth(lab);
  const output = await lab.shell(show, withDevices({ [name]: {} }));
  assert.match(output, new RegExp(`\\d+: ${name}@\\w+: <[^>]*\\bUP\\b`));
});

scenario("a device is not on the host while it is in the container", async (lab) => {
  const name = veth(lab);
  await lab.running(["/bin/probe", "wait"], withDevices({ [name]: {} }));
  assert.throws(() => execFileSync("ip", ["link", "show", name], { stdio: "ignore" }));
});

scenario("a device gets its new name", async (lab) => {
  const name = veth(lab);
  const output = await lab.shell(show, withDevices({ [name]: { name: "inside0" } }));
  assert.match(output, /\d+: inside0@\w+: <[^>]*\bUP\b/);
  assert.ok(!output.includes(` ${name}@`));
});

scenario("%d in the new name stands for a number that is free", async (lab) => {
  const [first, second] = [veth(lab), veth(lab)];
  const output = await lab.shell(show, withDevices({ [first]: { name: "net%d" }, [second]: { name: "net%d" } }));
  assert.match(output, / net0@/);
  assert.match(output, / net1@/);
});

scenario("permanent global addresses of both families come along", async (lab) => {
  const name = veth(lab);
  for (const address of ["192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64"]) ip("addr", "add", address, "dev", name);
  ip("addr", "add", "198.51.100.1/24", "dev", name, "valid_lft", "3600", "preferred_lft", "3600");
  ip("addr", "add", "203.0.113.1/24", "dev", name, "scope", "link");
  const output = await lab.shell(show, withDevices({ [name]: { name: "inside0" } }));
  for (const address of ["192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64"]) {
    assert.ok(output.includes(` ${address} `), `${address} in\n${output}`);
  }
  assert.ok(!output.includes("198.51.100.1"), "an address that ends");
  assert.ok(!output.includes("203.0.113.1"), "an address of the link alone");
});

scenario("a device's own settings stay", async (lab) => {
  const name = veth(lab);
  ip("link", "set", name, "mtu", "1234", "address", "02:00:00:00:00:07");
  const output = await lab.shell(show, withDevices({ [name]: {} }));
  assert.match(output, /mtu 1234 .*02:00:00:00:00:07/s);
});

scenario("a sysctl of a device that has moved is set", { boxOnly: "devices before sysctls" }, async (lab) => {
  const name = veth(lab);
  const change = withDevices({ [name]: { name: "inside0" } }, (spec) => {
    spec.linux.sysctl = { "net.ipv4.conf.inside0.arp_ignore": "3" };
  });
  assert.equal(await lab.shell("cat /proc/sys/net/ipv4/conf/inside0/arp_ignore", change), "3\n");
});

scenario("a device moves into a network namespace that is joined", async (lab) => {
  const name = veth(lab);
  const first = await lab.running();
  const change = withDevices({ [name]: { name: "inside0" } }, (spec) => {
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
    spec.linux.namespaces.push({ type: "network", path: `/proc/${first.pid}/ns/net` });
  });
  assert.match(await lab.shell(show, change), / inside0@/);
});

for (const [what, change] of [
  ["a device that does not exist", () => withDevices({ nosuchdevice: {} })],
  ["a name that is in use", (name: string) => withDevices({ [name]: { name: "lo" } })],
  ["a name that is too long", (name: string) => withDevices({ [name]: { name: "sixteenletters00" } })],
  [
    "a device without a network namespace",
    (name: string) =>
      withDevices({ [name]: {} }, (spec) => {
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
        spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/sys");
      }),
  ],
  [
    "a device for the host's own network namespace",
    (name: string) =>
      withDevices({ [name]: { name: `${name}y` } }, (spec) => {
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
        spec.linux.namespaces.push({ type: "network", path: "/proc/self/ns/net" });
      }),
  ],
] as const) {
  scenario(`create refuses ${what}`, async (lab) => {
    const name = veth(lab);
    const container = lab.container(["/bin/true"], change(name));
    refused(await container.creating().result());
    assert.match(ip("-o", "link", "show", name), new RegExp(` ${name}@`));
  });
}

scenario(
  "a device that has another name by now comes back with its own when run fails",
  { boxOnly: "nothing left of a run that fails" },
  async (lab) => {
    const name = veth(lab);
    const container = lab.container(
      ["/bin/sh", "-c", "read line"],
      withDevices({ [name]: { name: "inside0" } }, (spec) => {
        const script =
          "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); nsenter -t $pid -n ip link set inside0 down name other0; exit 3";
        spec.hooks = {
          poststart: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] }],
        };
      }),
    );
    refused(await container.running().result(), /exit status 3/);
    assert.match(ip("-o", "link", "show", name), new RegExp(`: ${name}@`));
  },
);

scenario(
  "a create that fails gives the device back as it was",
  { boxOnly: "nothing left of a create that fails" },
  async (lab) => {
    const name = veth(lab);
    ip("addr", "add", "192.0.2.7/24", "dev", name);
    ip("link", "set", name, "up");
    const cases: ((spec: Spec) => void)[] = [
      withDevices({ [name]: { name: "inside0" }, nosuchdevice: {} }),
      withDevices({ [name]: { name: "inside0" } }, (spec) => {
        spec.mounts.push({ destination: "/mnt", type: "nosuchfs", source: "none" });
      }),
      withDevices({ [name]: { name: "inside0" } }, (spec) => {
        spec.hooks = { createRuntime: [{ path: "/bin/false" }] };
      }),
    ];
    for (const change of cases) {
      const container = lab.container(["/bin/true"], change);
      refused(await container.creating().result());
      const output = ip("-o", "addr", "show", name) + ip("-o", "link", "show", name);
      assert.ok(output.includes(" 192.0.2.7/24 ") && /<[^>]*\bUP\b/.test(output), output);
    }
  },
);
