/** containerd's CRI: what a kubelet asks of it, by a small client of its own. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { importImage, startContainerd } from "./containerd.ts";
import { attempt, becomes, type Check, type Engine, limitFile, prints, type Runtime, sh, write } from "./harness.ts";

const base = "docker.io/library/base:latest";
const pause = "docker.io/library/pause:latest";
/** Taken from Debian's package of it by tools/engines. */
const proto = fileURLToPath(new URL("../../build/engines/cri/api.proto", import.meta.url));
const logs = "/var/log/pods";

type Message = Record<string, unknown>;

// --- The client -------------------------------------------------------------------------------------------------------

let runtimeService: Client;
let imageService: Client;

function connect(): void {
  const definitions = loadSync(proto, { keepCase: true, longs: Number, enums: String, defaults: true });
  const { runtime } = loadPackageDefinition(definitions) as unknown as {
    runtime: { v1: { RuntimeService: ServiceClientConstructor; ImageService: ServiceClientConstructor } };
  };
  const address = "unix:///run/containerd/containerd.sock";
  runtimeService = new runtime.v1.RuntimeService(address, credentials.createInsecure());
  imageService = new runtime.v1.ImageService(address, credentials.createInsecure());
}

/** Calls a method of the runtime service. @throws with the status of gRPC when it fails */
function call(method: string, request: Message = {}, service = runtimeService): Promise<Message> {
  const methods = service as unknown as Record<string, (...args: unknown[]) => void>;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer: Message): void => (error === null ? resolve(answer) : reject(error));
    const options = { deadline: Date.now() + 60_000 };
    methods[method]?.call(service, request, options, done) ?? (methods[method] || reject(new Error(`no ${method}`)));
  });
}

// --- Pods and containers ----------------------------------------------------------------------------------------------

let pods = 0;

interface PodOptions {
  readonly namespaces?: Message;
  readonly handler?: string;
  readonly more?: Message;
}

class Pod {
  readonly id: string;
  readonly #config: Message;
  #containers = 0;

  private constructor(id: string, config: Message) {
    this.id = id;
    this.#config = config;
  }

  static async run({ namespaces = {}, handler = "", more = {} }: PodOptions = {}): Promise<Pod> {
    const name = `pod${++pods}`;
    const config = {
      metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
      // On the node's network it has the node's name.
      ...(namespaces["network"] === "NODE" ? {} : { hostname: name }),
      log_directory: `${logs}/${name}`,
      linux: { cgroup_parent: `/kubepods/${name}`, security_context: { namespace_options: namespaces } },
      ...more,
    };
    await sh(`mkdir -p ${logs}/${name}`);
    const answer = await call("RunPodSandbox", { config, runtime_handler: handler });
    return new Pod(answer["pod_sandbox_id"] as string, config);
  }

  get log(): string {
    return this.#config["log_directory"] as string;
  }

  async status(): Promise<Message> {
    return (await call("PodSandboxStatus", { pod_sandbox_id: this.id }))["status"] as Message;
  }

  /** A container that is created and not started. @param more what the kubelet would say of it */
  async create(command: readonly string[], linux: Message = {}, more: Message = {}): Promise<Container> {
    const name = `c${++this.#containers}`;
    const config = {
      metadata: { name, attempt: 0 },
      image: { image: base },
      command,
      log_path: `${name}.log`,
      linux: { resources: {}, security_context: {}, ...linux },
      ...more,
    };
    const request = { pod_sandbox_id: this.id, config, sandbox_config: this.#config };
    const id = (await call("CreateContainer", request))["container_id"] as string;
    return new Container(id, `${this.log}/${name}.log`);
  }

  async start(command: readonly string[], linux: Message = {}, more: Message = {}): Promise<Container> {
    const container = await this.create(command, linux, more);
    await call("StartContainer", { container_id: container.id });
    return container;
  }

  /** What a container prints, which ends by itself. */
  async output(script: string, linux: Message = {}, more: Message = {}): Promise<string> {
    const container = await this.start(["sh", "-c", script], linux, more);
    await container.ended();
    return await container.output();
  }
}

class Container {
  readonly id: string;
  readonly #log: string;

  constructor(id: string, log: string) {
    this.id = id;
    this.#log = log;
  }

  async status(): Promise<Message> {
    return (await call("ContainerStatus", { container_id: this.id }))["status"] as Message;
  }

  /** Its exit status. */
  async ended(): Promise<number> {
    for (;;) {
      const { state, exit_code } = await this.status();
      if (state === "CONTAINER_EXITED") return exit_code as number;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What it has printed: each line of its log is a time, the stream, F or P, and the text. */
  async output(): Promise<string> {
    return (await sh(`cat ${this.#log}`))
      .split("\n")
      .map((line) => line.split(" ").slice(3).join(" "))
      .join("\n");
  }

  async exec(...cmd: string[]): Promise<{ stdout: string; stderr: string; status: number }> {
    const answer = await call("ExecSync", { container_id: this.id, cmd, timeout: 30 });
    const text = (name: string): string => (answer[name] as Buffer).toString().trimEnd();
    return { stdout: text("stdout"), stderr: text("stderr"), status: answer["exit_code"] as number };
  }

  async stop(timeout: number): Promise<void> {
    await call("StopContainer", { container_id: this.id, timeout });
  }
}

const failure = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => "done",
    (error: Error) => error.message,
  );

// --- Checks -----------------------------------------------------------------------------------------------------------

const checks: readonly Check[] = [
  {
    name: "the runtime is ready",
    run: async () => {
      const { conditions } = (await call("Status"))["status"] as { conditions: { type: string; status: boolean }[] };
      assert.ok(conditions.some(({ type, status }) => type === "RuntimeReady" && status));
    },
  },
  {
    name: "sandbox, container, exec, stop, remove",
    run: async () => {
      const pod = await Pod.run();
      const container = await pod.start(["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"]);
      assert.equal((await container.status())["state"], "CONTAINER_RUNNING");
      assert.equal((await pod.status())["state"], "SANDBOX_READY");
      await becomes(`cat ${pod.log}/*.log`, / up$/);
      assert.deepEqual(await container.exec("echo", "hello"), { stdout: "hello", stderr: "", status: 0 });
      assert.deepEqual(await container.exec("sh", "-c", "echo no >&2; exit 4"), {
        stdout: "",
        stderr: "no",
        status: 4,
      });
      await container.stop(30);
      assert.equal(await container.ended(), 3);
      await call("RemoveContainer", { container_id: container.id });
      await call("StopPodSandbox", { pod_sandbox_id: pod.id });
      assert.equal((await pod.status())["state"], "SANDBOX_NOTREADY");
      await call("RemovePodSandbox", { pod_sandbox_id: pod.id });
      await prints("ctr -n k8s.io tasks ls -q; ctr -n k8s.io containers ls -q", "");
    },
  },
  {
    name: "a pod names its runtime",
    run: async () => {
      const pod = await Pod.run({ handler: "chosen" });
      assert.equal(await pod.output("echo hello"), "hello");
    },
  },
  {
    name: "logs and exit status",
    run: async () => {
      const container = await (await Pod.run()).start(["sh", "-c", "echo one; echo two >&2; exit 7"]);
      assert.equal(await container.ended(), 7);
      assert.deepEqual((await container.output()).split("\n").toSorted(), ["one", "two"]);
    },
  },
  {
    name: "a program that is not there",
    run: async () => {
      const pod = await Pod.run();
      assert.match(await failure(pod.start(["/nothing"])), /no such file or directory/);
    },
  },
  {
    name: "exec of a program that is not there",
    run: async () => {
      const container = await (await Pod.run()).start(["sleep", "600"]);
      assert.match(await failure(container.exec("/nothing")), /no such file or directory/);
    },
  },
  {
    name: "exec that takes too long",
    run: async () => {
      const container = await (await Pod.run()).start(["sleep", "600"]);
      const request = { container_id: container.id, cmd: ["sleep", "600"], timeout: 1 };
      assert.match(await failure(call("ExecSync", request)), /timeout 1s exceeded|DeadlineExceeded/i);
      assert.equal((await container.exec("echo", "on")).stdout, "on");
    },
  },
  {
    name: "stop ends what does not listen",
    run: async () => {
      const pod = await Pod.run();
      const container = await pod.start(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]);
      await becomes(`cat ${pod.log}/*.log`, / up$/);
      await container.stop(1);
      assert.equal(await container.ended(), 137);
    },
  },
  {
    name: "limits, and an update of them",
    run: async () => {
      const megabytes = (count: number): Message => ({
        resources: { memory_limit_in_bytes: count << 20, cpu_period: 100_000, cpu_quota: 50_000, cpu_shares: 512 },
      });
      const container = await (await Pod.run()).start(["sleep", "600"], megabytes(64));
      const limit = async (): Promise<string> => {
        const { stdout } = await container.exec("sh", "-c", limitFile("memory/memory.limit_in_bytes", "memory.max"));
        return stdout;
      };
      assert.equal(await limit(), `${64 << 20}`);
      const { resources } = megabytes(32);
      await call("UpdateContainerResources", { container_id: container.id, linux: resources });
      assert.equal(await limit(), `${32 << 20}`);
    },
  },
  {
    name: "memory that runs out",
    run: async () => {
      const resources = { memory_limit_in_bytes: 16 << 20, memory_swap_limit_in_bytes: 16 << 20 };
      const container = await (await Pod.run()).start(["tail", "/dev/zero"], { resources });
      assert.equal(await container.ended(), 137);
      assert.equal((await container.status())["reason"], "OOMKilled");
    },
  },
  {
    name: "statistics",
    run: async () => {
      const container = await (await Pod.run()).start(["sleep", "600"]);
      const { stats } = (await call("ContainerStats", { container_id: container.id })) as {
        stats: {
          memory: { working_set_bytes: { value: number } };
          cpu: { usage_core_nano_seconds: { value: number } };
        };
      };
      assert.ok(stats.memory.working_set_bytes.value > 0);
      assert.ok(stats.cpu.usage_core_nano_seconds.value > 0);
    },
  },
  {
    name: "user, groups, capabilities, no new privileges",
    run: async () => {
      const context = {
        run_as_user: { value: 1000 },
        run_as_group: { value: 1001 },
        supplemental_groups: [1002],
        capabilities: { drop_capabilities: ["ALL"], add_capabilities: ["NET_BIND_SERVICE"] },
        no_new_privs: true,
      };
      const said = await (await Pod.run()).output("id -u; id -G; grep -E 'CapBnd|NoNewPrivs' /proc/self/status", {
        security_context: context,
      });
      assert.match(said, /^1000\n1001 1002\nCapBnd:\s+0000000000000400\nNoNewPrivs:\s+1$/);
    },
  },
  {
    name: "seccomp filter, read-only root",
    run: async () => {
      const context = { seccomp: { profile_type: "RuntimeDefault" }, readonly_rootfs: true };
      const said = await (await Pod.run()).output("grep Seccomp: /proc/self/status; touch /x 2>/dev/null || echo no", {
        security_context: context,
      });
      assert.match(said, /^Seccomp:\s+2\nno$/);
    },
  },
  {
    name: "privileged",
    run: async () => {
      const pod = await Pod.run({ more: { linux: { security_context: { privileged: true } } } });
      const said = await pod.output("mount -t tmpfs t /tmp && echo mounted", {
        security_context: { privileged: true },
      });
      assert.equal(said, "mounted");
    },
  },
  {
    name: "mounts of the host",
    run: async () => {
      write("/srv/mounted/file", "content\n");
      const mounts = [
        { container_path: "/data", host_path: "/srv/mounted", readonly: true },
        { container_path: "/kept", host_path: "/srv/mounted", propagation: "PROPAGATION_HOST_TO_CONTAINER" },
      ];
      const script = "cat /data/file; touch /data/x 2>/dev/null || echo no; touch /kept/y && echo yes";
      assert.equal(await (await Pod.run()).output(script, {}, { mounts }), "content\nno\nyes");
    },
  },
  {
    name: "devices",
    run: async () => {
      const devices = [{ container_path: "/dev/filesystems", host_path: "/dev/fuse", permissions: "rwm" }];
      assert.match(await (await Pod.run()).output("ls /dev/filesystems", {}, { devices }), /filesystems/);
    },
  },
  {
    name: "environment, working directory",
    run: async () => {
      const more = { envs: [{ key: "A", value: Buffer.from("1") }], working_dir: "/tmp" };
      assert.equal(await (await Pod.run()).output("echo $A; pwd", {}, more), "1\n/tmp");
    },
  },
  {
    name: "containers of a pod share its network, host name and processes",
    run: async () => {
      const namespace_options = { pid: "POD" };
      const pod = await Pod.run({ namespaces: namespace_options });
      const security_context = { namespace_options };
      await pod.start(["sh", "-c", "mkdir /www; echo page >/www/index.html; exec httpd -f -h /www -p 8080"], {
        security_context,
      });
      const script = "until wget -qO- http://127.0.0.1:8080/; do sleep 0.1; done; hostname; ps | grep -c [h]ttpd";
      const said = await pod.output(script, { security_context });
      assert.match(said, /page\npod\d+\n1$/);
    },
  },
  {
    name: "a pod has an address of its own",
    run: async () => {
      const pod = await Pod.run();
      const { ip } = (await pod.status())["network"] as { ip: string };
      assert.match(ip, /^10\.89\./);
      assert.match(await pod.output("ip -4 addr show eth0"), new RegExp(`inet ${ip.replaceAll(".", "\\.")}/`));
    },
  },
  {
    name: "namespaces of the host",
    run: async () => {
      const namespace_options = { network: "NODE", pid: "NODE", ipc: "NODE" };
      const pod = await Pod.run({ namespaces: namespace_options });
      const script = "for name in net pid ipc; do readlink /proc/self/ns/$name; done";
      assert.equal(await pod.output(script, { security_context: { namespace_options } }), await sh(script));
    },
  },
  {
    name: "a user namespace for the pod",
    run: async () => {
      const ids = [{ host_id: 100_000, container_id: 0, length: 65_536 }];
      const namespace_options = { userns_options: { mode: "POD", uids: ids, gids: ids } };
      const pod = await Pod.run({ namespaces: namespace_options });
      const said = await pod.output("cat /proc/self/uid_map; stat -c %u /bin", {
        security_context: { namespace_options },
      });
      assert.match(said, /^\s+0\s+100000\s+65536\n0$/);
    },
  },
  {
    name: "sysctls of the pod",
    run: async () => {
      const pod = await Pod.run({ more: { linux: { sysctls: { "net.ipv4.ip_unprivileged_port_start": "80" } } } });
      assert.equal(await pod.output("cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "80");
    },
  },
  {
    name: "a pod is removed with all that runs in it",
    run: async () => {
      const pod = await Pod.run();
      await pod.start(["sleep", "600"]);
      await pod.create(["sleep", "600"]);
      await removePod(pod.id);
      await prints("ctr -n k8s.io tasks ls -q; ctr -n k8s.io containers ls -q", "");
    },
  },
];

async function removePod(id: string): Promise<void> {
  await call("StopPodSandbox", { pod_sandbox_id: id });
  await call("RemovePodSandbox", { pod_sandbox_id: id });
}

async function removePods(): Promise<void> {
  const { items } = (await call("ListPodSandbox")) as { items: { id: string }[] };
  for (const { id } of items) await removePod(id);
}

/** As docs/engines.md tells to configure it, and what this machine lacks. */
function configure({ path }: Runtime): void {
  const table = '[plugins."io.containerd.grpc.v1.cri"';
  write(
    "/etc/containerd/config.toml",
    `version = 2
${table}]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
${table}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/pods.d"
${table}.containerd]
  default_runtime_name = "chosen"
${table}.containerd.runtimes.chosen]
  runtime_type = "io.containerd.runc.v2"
  options = { BinaryName = "${path}" }
`,
  );
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.89.0.0/16" }]] };
  const plugins = [{ type: "bridge", bridge: "pods0", isGateway: true, ipMasq: false, ipam }];
  write("/etc/cni/pods.d/10-pods.conflist", JSON.stringify({ cniVersion: "0.4.0", name: "pods", plugins }));
}

export const cri: Engine = {
  name: "cri",
  start: async (runtime) => {
    configure(runtime);
    const stop = await startContainerd();
    await importImage("k8s.io", base, {});
    await importImage("k8s.io", pause, { Cmd: ["/bin/sleep", "infinity"] });
    // What is mounted there later is to come into containers that ask for it: only from a shared mount.
    await sh("mount --make-shared /srv");
    connect();
    for (const image of [base, pause])
      for (;;) {
        // It hears of images by events.
        const answer = await call("ImageStatus", { image: { image } }, imageService);
        if (answer["image"] !== null) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    return async () => {
      runtimeService.close();
      imageService.close();
      await stop();
    };
  },
  checks: checks.map((check) => ({
    ...check,
    // Its sandboxes ask for shares of the processor.
    needs: "controllers",
    run: async () => {
      try {
        await check.run();
      } finally {
        await removePods().catch(() => attempt("ctr -n k8s.io tasks ls -q | xargs -rn1 ctr -n k8s.io tasks rm -f"));
      }
    },
  })),
};
