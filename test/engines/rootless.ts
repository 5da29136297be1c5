/** Podman as an ordinary user. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { type Answer, attempt, baseRootfs, becomes, type Check, type Engine, prints, sh, write } from "./harness.ts";
import { configurePodman } from "./podman.ts";

const user = { name: "someone", id: 1000, home: "/srv/someone", runtime: "/run/user/1000" };

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command line by which the user runs a command. */
function as(command: string): string {
  const { name, home, runtime } = user;
  const env = `env -C ${home} HOME=${home} XDG_RUNTIME_DIR=${runtime} USER=${name}`;
  return `runuser -u ${name} -- ${env} sh -c ${quoted(command)}`;
}

const said = (command: string): Promise<string> => sh(as(command));
const says = (command: string, expected: string | RegExp): Promise<void> => prints(as(command), expected);

async function ends(status: number, command: string): Promise<Answer> {
  const answer = await attempt(as(command));
  assert.equal(answer.status, status, `${command}: ${answer.stderr}`);
  return answer;
}

const checks: readonly Check[] = [
  { name: "names its runtime", run: () => says("podman info --format '{{.Host.OCIRuntime.Name}}'", /^(runc|box)$/) },
  { name: "run", run: () => says("podman run --rm base echo hello", "hello") },
  { name: "run gives the exit status", run: async () => void (await ends(7, "podman run --rm base sh -c 'exit 7'")) },
  {
    name: "a program that is not there, or may not be executed",
    run: async () => {
      await ends(127, "podman run --rm base /nothing");
      await ends(126, "podman run --rm base /etc/notexecutable");
    },
  },
  {
    name: "the user is root in a namespace with subordinate ids",
    run: () => says("podman run --rm base cat /proc/self/uid_map", /^ +0 +1000 +1\n +1 +400000 +65536$/),
  },
  {
    name: "another user of the image",
    run: () => says("podman run --rm --user 1000:1000 base sh -c 'id -u; id -g'", "1000\n1000"),
  },
  {
    name: "userns=keep-id",
    run: () =>
      says("podman run --rm --userns keep-id base sh -c 'id -u; touch /tmp/x && stat -c %u /tmp/x'", "1000\n1000"),
  },
  { name: "run -i passes stdin on", run: () => says("echo through | podman run --rm -i base cat", "through") },
  {
    name: "run -t gives a terminal",
    run: () => says("podman run --rm -t base tty", /^\/dev\/(pts\/0|console)\r?$/),
  },
  {
    name: "create, start, wait, rm",
    run: async () => {
      await said("podman create --name c base sh -c 'exit 3'");
      await said("podman start c");
      await says("podman wait c", "3");
      await said("podman rm c");
    },
  },
  {
    name: "logs",
    run: async () => {
      await said("podman run --name c base sh -c 'echo out; echo err >&2'");
      await becomes(as("podman logs c 2>&1 | sort"), "err\nout");
    },
  },
  {
    name: "exec",
    run: async () => {
      await said("podman run -d --name c base sleep 600");
      await says("podman exec c echo hello", "hello");
      await ends(5, "podman exec c sh -c 'exit 5'");
      await says("podman exec --user 1000 --workdir /tmp --env A=1 c sh -c 'id -u; pwd; echo $A'", "1000\n/tmp\n1");
      await says("podman exec -t c tty", /^\/dev\/pts\/\d\r?$/);
      await ends(127, "podman exec c /nothing");
    },
  },
  {
    name: "stop, kill",
    run: async () => {
      await said("podman run -d --name c base sh -c 'trap \"exit 9\" TERM; touch /ready; while :; do sleep 0.1; done'");
      await becomes(as("podman exec c ls /ready"), "/ready");
      await said("podman stop c");
      await says("podman wait c", "9");
      await said("podman run -d --name d base sleep 600");
      await said("podman kill -s KILL d");
      await says("podman wait d", "137");
    },
  },
  {
    name: "restart",
    run: async () => {
      await said("podman run -d --name c base sh -c 'echo once more; sleep 600'");
      await said("podman restart -t 0 c");
      await becomes(as("podman logs c"), "once more\nonce more");
    },
  },
  {
    name: "healthcheck",
    run: async () => {
      await said("podman run -d --name c --health-cmd 'test -e /healthy' --health-interval disable base sleep 600");
      await ends(1, "podman healthcheck run c");
      await said("podman exec c touch /healthy");
      await said("podman healthcheck run c");
    },
  },
  {
    name: "volumes, binds and tmpfs",
    run: async () => {
      await said("mkdir -p bound && echo mine >bound/file && podman volume create v");
      await says(
        "podman run --rm -v ./bound:/b:ro -v v:/v --tmpfs /t:size=1m base sh -c 'cat /b/file; echo 1 >/v/x; touch /b/x 2>/dev/null || echo no; stat -f -c %T /t'",
        "mine\nno\ntmpfs",
      );
      await says("podman run --rm -v v:/v base cat /v/x", "1");
      await said("podman volume rm v");
    },
  },
  {
    name: "what it makes in a bind is the user's",
    run: async () => {
      await said("mkdir -p made && podman run --rm -v ./made:/m base touch /m/file");
      await prints(`stat -c %u ${user.home}/made/file`, `${user.id}`);
    },
  },
  {
    name: "read-only root, capabilities, no new privileges, seccomp",
    run: async () => {
      await says("podman run --rm --read-only base sh -c 'touch /x 2>/dev/null || echo no'", "no");
      const script = "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status";
      await says(
        `podman run --rm --cap-drop all --cap-add net_raw --security-opt no-new-privileges base sh -c "${script}"`,
        /CapEff:\s+0000000000002000\nNoNewPrivs:\s+1\nSeccomp:\s+2$/,
      );
    },
  },
  {
    name: "privileged, in the user's own namespace",
    run: () => says("podman run --rm --privileged base sh -c 'mount -t tmpfs t /tmp && echo mounted'", "mounted"),
  },
  { name: "network of the host", run: () => says("podman run --rm --network host base ip link", /lo:/) },
  { name: "no network", run: () => says("podman run --rm --network none base ip -o link", /^1: lo:[^\n]*$/) },
  {
    name: "a network of the user's own, with a port",
    run: async () => {
      const web = "mkdir /www; echo page >/www/index.html; exec httpd -f -h /www -p 8080";
      await said(`podman run -d --name c -p 18080:8080 base sh -c "${web}"`);
      await becomes("busybox wget -qO- http://127.0.0.1:18080/", "page");
    },
  },
  {
    name: "pod",
    run: async () => {
      await said("podman pod create --name p --network none");
      await said("podman run -d --pod p --name c base sleep 600");
      await says("podman pod ps --format '{{.Status}} {{.NumberOfContainers}}'", "Running 2");
      await said("podman pod stop -t 0 p && podman pod rm p");
    },
  },
  {
    name: "build",
    run: async () => {
      await said("mkdir -p built && printf 'FROM base\\nRUN echo made >/made\\nCMD cat /made\\n' >built/Containerfile");
      await said("podman build --network none -t built built");
      await says("podman run --rm built", "made");
    },
  },
  {
    name: "limits of the program",
    run: () => says("podman run --rm --ulimit nofile=99:99 --hostname h base sh -c 'ulimit -n; hostname'", "99\nh"),
  },
  {
    name: "cp, commit",
    run: async () => {
      await said("echo copied >file && podman run -d --name c base sleep 600 && podman cp file c:/tmp/file");
      await says("podman exec c cat /tmp/file", "copied");
      await said("podman commit c committed");
      await says("podman run --rm committed cat /tmp/file", "copied");
    },
  },
  {
    name: "init process",
    run: () => says("podman run --rm --init base cat /proc/1/comm", /^(catatonit|podman-init)$/),
  },
];

export const rootless: Engine = {
  name: "rootless",
  start: async (runtime) => {
    configurePodman(runtime);
    const { name, id, home, runtime: directory } = user;
    await sh(`useradd --uid ${id} --home-dir ${home} --shell /bin/sh ${name}`);
    for (const path of [home, directory]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o700);
      chownSync(path, id, id);
    }
    for (const file of ["/etc/subuid", "/etc/subgid"]) write(file, `${name}:400000:65536\n`);
    // pasta and slirp4netns make a device of their own; the host's node may be root's alone.
    await sh("mkdir -p /dev/net && mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200");
    await sh(`tar -C ${baseRootfs()} -cf /srv/base.tar . && chmod 644 /srv/base.tar`);
    await said("podman import /srv/base.tar base");
    return async () => {
      await attempt(as("podman rm -fa -t 0; podman system migrate"));
    };
  },
  checks: checks.map((check) => ({
    ...check,
    run: async () => {
      try {
        await check.run();
      } finally {
        await attempt(as("podman pod rm -fa -t 0; podman rm -fa -t 0"));
      }
    },
  })),
};
