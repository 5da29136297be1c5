/** containerd, by ctr. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
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

const log = "/var/log/containerd.log";
const base = "docker.io/library/base:latest";

/** Options of `ctr run` that choose the runtime. */
let chosen = "";

const run = (options: string, rest: string): string => `ctr run ${chosen} ${options} ${base} ${rest}`;

const checks: readonly Check[] = [
  { name: "run", run: () => prints(run("--rm", "c echo hello"), "hello") },
  { name: "run gives the exit status", run: () => endsWith(7, run("--rm", "c sh -c 'exit 7'")) },
  {
    name: "a program that is not there",
    run: () => endsWith(1, run("--rm", "c /nothing"), /no such file or directory/),
  },
  {
    name: "a program that may not be executed",
    run: () => endsWith(1, run("--rm", "c /etc/notexecutable"), /permission denied/),
  },
  {
    name: "run -t gives a terminal",
    run: () => prints(`script -qec "${run("--rm -t", "c tty")}" /dev/null`, /\/dev\/(pts\/0|console)\b/),
  },
  {
    name: "tasks are listed, with their processes",
    run: async () => {
      await sh(run("-d", "c sleep 600"));
      await prints("ctr tasks ls", /^c +\d+ +RUNNING$/m);
      await prints("ctr tasks ps c", /PID +INFO\n\d+/);
    },
  },
  {
    name: "exec",
    run: async () => {
      await sh(run("-d", "c sleep 600"));
      await prints("ctr tasks exec --exec-id e c echo hello", "hello");
      await endsWith(5, "ctr tasks exec --exec-id f c sh -c 'exit 5'");
      await prints("ctr tasks exec --exec-id g --user 1000 --cwd /tmp c sh -c 'id -u; pwd'", "1000\n/tmp");
      await endsWith(1, "ctr tasks exec --exec-id h c /nothing", /no such file or directory/);
      await prints(`script -qec "ctr tasks exec -t --exec-id i c sh -c 'tty; sleep 1'" /dev/null`, /\/dev\/pts\/\d\b/);
    },
  },
  {
    name: "kill",
    run: async () => {
      await sh(run("-d", "c sh -c 'trap \"exit 9\" USR1; touch /tmp/ready; while :; do sleep 0.1; done'"));
      await becomes("ctr tasks exec --exec-id r$(date +%N) c ls /tmp", "ready");
      await sh("ctr tasks kill -s SIGUSR1 c");
      await becomes("ctr tasks ls", /^c +\d+ +STOPPED$/m);
      await endsWith(0, "ctr tasks rm c", /exit code 9/);
    },
  },
  {
    name: "kill --all",
    run: async () => {
      await sh(run("-d", "c sh -c 'sleep 600 & sleep 600'"));
      await sh("ctr tasks kill -a -s SIGKILL c");
      await becomes("ctr tasks ls", /^c +\d+ +STOPPED$/m);
    },
  },
  {
    name: "pause and resume",
    run: async () => {
      await sh(run("-d", "c sleep 600"));
      await sh("ctr tasks pause c");
      await prints("ctr tasks ls", /^c +\d+ +PAUSED$/m);
      await sh("ctr tasks resume c");
      await prints("ctr tasks ls", /^c +\d+ +RUNNING$/m);
      await sh("ctr tasks pause c");
      await sh("ctr tasks kill -s SIGKILL c");
      await becomes("ctr tasks ls", /^c +\d+ +STOPPED$/m);
    },
  },
  {
    name: "metrics",
    needs: "controllers",
    run: async () => {
      await sh(run("-d", "c sleep 600"));
      await prints("ctr tasks metrics c", /memory/);
    },
  },
  {
    name: "memory limit",
    needs: "controllers",
    run: () =>
      prints(
        run(
          "--rm --memory-limit 67108864 --mount type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro",
          `c sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`,
        ),
        "67108864",
      ),
  },
  {
    name: "processors",
    needs: "controllers",
    run: () => prints(run("--rm --cpus 0.5 --cpuset-cpus 0", "c nproc"), "1"),
  },
  {
    name: "memory that runs out",
    needs: "controllers",
    run: async () => {
      const stop = daemon("ctr events", "/srv/events");
      await sh(run("-d --memory-limit 16777216", "c sleep 600"));
      await attempt("ctr tasks exec --exec-id e c tail /dev/zero");
      await becomes("cat /srv/events", /\/tasks\/oom/);
      await stop();
    },
  },
  {
    name: "events tell of the life",
    run: async () => {
      const stop = daemon("ctr events", "/srv/events");
      await becomes(
        `${run("--rm", "c true")}; cat /srv/events`,
        /tasks\/create[\s\S]*tasks\/start[\s\S]*tasks\/exit[\s\S]*tasks\/delete/,
      );
      await stop();
    },
  },
  {
    name: "read-only root, user, working directory, environment",
    run: async () => {
      await prints(run("--rm --read-only", "c sh -c 'touch /x 2>/dev/null || echo no'"), "no");
      await prints(run("--rm --user 1000 --cwd /tmp --env A=1", "c sh -c 'id -u; pwd; echo $A'"), "1000\n/tmp\n1");
    },
  },
  {
    name: "mounts and devices",
    run: async () => {
      write("/srv/mounted/file", "content\n");
      await prints(
        run(
          "--rm --mount type=bind,src=/srv/mounted,dst=/data,options=rbind:ro --device /dev/fuse",
          "c cat /data/file",
        ),
        "content",
      );
    },
  },
  {
    name: "privileged, on the host's network",
    run: () => prints(run("--rm --privileged --net-host", "c sh -c 'mount -t tmpfs t /tmp && ip link'"), /swarm0|lo:/),
  },
  {
    name: "seccomp filter",
    run: () => prints(run("--rm --seccomp", "c grep Seccomp: /proc/self/status"), /2$/),
  },
  {
    name: "a network by CNI",
    run: async () => {
      write(
        "/etc/cni/net.d/10-bridge.conflist",
        JSON.stringify({
          cniVersion: "0.4.0",
          name: "n",
          plugins: [
            {
              type: "bridge",
              bridge: "cni0",
              isGateway: true,
              ipMasq: false,
              ipam: { type: "host-local", subnet: "10.88.0.0/16" },
            },
          ],
        }),
      );
      await sh("mkdir -p /opt/cni && ln -sfn /usr/lib/cni /opt/cni/bin");
      await prints(run("--rm --cni", "c ip -4 addr show eth0"), /inet 10\.88\./);
    },
  },
  {
    name: "user namespace",
    run: () =>
      prints(
        run("--rm --uidmap 0:100000:1000 --gidmap 0:100000:1000", "c head -1 /proc/self/uid_map"),
        /0 +100000 +1000/,
      ),
  },
  {
    name: "delete of a running task by force",
    run: async () => {
      await sh(run("-d", "c sleep 600"));
      await sh("ctr tasks rm -f c; ctr containers rm c");
      assert.doesNotMatch(await sh("ctr tasks ls"), /^c /m);
    },
  },
  {
    name: "eight at once",
    run: async () => {
      const all = Array.from({ length: 8 }, (_, index) => prints(run("--rm", `c${index} echo ${index}`), `${index}`));
      await Promise.all(all);
    },
  },
];

function hasCpuController(): boolean {
  const v2 = "/sys/fs/cgroup/cgroup.controllers";
  return !existsSync(v2) || readFileSync(v2, "utf8").split(/\s+/).includes("cpu");
}

/** Starts the daemon, whose configuration is written. */
export async function startContainerd(): Promise<() => Promise<void>> {
  const stop = daemon("containerd", log);
  await becomes("ctr version >/dev/null 2>&1 && echo up", "up").catch(async (error: Error) => {
    await stop();
    throw new Error(`${error.message}\n${tailOf(log)}`);
  });
  return stop;
}

/** Brings an image in, of the base root file system. @param config of the image: `Cmd`, `Env` */
export async function importImage(namespace: string, name: string, config: object): Promise<void> {
  const image = { architecture: "amd64", os: "linux", config, rootfs: { type: "layers", diff_ids: ["sha256:SUM"] } };
  write("/srv/archive/config.json", JSON.stringify(image));
  // An image archive as docker save writes it.
  write(
    "/srv/archive/manifest.json",
    JSON.stringify([{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }]),
  );
  await sh(`tar -C ${baseRootfs()} -cf /srv/archive/layer.tar .`);
  await sh(
    `cd /srv/archive && sed -i "s/SUM/$(sha256sum layer.tar | cut -d' ' -f1)/" config.json &&
tar -cf ../image.tar . && ctr -n ${namespace} images import ../image.tar`,
  );
}

export const containerd: Engine = {
  name: "containerd",
  start: async ({ path }: Runtime) => {
    // By default ctr asks for shares of the processor, whether there is such a controller or not.
    chosen = `--runc-binary ${path}${hasCpuController() ? "" : " --cpu-shares 0"}`;
    write("/etc/containerd/config.toml", "version = 2\n");
    const stop = await startContainerd();
    await importImage("default", base, {});
    return stop;
  },
  checks: checks.map((check) => ({
    ...check,
    run: async () => {
      try {
        await check.run();
      } finally {
        await attempt(
          "ctr tasks ls -q | xargs -rn1 ctr tasks rm -f; ctr containers ls -q | xargs -rn1 ctr containers rm",
        );
      }
    },
  })),
};
