/** Podman and buildah. */

import assert from "node:assert/strict";
import {
  attempt,
  baseRootfs,
  becomes,
  type Check,
  type Engine,
  endsWith,
  limitFile,
  prints,
  type Runtime,
  sh,
  shell,
  write,
} from "./harness.ts";
import { podmanChecks, withoutRemains } from "./podman-checks.ts";

/** Podman's configuration, for root and for ordinary users. */
export function configurePodman({ name, path }: Runtime): void {
  // Without CAP_SYS_RESOURCE the limits that podman gives by default cannot be raised.
  write(
    "/etc/containers/containers.conf",
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
pids_limit = 0
default_sysctls = []
[engine]
runtime = "${name}"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["${name}"]
runtime_supports_nocgroup = ["${name}"]
[engine.runtimes]
${name} = ["${path}"]
`,
  );
  write("/etc/containers/policy.json", '{"default":[{"type":"insecureAcceptAnything"}]}\n');
  write("/etc/containers/registries.conf", "");
  process.env["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1";
  write("/etc/subuid", "containers:100000:65536\nroot:200000:65536\n");
  write("/etc/subgid", "containers:100000:65536\nroot:200000:65536\n");
}

const root = shell();

const checks: readonly Check[] = [
  {
    name: "pause and unpause",
    run: async () => {
      await sh("podman run -d --name c base sleep 600");
      await sh("podman pause c");
      await prints("podman inspect c --format '{{.State.Status}}'", "paused");
      assert.notEqual((await attempt("podman exec c true")).status, 0);
      await sh("podman unpause c");
      await sh("podman exec c true");
      await sh("podman pause c");
      await sh("podman rm -f -t 0 c");
    },
  },
  {
    name: "stats",
    run: async () => {
      await sh("podman run -d --name c base sleep 600");
      await prints("podman stats --no-stream --format '{{.Name}} {{.PIDs}}' c", /^c \d+$/);
    },
  },
  {
    name: "top",
    run: async () => {
      await sh("podman run -d --name c base sleep 600");
      await prints("podman top c pid args", /1 +sleep 600/);
    },
  },
  {
    name: "memory limit",
    needs: "controllers",
    run: () =>
      prints(
        `podman run --rm --memory 64m base sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`,
        "67108864",
      ),
  },
  {
    name: "memory that runs out",
    needs: "controllers",
    run: async () => {
      await endsWith(137, "podman run --name c --memory 16m base tail /dev/zero");
      await prints("podman inspect c --format '{{.State.OOMKilled}}'", "true");
    },
  },
  {
    name: "limits of processes and processors",
    needs: "controllers",
    run: async () => {
      await prints(`podman run --rm --pids-limit 33 base sh -c '${limitFile("pids/pids.max", "pids.max")}'`, "33");
      await prints(`podman run --rm --cpus 0.5 base sh -c '${limitFile("cpu/cpu.cfs_quota_us", "cpu.max")}'`, /^50000/);
      await prints(`podman run --rm --cpuset-cpus 0 base nproc`, "1");
    },
  },
  {
    name: "update",
    needs: "controllers",
    run: async () => {
      await sh("podman run -d --name c --memory 64m base sleep 600");
      await sh("podman update --memory 128m --cpus 0.7 c");
      await prints(`podman exec c sh -c '${limitFile("memory/memory.limit_in_bytes", "memory.max")}'`, "134217728");
      await prints(`podman exec c sh -c '${limitFile("cpu/cpu.cfs_quota_us", "cpu.max")}'`, /^70000/);
    },
  },
  {
    name: "build",
    run: async () => {
      write(
        "/srv/build/Containerfile",
        "FROM base\nRUN echo built >/built && id -u >/uid\nUSER user\nRUN id -u >/tmp/uid\nWORKDIR /work\nCMD cat /built /uid /tmp/uid\n",
      );
      await sh("podman build -t built /srv/build", 120);
      await prints("podman run --rm built", "built\n0\n1000");
      await sh("podman rmi built");
    },
  },
  {
    name: "build that fails",
    run: async () => {
      write("/srv/fails/Containerfile", "FROM base\nRUN exit 6\n");
      const { status, stderr } = await attempt("podman build -t fails /srv/fails");
      assert.notEqual(status, 0);
      assert.match(stderr, /exit status 6/);
    },
  },
  {
    name: "buildah",
    run: async () => {
      await sh("buildah from --name w base");
      await prints("buildah run w echo inside", "inside");
      await endsWith(8, "buildah run w sh -c 'exit 8'");
      await sh("buildah rm w");
    },
  },
  {
    name: "pod",
    run: async () => {
      await sh("podman pod create --name p");
      await sh(
        "podman run -d --pod p --name web base sh -c 'mkdir /www; echo page >/www/index.html; httpd -f -h /www -p 8080'",
      );
      await becomes("podman run --rm --pod p base wget -qO- http://127.0.0.1:8080/", "page");
      await sh("podman pod pause p");
      await prints("podman inspect web --format '{{.State.Status}}'", "paused");
      await sh("podman pod unpause p");
      await sh("podman pod stop -t 0 p");
      await sh("podman pod rm p");
    },
  },
  {
    name: "kube play",
    run: async () => {
      write(
        "/srv/kube.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: k\nspec:\n  containers:\n  - name: main\n    image: localhost/base\n    imagePullPolicy: Never\n    command: [sleep, '600']\n",
      );
      await sh("podman kube play /srv/kube.yaml");
      await prints("podman exec k-main echo hello", "hello");
      await sh("podman kube down /srv/kube.yaml");
    },
  },
  {
    name: "network of its own, with a port and names",
    run: async () => {
      await sh("podman network create n");
      await sh(
        "podman run -d --name web --network n -p 127.0.0.1:8081:8080 base sh -c 'mkdir /www; echo page >/www/index.html; httpd -f -h /www -p 8080'",
      );
      await becomes("busybox wget -qO- http://127.0.0.1:8081/", "page");
      await becomes("podman run --rm --network n base wget -qO- http://web:8080/", "page");
      await sh("podman rm -f -t 0 web");
      await sh("podman network rm n");
    },
  },
  {
    name: "user namespace",
    run: () =>
      prints(
        "podman run --rm --uidmap 0:100000:1000 --gidmap 0:100000:1000 base head -1 /proc/self/uid_map",
        /0 +100000 +1000/,
      ),
  },
  {
    name: "userns=auto",
    run: () => prints("podman run --rm --userns auto:size=1000 base head -1 /proc/self/uid_map", /0 +\d+ +1000/),
  },
  {
    name: "namespaces of the host",
    run: async () => {
      await prints("podman run --rm --network host --uts host base hostname", "engines");
      await prints("podman run --rm --pid host base cat /proc/1/comm", "tini");
    },
  },
  {
    name: "limits, sysctl, hostname, groups",
    run: async () => {
      await prints("podman run --rm --ulimit nofile=100:200 base sh -c 'ulimit -n'", "100");
      await prints(
        "podman run --rm --sysctl net.ipv4.ip_default_ttl=33 base cat /proc/sys/net/ipv4/ip_default_ttl",
        "33",
      );
      await prints("podman run --rm --hostname h base hostname", "h");
      await prints("podman run --rm --user 1000:1000 --group-add 33 base id -G", "1000 33");
    },
  },
  {
    name: "devices",
    run: () => prints("podman run --rm --device /dev/full:/dev/vollends base ls /dev/vollends", "/dev/vollends"),
  },
  {
    name: "without cgroups",
    run: () => prints("podman run --rm --cgroups disabled base echo hello", "hello"),
  },
];

export const podman: Engine = {
  name: "podman",
  start: async (runtime) => {
    configurePodman(runtime);
    // The owner of the ids that userns=auto takes must be a user.
    await sh("useradd --system containers");
    await sh(`tar -C ${baseRootfs()} -cf /srv/base.tar . && podman import /srv/base.tar base`);
    return async () => {
      await sh("podman rm -fa -t 0");
    };
  },
  checks: withoutRemains([...podmanChecks(root), ...checks], root),
};
