/** What `box validate` tells of a bundle, and that it touches nothing. */

import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { context } from "./harness/context.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("validate", { boxOnly: "the other runtimes have no such command" });

interface Finding {
  severity: "error" | "warning";
  path: string;
  message: string;
  section?: string;
}

interface Verdict {
  valid: boolean;
  config: string;
  findings: Finding[];
  dropped: number;
}

/** What validate says as JSON; and nothing is made by it, nor a word written to stderr. */
async function verdictOf(lab: Lab, { bundle }: Container, ...more: string[]): Promise<Verdict> {
  const { status, stdout, stderr } = await lab.runtime.call(["validate", "--bundle", bundle, "--json", ...more]);
  assert.equal(stderr, "");
  const verdict = JSON.parse(stdout) as Verdict;
  assert.equal(status, verdict.valid ? 0 : 1);
  assert.equal(
    verdict.valid,
    verdict.findings.every(({ severity }) => severity === "warning"),
  );
  assert.ok(!existsSync(lab.root), "a state directory was made");
  assert.deepEqual(lab.leaks(), []);
  return verdict;
}

scenario("validate finds nothing wrong with a bundle that create takes", async (lab) => {
  const container = lab.container(["/bin/true"]);
  const verdict = await verdictOf(lab, container);
  assert.deepEqual(verdict, {
    valid: true,
    config: join(container.bundle, "config.json"),
    findings: [],
    dropped: 0,
  });
  const { status, stdout } = await lab.runtime.call(["validate", "--bundle", container.bundle]);
  assert.equal(stdout, `${join(container.bundle, "config.json")}: no errors, no warnings\n`);
  assert.equal(status, 0);
});

scenario("validate lists every property of a wrong shape", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    const wrong = spec as unknown as { process: Record<string, unknown>; mounts: unknown[]; hostname: unknown };
    wrong.process["cwd"] = 7;
    wrong.process["args"] = [];
    wrong.mounts.push({ destination: 1 }, "nothing");
    wrong.hostname = null;
  });
  const { findings } = await verdictOf(lab, container);
  const count = container.spec.mounts.length;
  assert.deepEqual(findings.map(({ path }) => path).sort(), [
    "hostname",
    `mounts[${count - 2}].destination`,
    `mounts[${count - 1}]`,
    "process.args",
    "process.cwd",
  ]);
});

scenario("validate lists what the rules, the plan and the host object to at once, with the section", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.linux.sysctl = { "vm.swappiness": "1" };
    spec.mounts.push({ destination: "/a" }, { destination: "/b", source: "nowhere", options: ["bind"] });
    spec.mounts.push({ destination: "/c" });
    spec.hooks = { prestart: [{ path: "/no/hook" }], poststop: [{ path: "/etc" }] };
  });
  const at = container.spec.mounts.length - 3;
  const { findings } = await verdictOf(lab, container);
  assert.deepEqual(
    findings.map(({ path, section }) => [path, section]),
    [
      ['linux.sysctl["vm.swappiness"]', "config-linux.md#configLinuxSysctl"],
      [`mounts[${at}].type`, "config.md#configPOSIXMounts"],
      [`mounts[${at + 2}].type`, "config.md#configPOSIXMounts"],
      [`mounts[${at + 1}].source`, "config.md#configMounts"],
      ["hooks.prestart[0].path", "config.md#configHooksPrestart"],
      ["hooks.poststop[0].path", "config.md#configHooksPoststop"],
    ],
  );
  assert.ok(findings.every(({ severity }) => severity === "error"));
});

/** What is wrong, how it comes about, and what is said of it. */
const onHost: [string, (spec: Spec) => void, Finding["severity"], string, RegExp][] = [
  [
    "a root file system that is not there",
    (spec) => {
      spec.root.path = "nothing-here";
    },
    "error",
    "root.path",
    /nothing-here.*ENOENT/,
  ],
  [
    "a root file system that is a file",
    (spec) => {
      spec.root.path = "config.json";
    },
    "error",
    "root.path",
    /is not a directory/,
  ],
  [
    "a namespace that is no namespace",
    (spec) => {
      spec.linux.namespaces = spec.linux.namespaces.map((one) =>
        one.type === "network" ? { type: "network", path: "/proc/self/status" } : one,
      );
    },
    "error",
    "linux.namespaces[1].path",
    /is not a namespace/,
  ],
  [
    "the caller's own UTS namespace, whose name would change",
    (spec) => {
      spec.linux.namespaces = spec.linux.namespaces.map((one) =>
        one.type === "uts" ? { type: "uts", path: "/proc/self/ns/uts" } : one,
      );
    },
    "error",
    "hostname",
    /is the caller's own/,
  ],
  [
    "a file system that the kernel does not know",
    (spec) => {
      spec.mounts.push({ destination: "/x", type: "nosuchfs" });
    },
    "warning",
    "mounts[6].type",
    /nosuchfs/,
  ],
  [
    "a program that is not in the root file system",
    (spec) => {
      spec.process.args = ["no-such-program"];
    },
    "warning",
    "process.args[0]",
    /no-such-program/,
  ],
  [
    "a hook that cannot be executed",
    (spec) => {
      spec.hooks = { createRuntime: [{ path: "/etc/passwd" }] };
    },
    "error",
    "hooks.createRuntime[0].path",
    /EACCES/,
  ],
  [
    "a network device that is not there",
    (spec) => {
      Object.assign(spec.linux, { netDevices: { nosuch0: {} } });
    },
    "error",
    'linux.netDevices["nosuch0"]',
    /no network device "nosuch0"/,
  ],
  [
    "a device that cannot be bound into a user namespace",
    (spec) => {
      if (context.user === undefined) {
        const map = [{ containerID: 0, hostID: 0, size: 1 }];
        spec.linux.namespaces.push({ type: "user" });
        spec.linux.uidMappings = map;
        spec.linux.gidMappings = map;
      }
      spec.linux.devices = [{ path: "/dev/nosuch", type: "c", major: 1, minor: 3 }];
    },
    "error",
    "linux.devices[0].path",
    /the host's node is bound: "\/dev\/nosuch".*ENOENT/,
  ],
  [
    "a sysctl that the kernel lacks",
    (spec) => {
      spec.linux.sysctl = { "net.nosuch.parameter": "1" };
    },
    "warning",
    'linux.sysctl["net.nosuch.parameter"]',
    /no such parameter/,
  ],
];

for (const [what, change, severity, path, message] of onHost) {
  const root = what.includes("network device") ? "network devices of the host" : undefined;
  scenario(`validate tells of ${what}`, { root }, async (lab) => {
    const container = lab.container(["/bin/true"], change);
    const { findings, valid } = await verdictOf(lab, container);
    assert.deepEqual(
      findings.map((one) => [one.severity, one.path]),
      [[severity, path]],
    );
    assert.match(findings[0]?.message ?? "", message);
    assert.equal(valid, severity === "warning");
  });
}

scenario("validate reads the file that --config names, and tells of one that cannot be read", async (lab) => {
  const container = lab.container(["/bin/true"]);
  writeFileSync(join(container.bundle, "other.json"), '{"ociVersion": ');
  const [broken] = (await verdictOf(lab, container, "--config", "other.json")).findings;
  assert.match(broken?.message ?? "", /^invalid JSON at line 1/);
  rmSync(join(container.bundle, "config.json"));
  const [missing] = (await verdictOf(lab, container)).findings;
  assert.match(missing?.message ?? "", /config\.json: no such file/);
});

scenario("validate keeps a hundred problems and counts the others", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.process.env = Array.from({ length: 150 }, () => "novalue");
  });
  const { findings, dropped } = await verdictOf(lab, container);
  assert.deepEqual([findings.length, dropped], [100, 50]);
  const { stdout } = await lab.runtime.call(["validate", "--bundle", container.bundle]);
  assert.match(stdout, /: 100 errors, no warnings, and 50 more\n$/);
});

scenario("validate writes hostile names on one line", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.linux.sysctl = { "vm.\n\u001b[31merror: forged": "1" };
  });
  const { stdout } = await lab.runtime.call(["validate", "--bundle", container.bundle]);
  assert.match(stdout, /^error: [^\n]+\nwarning: [^\n]+\n[^\n]+: 1 error, 1 warning\n$/);
  assert.ok(!stdout.includes("\u001b"));
});

scenario("validate tells of a program without a name", async (lab) => {
  const { findings } = await verdictOf(lab, lab.container([""]));
  const paths = findings.map(({ severity, path }) => [severity, path]);
  assert.deepEqual(paths, [["error", "process.args[0]"]]);
});

scenario("validate warns of the numbers of a device rule without a type, and create does", async (lab) => {
  const path = "linux.resources.devices[1]";
  const container = lab.container(["/bin/true"], ({ linux }) => {
    linux.resources = { devices: [{ allow: true }, { allow: false, major: 1, minor: 3, access: "rwm" }] };
  });
  const { findings } = await verdictOf(lab, container);
  const message = "major and minor mean nothing without type c or b: the rule is for every device";
  assert.deepEqual(findings[0], { severity: "warning", path, message, section: findings[0]?.section });
  await container.create();
  // An ordinary user is told besides that no rule is in force.
  const [first] = (await container.shim.stderr.line()).split("\n");
  assert.equal(first, `box: warning: ${path}: ${message}`);
});

scenario("validate lists a wrong annotation and a wrong cgroupsPath of a scope at once", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.annotations = { "org.systemd.property.ExecStart": "'/bin/sh'" };
    spec.linux.cgroupsPath = "/not/for:systemd";
  });
  const { runtime, bundle } = container;
  const { stdout } = await runtime.call(["--systemd-cgroup", "validate", "--bundle", bundle, "--json"]);
  const { findings } = JSON.parse(stdout) as Verdict;
  const paths = findings.filter(({ severity }) => severity === "error").map((one) => one.path);
  assert.deepEqual(paths, ['annotations["org.systemd.property.ExecStart"]', "linux.cgroupsPath"]);
});

scenario("validate passes over a size of a console that is not there", async (lab) => {
  const sized = (terminal: boolean) =>
    lab.container(["/bin/true"], ({ process }) => {
      process.terminal = terminal;
      process.consoleSize = { height: -1, width: 1.5 };
    });
  assert.deepEqual((await verdictOf(lab, sized(false))).findings, []);
  const { findings } = await verdictOf(lab, sized(true));
  assert.deepEqual(
    findings.map(({ path }) => path),
    ["process.consoleSize.height", "process.consoleSize.width"],
  );
});

scenario("validate and create warn of what crun would do for an annotation and box does not", async (lab) => {
  const container = lab.container(["/bin/true"], (spec) => {
    spec.annotations = {
      "run.oci.handler": "krun",
      "run.oci.keep_original_groups": "0",
      "run.oci.systemd.subgroup": "",
      "run.oci.mount_context_type": "context",
      "run.oci.crun.version": "1.29",
      "run.ocicle": "x",
    };
  });
  const { findings } = await verdictOf(lab, container);
  const [path, message] = ['annotations["run.oci.handler"]', "has no effect: box does not do what crun does for it"];
  assert.deepEqual(findings, [{ severity: "warning", path, message, section: "config.md#configAnnotations" }]);
  await container.create();
  assert.equal(container.shim.stderr.text, `box: warning: ${path}: ${message}\n`);
});
