/** What is done while calls fail: commands that together go through every part of box that makes calls. */
import { defaultSpec, type Spec } from "../acceptance/harness/config.ts";

export interface Scenario {
  readonly name: string;
  /** One command a step; `ID` and `DIR` are the container's id and directory. */
  readonly steps: readonly (readonly string[])[];
  /** The first step with faults; those before it are another scenario's matter. */
  readonly from?: number;
  /** Who calls box; root where none is named. */
  readonly user?: number;
  /** What `DIR` holds besides: JSON by name. */
  readonly files?: Readonly<Record<string, unknown>>;
  /** Whether box is called as a service whose manager waits for its word. */
  readonly service?: boolean;
  readonly spec: (cgroupsPath: string, rootfs: string, directory: string) => Spec;
}

function spec(args: string[], change: (spec: Spec) => void = () => {}): Scenario["spec"] {
  return (cgroupsPath, rootfs) => {
    const result = defaultSpec(args, cgroupsPath);
    result.root.path = rootfs;
    result.linux.namespaces.push({ type: "cgroup" });
    change(result);
    return result;
  };
}

const hook = { path: "/bin/true" };

const moreMounts = [
  { destination: "/dev/given", source: "/etc", type: "bind", options: ["rbind", "ro"] },
  { destination: "/dev/more", source: "tmpfs", type: "tmpfs", options: ["nosuid"] },
];

export const scenarios: readonly Scenario[] = [
  {
    name: "life",
    steps: [
      ["create", "ID"],
      ["start", "ID"],
      ["kill", "ID", "KILL"],
      ["delete", "--force", "ID"],
    ],
    spec: spec(["/bin/sleep", "1000"]),
  },
  {
    name: "run",
    steps: [["run", "--pid-file", "DIR/pid", "ID"]],
    spec: spec(["/bin/true"]),
  },
  {
    name: "exec and the freezer",
    steps: [
      ["create", "ID"],
      ["start", "ID"],
      ["exec", "ID", "/bin/true"],
      ["exec", "--detach", "--pid-file", "DIR/pid", "ID", "/bin/true"],
      ["pause", "ID"],
      ["resume", "ID"],
      ["ps", "--format", "json", "ID"],
      ["events", "--stats", "ID"],
      ["state", "ID"],
      ["list"],
    ],
    from: 2,
    spec: spec(["/bin/sleep", "1000"]),
  },
  {
    name: "mounts",
    steps: [
      ["create", "ID"],
      ["start", "ID"],
      ["mounts", "add", "ID", "DIR/mounts.json"],
      ["mounts", "remove", "ID", "DIR/mounts.json"],
    ],
    from: 2,
    files: { "mounts.json": moreMounts },
    spec: spec(["/bin/sleep", "1000"]),
  },
  {
    name: "a service",
    service: true,
    steps: [["run", "--detach", "ID"]],
    spec: spec(["/bin/sh", "-c", "echo READY=1 | /bin/probe notify && sleep 1000"]),
  },
  {
    name: "user and time namespaces, hooks",
    steps: [["run", "ID"]],
    spec: spec(["/bin/true"], (all) => {
      // Opened by the host side, among mounts that are locked.
      all.mounts.push({ destination: "/dev/given", source: "/etc", type: "bind", options: ["rbind", "ro"] });
      all.linux.namespaces.push({ type: "user" }, { type: "time" });
      all.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
      all.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
      all.linux.timeOffsets = { boottime: { secs: 100 } };
      all.hooks = {
        createRuntime: [hook],
        createContainer: [hook],
        startContainer: [hook],
        poststart: [hook],
        poststop: [hook],
      };
    }),
  },
  {
    name: "an ordinary user's",
    user: 64_998,
    files: { "mounts.json": moreMounts },
    steps: [
      ["create", "ID"],
      ["start", "ID"],
      ["exec", "ID", "/bin/true"],
      ["mounts", "add", "ID", "DIR/mounts.json"],
      ["kill", "ID", "KILL"],
      ["delete", "--force", "ID"],
    ],
    spec: (_, rootfs, directory) => {
      const result = defaultSpec(["/bin/sleep", "1000"], "");
      result.root.path = rootfs;
      result.process.env = [`PLACE=${directory}`];
      delete result.linux.cgroupsPath;
      delete result.linux.resources;
      result.linux.namespaces.push({ type: "user" });
      result.linux.uidMappings = [{ containerID: 0, hostID: 64_998, size: 1 }];
      result.linux.gidMappings = [{ containerID: 0, hostID: 64_998, size: 1 }];
      return result;
    },
  },
];
