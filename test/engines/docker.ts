/** Docker. */
import assert from "node:assert/strict";
import {
  attempt,
  baseRootfs,
  becomes,
  type Check,
  daemon,
  type Engine,
  endsWith,
  limitFile,
  prints,
  type Runtime,
  sh,
  tailOf,
  write,
} from "./harness.ts";

const log = "/var/log/dockerd.log";

async function startDaemon({ name, path }: Runtime, more: object = {}): Promise<() => Promise<void>> {
  write(
    "/etc/docker/daemon.json",
    JSON.stringify({
      "default-runtime": name,
      // runc is known to it already, and must not be named again.
      ...(name === "runc" ? {} : { runtimes: { [name]: { path } } }),
      "exec-opts": ["native.cgroupdriver=cgroupfs"],
      "storage-driver": "overlay2",
      ...more,
    }),
  );
  const stop = daemon("dockerd", log);
  await becomes("docker version --format '{{.Server.Os}}'", "linux").catch(async (error: Error) => {
    await stop();
    throw new Error(`${error.message}\n${tailOf(log)}`);
  });
  return stop;
}

const web = "sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -h /www -p 8080'";

const checks: readonly Check[] = [
  {
    name: "names its default runtime",
    run: () => prints("docker info --format '{{.DefaultRuntime}}'", /^(runc|box)$/),
  },
  { name: "run", run: () => prints("docker run --rm base echo hello", "hello") },
  { name: "run gives the exit status", run: () => endsWith(7, "docker run --rm base sh -c 'exit 7'") },
  { name: "a program that is not there", run: () => endsWith(127, "docker run --rm base /nothing", /no such file/) },
  { name: "a program that is not on the PATH", run: () => endsWith(127, "docker run --rm base nothing", /not found/) },
  {
    name: "a program that may not be executed",
    run: () => endsWith(126, "docker run --rm base /etc/notexecutable", /permission denied/),
  },
  { name: "run -i passes stdin on", run: () => prints("echo through | docker run --rm -i base cat", "through") },
  { name: "run -t gives a terminal", run: () => prints("docker run --rm -t base tty", /^\/dev\/(pts\/0|console)\r?$/) },
  {
    name: "create, start, wait, rm",
    run: async () => {
      await sh("docker create --name cc base sh -c 'exit 3'");
      await sh("docker start cc");
      await prints("docker wait cc", "3");
      await sh("docker rm cc");
    },
  },
  {
    name: "logs",
    run: async () => {
      await sh("docker run --name cc base sh -c 'echo out; echo err >&2'");
      const { stdout, stderr } = await attempt("docker logs cc");
      assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
    },
  },
  {
    name: "exec",
    run: async () => {
      await sh("docker run -d --name cc -e A=1 base sleep 600");
      await prints("docker exec -e B=2 cc sh -c 'echo $A $B'", "1 2");
      await prints("docker exec -w /tmp -u 1000 cc sh -c 'pwd; id -u'", "/tmp\n1000");
      await endsWith(5, "docker exec cc sh -c 'exit 5'");
      await endsWith(127, "docker exec cc /nothing");
      await endsWith(126, "docker exec cc /etc/notexecutable");
    },
  },
  {
    name: "exec -t, -i and -d",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints("docker exec -t cc tty", /^\/dev\/pts\/\d\r?$/);
      await prints("echo through | docker exec -i cc cat", "through");
      await sh("docker exec -d cc touch /tmp/made");
      await becomes("docker exec cc ls /tmp", "made");
    },
  },
  {
    name: "exec --privileged",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints(
        "docker exec --privileged cc grep CapEff /proc/self/status",
        /000001[0-9a-f]{5,}fffffff+$|00000[0-9a-f]+f{6,}$/,
      );
    },
  },
  {
    name: "stop lets the program end",
    run: async () => {
      await sh(
        "docker run -d --name cc base sh -c 'trap \"exit 4\" TERM; touch /tmp/ready; while :; do sleep 0.1; done'",
      );
      await becomes("docker exec cc ls /tmp", "ready");
      await sh("docker stop cc");
      await prints("docker inspect cc --format '{{.State.ExitCode}} {{.State.Status}}'", "4 exited");
    },
  },
  {
    name: "stop ends what does not listen",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await sh("docker stop -t 1 cc");
      await prints("docker inspect cc --format '{{.State.ExitCode}}'", "137");
    },
  },
  {
    name: "kill",
    run: async () => {
      await sh(
        "docker run -d --name cc base sh -c 'trap \"exit 9\" USR1; touch /tmp/ready; while :; do sleep 0.1; done'",
      );
      await becomes("docker exec cc ls /tmp", "ready");
      await sh("docker kill -s USR1 cc");
      await prints("docker wait cc", "9");
      await sh("docker rm cc; docker run -d --name cc base sleep 600; docker kill cc");
      await prints("docker wait cc", "137");
    },
  },
  {
    name: "pause and unpause",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await sh("docker pause cc");
      await prints("docker inspect cc --format '{{.State.Status}}'", "paused");
      assert.notEqual((await attempt("docker exec cc true")).status, 0);
      await sh("docker unpause cc");
      await sh("docker exec cc true");
      await sh("docker pause cc");
      await sh("docker rm -f cc");
    },
  },
  {
    name: "restart",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await sh("docker restart -t 0 cc");
      await prints("docker inspect cc --format '{{.State.Status}}'", "running");
    },
  },
  {
    name: "stats",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints("docker stats --no-stream --format '{{.Name}}' cc", "cc");
    },
  },
  {
    name: "stats count processes and memory",
    needs: "controllers",
    run: async () => {
      await sh("docker run -d --name cc --memory 64m base sleep 600");
      await prints("docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' cc", /^1 .* \/ 64MiB$/);
    },
  },
  {
    name: "top",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints("docker top cc", /PID[\s\S]*sleep 600/);
      await prints("docker top cc -o pid,comm", /PID +COMMAND\n\d+ +sleep/);
    },
  },
  {
    name: "healthcheck",
    run: async () => {
      await sh(
        "docker run -d --name cc --health-cmd 'test -e /tmp/well' --health-interval 200ms --health-retries 1 base sleep 600",
      );
      await becomes("docker inspect cc --format '{{.State.Health.Status}}'", "unhealthy");
      await sh("docker exec cc touch /tmp/well");
      await becomes("docker inspect cc --format '{{.State.Health.Status}}'", "healthy");
    },
  },
  {
    name: "restart policy",
    run: async () => {
      await sh("docker run -d --name cc --restart on-failure:2 base false");
      await becomes("docker inspect cc --format '{{.RestartCount}} {{.State.Status}}'", "2 exited");
    },
  },
  {
    name: "memory limit",
    needs: "controllers",
    run: () =>
      prints(
        `docker run --rm --memory 64m base sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`,
        "67108864",
      ),
  },
  {
    name: "memory that runs out",
    needs: "controllers",
    run: async () => {
      await endsWith(137, "docker run --name cc --memory 16m --memory-swap 16m base tail /dev/zero");
      await prints("docker inspect cc --format '{{.State.OOMKilled}}'", "true");
    },
  },
  {
    name: "limits of processes and processors",
    needs: "controllers",
    run: async () => {
      await prints(`docker run --rm --pids-limit 33 base sh -c '${limitFile("pids/pids.max", "pids.max")}'`, "33");
      await prints(`docker run --rm --cpus 0.5 base sh -c '${limitFile("cpu/cpu.cfs_quota_us", "cpu.max")}'`, /^50000/);
      await prints("docker run --rm --cpuset-cpus 0 base nproc", "1");
    },
  },
  {
    name: "update",
    needs: "controllers",
    run: async () => {
      await sh("docker run -d --name cc --memory 64m base sleep 600");
      await sh("docker update --memory 128m --memory-swap 128m --cpus 0.7 cc");
      await prints(`docker exec cc sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`, "134217728");
      await prints(`docker exec cc sh -c '${limitFile("cpu/cpu.cfs_quota_us", "cpu.max")}'`, /^70000/);
    },
  },
  {
    name: "update of the restart policy",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await sh("docker update --restart always cc");
    },
  },
  {
    name: "build",
    run: async () => {
      write(
        "/srv/build/Dockerfile",
        "FROM base\nRUN echo built >/built && id -u >/uid\nUSER user\nRUN id -u >/tmp/uid\nWORKDIR /work\nCMD cat /built /uid /tmp/uid\n",
      );
      await sh("DOCKER_BUILDKIT=0 docker build -t built /srv/build", 120);
      await prints("docker run --rm built", "built\n0\n1000");
      await sh("docker rmi built");
    },
  },
  {
    name: "build with BuildKit",
    run: async () => {
      write("/srv/kit/Dockerfile", "FROM base\nRUN echo built >/built\n");
      await sh("docker buildx build --load -t built /srv/kit", 120);
      await prints("docker run --rm built cat /built", "built");
    },
  },
  {
    name: "bridge network, with a port",
    run: async () => {
      await sh(`docker run -d --name cc -p 127.0.0.1:8081:8080 base ${web}`);
      await becomes("busybox wget -qO- http://127.0.0.1:8081/", "page");
    },
  },
  {
    name: "network of its own, with names",
    run: async () => {
      await sh("docker network create n");
      try {
        await sh(`docker run -d --name cc --network n base ${web}`);
        await becomes("docker run --rm --network n base wget -qO- http://cc:8080/", "page");
      } finally {
        await attempt("docker rm -f cc; docker network rm n");
      }
    },
  },
  {
    name: "network of another container",
    run: async () => {
      await sh(`docker run -d --name cc base ${web}`);
      await becomes("docker run --rm --network container:cc base wget -qO- http://127.0.0.1:8080/", "page");
    },
  },
  {
    name: "volumes and tmpfs",
    run: async () => {
      await sh("docker run --rm -v vv:/data base touch /data/kept");
      await prints(
        "docker run --rm -v vv:/data:ro base sh -c 'ls /data; touch /data/x 2>/dev/null || echo no'",
        "kept\nno",
      );
      await sh("docker volume rm vv");
      await prints("docker run --rm --tmpfs /t:size=1m base sh -c 'stat -f -c %T /t'", "tmpfs");
    },
  },
  {
    name: "read-only root",
    run: () => prints("docker run --rm --read-only base sh -c 'touch /x 2>/dev/null || echo no'", "no"),
  },
  {
    name: "capabilities and no new privileges",
    run: async () => {
      await prints("docker run --rm --cap-drop all base grep CapEff /proc/self/status", /0000000000000000$/);
      await prints("docker run --rm --security-opt no-new-privileges base grep NoNewPrivs /proc/self/status", /1$/);
    },
  },
  {
    name: "seccomp filter",
    run: async () => {
      await prints("docker run --rm base grep Seccomp: /proc/self/status", /2$/);
      await prints("docker run --rm --security-opt seccomp=unconfined base grep Seccomp: /proc/self/status", /0$/);
    },
  },
  {
    name: "namespaces of the host",
    run: async () => {
      await prints("docker run --rm --network host --uts host base hostname", "engines");
      await prints("docker run --rm --pid host base cat /proc/1/comm", "tini");
    },
  },
  {
    name: "pid namespace of another container",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints("docker run --rm --pid container:cc base cat /proc/1/comm", "sleep");
    },
  },
  {
    name: "privileged",
    run: () => prints("docker run --rm --privileged base sh -c 'mount -t tmpfs t /tmp && echo mounted'", "mounted"),
  },
  {
    name: "privileged, with cgroups to write",
    run: () => {
      const script = "cd /sys/fs/cgroup; [ ! -d pids ] || cd pids; mkdir below && rmdir below && echo made";
      return prints(`docker run --rm --privileged base sh -c '${script}'`, "made");
    },
  },
  { name: "init process", run: () => prints("docker run --rm --init base cat /proc/1/comm", "docker-init") },
  {
    name: "limits, sysctl, hostname, groups",
    run: async () => {
      await prints("docker run --rm --ulimit nofile=100:200 base sh -c 'ulimit -n'", "100");
      await prints(
        "docker run --rm --sysctl net.ipv4.ip_default_ttl=33 base cat /proc/sys/net/ipv4/ip_default_ttl",
        "33",
      );
      await prints("docker run --rm --hostname h base hostname", "h");
      await prints("docker run --rm --user 1000:1000 --group-add 33 base id -G", "1000 33");
    },
  },
  {
    name: "devices",
    run: () => prints("docker run --rm --device /dev/full:/dev/vollends base ls /dev/vollends", "/dev/vollends"),
  },
  {
    name: "cp, diff, commit",
    run: async () => {
      await sh("docker run --name cc base touch /made");
      await prints("docker diff cc", /^A \/made$/m);
      await sh("docker cp cc:/made /srv/copied && test -e /srv/copied");
      await sh("docker commit cc committed");
      await prints("docker run --rm committed ls /made", "/made");
      await sh("docker rmi committed");
    },
  },
  {
    name: "attach",
    run: async () => {
      await sh("docker run -d -i --name cc base cat");
      await prints("(echo line; sleep 1) | timeout -s KILL 3 docker attach cc || true", "line");
    },
  },
  {
    name: "events tell of the life",
    run: async () => {
      await sh("docker run --name cc base true && docker rm cc");
      await prints(
        "docker events --since 0 --until $(($(date +%s) + 1)) --filter container=cc --format '{{.Action}}'",
        /create[\s\S]*start[\s\S]*die[\s\S]*destroy/,
      );
    },
  },
  {
    name: "compose",
    run: async () => {
      write(
        "/srv/compose/compose.yaml",
        `services:
  web:
    image: base
    command: ["sh", "-c", "mkdir /www; echo page >/www/index.html; exec httpd -f -h /www -p 8080"]
  reader:
    image: base
    depends_on: [web]
    command: ["sh", "-c", "until wget -qO- http://web:8080/; do sleep 0.1; done; sleep 600"]
`,
      );
      const compose = await attempt("docker compose version").then(({ status }) =>
        status === 0 ? "docker compose" : "docker-compose",
      );
      await sh(`${compose} -f /srv/compose/compose.yaml up -d`);
      await becomes(`${compose} -f /srv/compose/compose.yaml logs --no-log-prefix reader 2>/dev/null`, /page/);
      await sh(`${compose} -f /srv/compose/compose.yaml down -t 0`);
    },
  },
  {
    name: "swarm service with two replicas",
    run: async () => {
      await sh("ip link add swarm0 type bridge; ip addr add 192.0.2.1/24 dev swarm0; ip link set swarm0 up");
      try {
        await sh("docker swarm init --advertise-addr 192.0.2.1");
        await sh("docker service create --detach --no-resolve-image --name s --replicas 2 base sleep 600");
        await becomes("docker service ls --format '{{.Replicas}}'", "2/2", 60);
        await sh("docker service rm s");
        await becomes("docker ps -q", "");
      } finally {
        await attempt("docker swarm leave --force; ip link del swarm0");
      }
    },
  },
];

/** What is otherwise where the daemon maps the ids of every container. */
const remappedChecks: readonly Check[] = [
  {
    name: "root is a subordinate id",
    run: () => prints("docker run --rm base cat /proc/self/uid_map", /^ +0 +500000 +65536$/),
  },
  {
    name: "root of the image is root inside, and owns what it makes",
    run: () =>
      prints("docker run --rm base sh -c 'stat -c %u /bin /bin/busybox; touch /x && stat -c %u /x'", "0\n0\n0"),
  },
  {
    name: "files of the host's root are not its own",
    run: async () => {
      write("/srv/secret/file", "secret\n");
      await sh("chmod 600 /srv/secret/file");
      await endsWith(1, "docker run --rm -v /srv/secret:/s base cat /s/file", /Permission denied/i);
    },
  },
  {
    name: "volumes",
    run: async () => {
      await prints("docker run --rm -v vol:/v base sh -c 'echo kept >/v/file; stat -c %u /v/file'", "0");
      await prints("docker run --rm -v vol:/v base cat /v/file", "kept");
      await sh("docker volume rm vol");
    },
  },
  {
    name: "exec, with a terminal and without, and another user",
    run: async () => {
      await sh("docker run -d --name cc base sleep 600");
      await prints("docker exec cc cat /proc/self/uid_map", /^ +0 +500000 +65536$/);
      await prints("docker exec -u 1000 cc id -u", "1000");
      await prints(`script -qec "docker exec -t cc tty" /dev/null`, /\/dev\/pts\/\d/);
      await endsWith(127, "docker exec cc /nothing");
    },
  },
  {
    name: "stop, pause, logs",
    run: async () => {
      await sh("docker run -d --name cc base sh -c 'trap \"exit 9\" TERM; echo up; while :; do sleep 0.1; done'");
      await becomes("docker logs cc", "up");
      await sh("docker pause cc && docker unpause cc");
      await sh("docker stop cc");
      await prints("docker wait cc", "9");
    },
  },
  {
    name: "memory limit",
    needs: "controllers",
    run: () =>
      prints(
        `docker run --rm --memory 64m base sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`,
        "67108864",
      ),
  },
  {
    name: "bridge network, with a port",
    run: async () => {
      await sh(`docker run -d --name cc -p 18081:8080 base ${web}`);
      await becomes("busybox wget -qO- http://127.0.0.1:18081/", "page");
    },
  },
  {
    name: "devices, tmpfs, capabilities, seccomp filter",
    run: async () => {
      await prints("docker run --rm --device /dev/fuse base ls /dev/fuse", "/dev/fuse");
      await prints("docker run --rm --tmpfs /t base sh -c 'echo x >/t/x && cat /t/x'", "x");
      await prints(
        "docker run --rm --cap-drop all --cap-add chown base grep -E 'CapEff|Seccomp:' /proc/self/status",
        /CapEff:\s+0000000000000001\nSeccomp:\s+2$/,
      );
    },
  },
  {
    name: "build",
    run: async () => {
      write("/srv/remapped/Dockerfile", "FROM base\nRUN echo made >/made && stat -c %u /made\nCMD cat /made\n");
      await sh("DOCKER_BUILDKIT=0 docker build -t remapped /srv/remapped");
      await prints("docker run --rm remapped", "made");
    },
  },
  {
    name: "a container in the host's user namespace",
    run: () => prints("docker run --rm --userns host base cat /proc/self/uid_map", /^ +0 +0 +4294967295$/),
  },
];

async function importBase(): Promise<void> {
  await sh(`tar -C ${baseRootfs()} -cf /srv/base.tar . && docker import /srv/base.tar base`);
}

function tidied(all: readonly Check[]): readonly Check[] {
  return all.map((check) => ({
    ...check,
    run: async () => {
      try {
        await check.run();
      } finally {
        await attempt("docker ps -aq | xargs -r docker rm -f");
      }
    },
  }));
}

export const docker: Engine = {
  name: "docker",
  start: async (runtime) => {
    const stop = await startDaemon(runtime);
    await importBase();
    return stop;
  },
  checks: tidied(checks),
};

export const remapped: Engine = {
  name: "docker-userns",
  start: async (runtime) => {
    for (const file of ["/etc/subuid", "/etc/subgid"]) write(file, "dockremap:500000:65536\n");
    await attempt("useradd --system dockremap");
    const stop = await startDaemon(runtime, { "userns-remap": "default" });
    await importBase();
    return stop;
  },
  checks: tidied(remappedChecks),
};
