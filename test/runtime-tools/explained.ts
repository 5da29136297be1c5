/**
 * Why a program of the suite fails: what it asks for beyond the specification or against it, or what this machine, or
 * that runtime, does not offer. An entry without a failure fails the target, so the list cannot grow old.
 */
import { existsSync, readFileSync } from "node:fs";

/** A runtime and its cgroups: this machine's, or a pure cgroup2. */
export type Place = "box" | "runc" | "box, cgroup2" | "runc, cgroup2" | "crun, cgroup2";

const every: readonly Place[] = ["box", "runc", "box, cgroup2", "runc, cgroup2", "crun, cgroup2"];
const isCgroup2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
const cgroup1: readonly Place[] = isCgroup2 ? [] : ["box", "runc"];
const cgroup2: readonly Place[] = every.filter((place) => !cgroup1.includes(place));
const box: readonly Place[] = ["box", "box, cgroup2"];
const runc: readonly Place[] = ["runc", "runc, cgroup2"];
const crun: readonly Place[] = ["crun, cgroup2"];

export interface Explanation {
  readonly programs: readonly string[];
  readonly places: readonly Place[];
  readonly why: string;
  /** The outcome depends on who is faster. */
  readonly sometimes?: boolean;
  /** Only on machines of which this is true. */
  readonly on?: () => boolean;
}

const kinds = ["blkio", "cpus", "devices", "hugetlb", "memory", "network", "pids"];
const cgroupPrograms = kinds.flatMap((kind) => [`linux_cgroups_${kind}`, `linux_cgroups_relative_${kind}`]);

const explanations: readonly Explanation[] = [
  // --- The program contradicts the specification, or itself ---
  {
    programs: ["start"],
    places: [...box, ...runc],
    why: 'It wants `start` to succeed without `process`; runtime.md, Start: "This operation MUST generate an error if process was not set."',
  },
  {
    programs: ["prestart"],
    places: every,
    why: "It wants prestart hooks to run after `start` was called, as before version 1.0; runtime.md, Lifecycle, has them in step 3, a part of create.",
  },
  {
    programs: ["poststart_fail"],
    places: every,
    why: 'It wants a failing poststart hook to be passed over; runtime.md, Lifecycle 9: "the runtime MUST generate an error, stop the container, and continue the lifecycle at step 12."',
  },
  {
    programs: ["hooks_stdin"],
    places: [...box, ...runc],
    why: 'It wants the status `created` in a prestart hook; runtime.md, State: "`created`: the runtime has finished the create operation", and config.md, Prestart: "The `prestart` hooks MUST be called as part of the `create` operation".',
  },
  {
    programs: ["process_capabilities_fail"],
    places: every,
    why: 'It wants an unknown capability to be an error; config.md, Linux Process: what cannot be mapped to a kernel interface "MUST be logged as a warning by the runtime".',
  },
  {
    programs: ["hooks"],
    places: every,
    why: "It compares the hooks' output with lines that its hooks do not write (“post-start1” for “post-start1 called”).",
  },
  {
    programs: ["misc_props"],
    places: every,
    why: "Its bundle has no /runtimetest, which its configuration names as the program.",
  },
  {
    programs: ["process_rlimits"],
    places: every,
    why: "Its probe is a Go program, and Go raises the soft limit of open files to the hard one before main: the probe reads what it has set itself.",
  },
  {
    programs: ["delete"],
    places: every,
    why: "It wants `delete` of a created container to be refused, as runtime.md has it; engines delete containers that they never started, and every runtime lets them (docs/conformance.md).",
  },
  {
    programs: [...cgroupPrograms, "delete_resources", "delete_only_create_resources"],
    places: cgroup2,
    why: "It looks for files of cgroup v1 (/sys/fs/cgroup/pids/…/tasks) and says itself that it does not know cgroup2.",
  },
  {
    programs: ["linux_cgroups_memory", "linux_cgroups_relative_memory"],
    places: cgroup1,
    why: "It wants memory.kmem.limit_in_bytes to hold what was asked for: the kernel's limit for its own memory has no effect since Linux 5.16, and the property is not recommended.",
  },

  // --- It depends on who is faster ---
  {
    programs: ["pidfile", "killsig", "poststart"],
    places: every,
    sometimes: true,
    why: "A race of its own: it kills `true` and wants it to be running still, signals a shell that may not have set its trap, wants the program to have written before the hook; the specification orders none of these.",
  },

  // --- The machine ---
  {
    programs: ["process_capabilities"],
    places: every,
    on: lacksSysResource,
    why: "It asks for every capability, and root of this machine lacks CAP_SYS_RESOURCE. Where root has it, it passes with all three (`make conformance-vm`).",
  },
  {
    programs: ["linux_process_apparmor_profile"],
    places: [...box, ...runc],
    on: lacksAppArmor,
    why: 'It asks for a profile where the kernel has no AppArmor; runtime.md, Create: "If the runtime cannot apply a property as specified in the configuration, it MUST generate an error and a new container MUST NOT be created." crun passes over it: the program would run unconfined. Where AppArmor is in force it passes with all three (`make conformance-vm`).',
  },
  {
    programs: ["linux_process_apparmor_profile"],
    places: every,
    on: () => !lacksAppArmor(),
    why: "It asks for a profile of a name that it does not load, and nobody else has: what cannot be applied must be an error.",
  },
  {
    programs: ["linux_mount_label"],
    places: runc,
    on: lacksSelinux,
    why: "It asks for a label where SELinux is not in force: runc hands the option to the kernel, which does not know it.",
  },
  {
    programs: ["linux_cgroups_blkio", "linux_cgroups_relative_blkio"],
    places: cgroup1,
    why: "It asks for blkio.leaf_weight, which Linux 5.0 has taken away: what cannot be applied must be an error.",
  },
  {
    programs: ["linux_cgroups_network", "linux_cgroups_relative_network"],
    places: cgroup1,
    why: "It asks for a class and priorities, and this machine has no net_cls and net_prio: what cannot be applied must be an error.",
  },
  {
    programs: ["linux_cgroups_hugetlb", "linux_cgroups_relative_hugetlb"],
    places: cgroup1,
    why: "It looks for a v1 hierarchy of hugetlb, which this machine has on cgroup2.",
  },

  // --- The other runtimes ---
  {
    programs: ["linux_cgroups_devices", "linux_cgroups_relative_devices"],
    places: cgroup1.filter((place) => place === "runc"),
    why: "runc puts rules of its own before the ones of the configuration.",
  },
  {
    programs: ["linux_seccomp"],
    places: runc,
    why: "The profile refuses getcwd, and runc calls it after the filter is in force.",
  },
  {
    programs: ["linux_devices"],
    places: ["runc, cgroup2"],
    why: "runc compares the numbers of a FIFO, which has none.",
  },
  {
    programs: ["mounts"],
    places: ["runc, cgroup2"],
    why: "runc 1.2 and later refuse data among the options of a bind mount.",
  },
  {
    programs: ["poststop_fail"],
    places: runc,
    why: "`delete` fails when a poststop hook does; runtime.md, Lifecycle 13: a warning.",
  },
  {
    programs: ["poststop_fail", "poststop", "poststart"],
    places: crun,
    sometimes: true,
    why: "crun is ended by SIGPIPE when a hook ends before it has read the state.",
  },
  {
    programs: ["linux_rootfs_propagation"],
    places: ["runc"],
    sometimes: true,
    why: "runc 1.1 sets the propagation of the root too early: what is shared stays private, and what is unbindable it cannot bind.",
  },
];

/** Capabilities in which this machine's root is short: CapBnd of proc_pid_status(5). */
function lacksSysResource(): boolean {
  const [, bounding = "0"] = /^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${bounding}`) & (1n << 24n)) === 0n;
}

function lacksAppArmor(): boolean {
  return !existsSync("/sys/kernel/security/apparmor");
}

function lacksSelinux(): boolean {
  return !existsSync("/sys/fs/selinux/enforce");
}

/** @returns undefined where the program is to pass */
export function explanationOf(program: string, place: Place): Explanation | undefined {
  return explanations.find(
    ({ programs, places, on }) => programs.includes(program) && places.includes(place) && (on?.() ?? true),
  );
}
