/** Published holes in ids, groups, capabilities and messages; what a configuration's text must not become. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOf } from "./harness/attack.ts";
import { command, describeResult } from "./harness/command.ts";
import type { Spec } from "./harness/config.ts";
import type { Container, Report } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import { descriptorsOf, namespaces } from "./harness/host.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("security of rights", { boxOnly: "which rights it gives" });

async function execReport({ runtime, id }: Container, flags: string[]): Promise<Report> {
  return JSON.parse(ok(await runtime.exec(id, ["/bin/probe", "report"], flags)).stdout) as Report;
}

/** The masks of the five sets, as the kernel shows them. */
function sets({ status }: Report): bigint[] {
  return ["CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"].map((name) => BigInt(`0x${status[name]}`));
}

// Of the default capabilities: KILL (5), NET_BIND_SERVICE (10), AUDIT_WRITE (29); NET_RAW is 13.
const three = (1n << 5n) | (1n << 10n) | (1n << 29n);
const four = three | (1n << 13n);

// --- Ids --------------------------------------------------------------------------------------------------------------

scenario("a user's number is no name in the image's passwd (CVE-2016-3697)", async (lab) => {
  const container = lab.container(["/bin/probe", "wait"], (spec) => {
    spec.process.env = ["PATH=/bin"];
  });
  const passwd = "1000:x:0:0:::/bin/sh\n1000:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n";
  writeFileSync(join(container.rootfs, "etc/passwd"), passwd);
  await container.create();
  await container.start();
  const { uid, euid, gid, env } = await execReport(container, ["--user", "1000:1000"]);
  assert.deepEqual([uid, euid, gid, env.includes("HOME=/home")], [1000, 1000, 1000, true]);
});

scenario("a user of the configuration that would become another is refused (CVE-2026-30892)", async (lab) => {
  for (const uid of [-1, 4_294_967_295, 4_294_967_296, 1e20, 0.5, "0", null]) {
    for (const user of [
      { uid, gid: 0 },
      { uid: 0, gid: uid },
      { uid: 0, gid: 0, additionalGids: [uid] },
    ]) {
      const container = lab.container(["/bin/true"], (spec) => {
        spec.process.user = user as Spec["process"]["user"];
      });
      refused(await runOf(container, lab), /process\.user/);
    }
  }
});

scenario(
  "no group of the caller's is left, whether any is configured or not (CVE-2022-2989, CVE-2023-25173)",
  { root: "files and processes of other users" },
  async (lab) => {
    const caller = ["setpriv", "--groups", "4,20,27"];
    const groupsOf = (text: string): string | undefined => (JSON.parse(text) as Report).status["Groups"];
    for (const additionalGids of [undefined, [], [7]]) {
      const { runtime, id, bundle } = lab.container(["/bin/probe", "report"], ({ process }) => {
        if (additionalGids !== undefined) process.user.additionalGids = additionalGids;
      });
      const run = [...caller, ...runtime.argv(["run", "--bundle", bundle, id])];
      const result = ok(await command(run, { env: runtime.place.env }));
      assert.equal(groupsOf(result.stdout), (additionalGids ?? []).join(" "));
    }
    const { runtime, id } = await lab.running();
    for (const flags of [[], ["--user", "1000:1000"]]) {
      const exec = [...caller, ...runtime.argv(["exec", ...flags, id, "/bin/probe", "report"])];
      assert.equal(groupsOf(ok(await command(exec, { env: runtime.place.env })).stdout), "");
    }
  },
);

// --- Capabilities -----------------------------------------------------------------------------------------------------

scenario(
  "no capability is inheritable or ambient unless it is configured so (CVE-2016-8867, CVE-2022-24769, CVE-2022-27650, CVE-2022-29162, CVE-2025-27612)",
  async (lab) => {
    for (const [uid, own] of [
      [0, three],
      [1000, 0n],
    ] as const) {
      const asUser = ({ process }: Spec): void => {
        process.user = { uid, gid: uid };
      };
      const report = await lab.container(["/bin/probe", "report"], asUser).report();
      assert.deepEqual(sets(report), [three, own, own, 0n, 0n], `run as ${uid}`);
      const container = await lab.running(["/bin/probe", "wait"], asUser);
      assert.deepEqual(sets(await execReport(container, [])), [three, own, own, 0n, 0n], `exec as ${uid}`);
      const more = uid === 0 ? four : 0n;
      const withCap = sets(await execReport(container, ["--cap", "CAP_NET_RAW"]));
      assert.deepEqual(withCap, [four, more, more, 0n, 0n], `exec --cap as ${uid}`);
      const process = { user: { uid, gid: uid }, args: ["/bin/probe", "report"], env: ["PATH=/bin"], cwd: "/" };
      writeFileSync(lab.path("process.json"), JSON.stringify(process));
      const got = await command(container.runtime.argv(["exec", "--process", lab.path("process.json"), container.id]));
      assert.deepEqual(sets(JSON.parse(ok(got).stdout) as Report).slice(3), [0n, 0n], `exec --process as ${uid}`);
    }
  },
);

// --- Messages and text ------------------------------------------------------------------------------------------------

/** Lengths about which counters wrap. */
const lengths = [65_535, 65_536, 131_072, 1 << 20];

scenario(
  "texts of any length mean what short ones mean, or are refused (CVE-2021-43784)",
  { limit: 120_000 },
  async (lab) => {
    const script =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell replaces it
      "for kind in pid net mnt; do readlink /proc/self/ns/$kind; done; id -u; echo $$; echo ${#LONG} ${#1}";
    const host = Object.values(namespaces("self"));
    for (const length of lengths) {
      const long = "A".repeat(length);
      for (const [what, change] of Object.entries({
        env: ({ process }: Spec) => process.env?.push(`LONG=${long}`),
        args: ({ process }: Spec) => process.args.push(long),
        annotation: (spec: Spec) => {
          spec.annotations = { long };
        },
        annotations: (spec: Spec) => {
          spec.annotations = Object.fromEntries(
            Array.from({ length: length >> 6 }, (_, i) => [`a${i}`, "B".repeat(50)]),
          );
        },
        maps: ({ linux }: Spec) => {
          linux.namespaces.push({ type: "user" });
          const size = 1;
          const map = Array.from({ length: length >> 8 }, (_, n) => ({ containerID: n, hostID: 100_000 + n, size }));
          linux.uidMappings = map.slice(0, 340);
          linux.gidMappings = map;
        },
      })) {
        const container = lab.container(["/bin/sh", "-c", script, "sh"], change as (spec: Spec) => void);
        const result = await runOf(container, lab);
        if (result.status !== 0) {
          assert.match(result.stderr, /^[^\n]+\n$/, describeResult(result));
          continue;
        }
        const [pid, net, mnt, uid, own, sizes] = result.stdout.trim().split("\n");
        assert.ok(![pid, net, mnt].some((link) => host.includes(link ?? "")), `${what} of ${length}: no own namespace`);
        const given = `${what === "env" ? length : 0} ${what === "args" ? length : 0}`;
        assert.deepEqual([uid, own, sizes], ["0", "1", given], `${what} of ${length}`);
      }
    }
    const container = lab.container(["/bin/true"], (spec) => {
      spec.annotations = { long: "A".repeat(1 << 24) };
    });
    refused(await runOf(container, lab), /16777216|16 MiB|longer|larger|big/i);
  },
);

scenario(
  "box has no abstract socket, which containers in the host's network could reach (CVE-2020-15257)",
  async (lab) => {
    const { pid } = await lab.created();
    const inodes = descriptorsOf(pid).flatMap((to) => /^socket:\[(\d+)\]$/.exec(to)?.[1] ?? []);
    const names = namesOfSockets().filter(({ inode }) => inodes.includes(inode));
    assert.ok(names.length > 0, `no socket of ${inodes.join(" ")} is in the host's network`);
    assert.deepEqual(
      names.filter(({ name }) => name.startsWith("@")),
      [],
    );
  },
);

/** What is bound in the network namespace of this process. */
function namesOfSockets(): { inode: string; name: string }[] {
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/ +/))
    .flatMap(([, , , , , , inode = "", name]) => (name === undefined ? [] : [{ inode, name }]));
}

scenario(
  "an annotation that would run a program on the host is refused before systemd is asked (CVE-2024-3154)",
  { root: "mounts on the host" },
  async (lab) => {
    const pretended = ["sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"', "sh"];
    for (const name of ["ExecStopPost", "ExecStartPre", "Wants", "OnFailure", "BPFProgram"]) {
      const { runtime, id, bundle } = lab.container(["/bin/true"], (spec) => {
        spec.linux.cgroupsPath = "system.slice:box:annotated";
        spec.annotations = { [`org.systemd.property.${name}`]: "['/bin/true']" };
      });
      const create = runtime.argv(["--systemd-cgroup", "create", "--bundle", bundle, id]);
      const result = await command(["unshare", "--mount", ...pretended, ...create], { env: runtime.place.env });
      refused(result, new RegExp(`property\\.${name}"\\]: .*may set`));
    }
  },
);

scenario("text with a NUL is refused wherever it would reach the kernel", async (lab) => {
  const changes: Record<string, (spec: Spec) => void> = {
    "process.cwd": ({ process }) => {
      process.cwd = "/tmp\0x";
    },
    "process.env": ({ process }) => process.env?.push("A=b\0c"),
    hostname: (spec) => {
      spec.hostname = "a\0b";
    },
    "linux.maskedPaths": ({ linux }) => linux.maskedPaths.push("/proc/kcore\0x"),
    "linux.readonlyPaths": ({ linux }) => linux.readonlyPaths.push("/proc/sys\0x"),
    "linux.cgroupsPath": ({ linux }) => {
      linux.cgroupsPath += "\0x";
    },
    "mounts[0].destination": ({ mounts }) => {
      (mounts[0] as { destination: string }).destination = "/proc\0x";
    },
    "mounts[1].options": ({ mounts }) => mounts[1]?.options?.push("mode=755\0x"),
    "root.path": ({ root }) => {
      root.path = "rootfs\0x";
    },
  };
  for (const [property, change] of Object.entries(changes)) {
    const result = await runOf(lab.container(["/bin/true"], change), lab);
    refused(result, new RegExp(property.replaceAll(/[.[\]]/g, "\\$&")));
  }
});

scenario("a line's end in a message forges no record of the log", async (lab) => {
  const container = lab.container(["/no\nbox: all is well\u001b[2J"]);
  const { runtime, id, bundle } = container;
  const result = await runtime.call(["--log", lab.path("log"), "run", "--bundle", bundle, id]);
  refused(result);
  const log = readFileSync(lab.path("log"), "utf8");
  assert.match(log, /^[^\n\u001b]+\n$/);
});

scenario(
  "a passwd that is no ordinary file, or a huge one, neither hangs nor fails a container",
  { root: "device nodes" },
  async (lab) => {
    for (const plant of [
      "mkfifo $0",
      "mknod $0 c 1 5",
      "mkdir $0",
      "ln -s passwd $0",
      "truncate -s 10G $0",
      "printf '\\377' >$0",
    ]) {
      const container = lab.container(["/bin/sh", "-c", "echo $HOME"], ({ process }) => {
        process.env = ["PATH=/bin"];
      });
      ok(await command(["/bin/sh", "-c", `rm $0; ${plant}`, join(container.rootfs, "etc/passwd")]));
      assert.equal(ok(await runOf(container, lab)).stdout, "/\n", plant);
    }
  },
);
