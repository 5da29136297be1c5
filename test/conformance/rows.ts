/**
 * What box does of config.json: a row for each property of the schema and for each duty that hangs on none, with the
 * tests that show it. conformance.test.ts holds it against the schema and the sources of the tests; update.ts writes it
 * into docs/conformance.md.
 */

export interface Row {
  /** Properties as properties.ts names them; `*` stands for any one name. */
  readonly properties?: readonly string[];
  /** What is asked for. */
  readonly what: string;
  /**
   * - done: performed, and seen from inside a container
   * - to the plan: performed, and tested as far as machines here go
   * - refused: an error that a test pins
   * - ignored: as the specification asks
   */
  readonly verdict: "done" | "to the plan" | "refused" | "ignored";
  /** Why it is not simply done. */
  readonly reason?: string;
  /** Names of tests; one that ends with … stands for all that begin so. */
  readonly tests: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A row of what is performed and seen from inside. */
function done(properties: readonly string[], what: string, ...tests: readonly string[]): Row {
  return { properties, what, verdict: "done", tests };
}

function toThePlan(properties: readonly string[], what: string, reason: string, ...tests: readonly string[]): Row {
  return { properties, what, verdict: "to the plan", reason, tests };
}

function refused(properties: readonly string[], what: string, reason: string, ...tests: readonly string[]): Row {
  return { properties, what, verdict: "refused", reason, tests };
}

const plan = {
  namespaces: "src/namespaces/plan.test.ts: planNamespaces()",
  rootfs: "src/rootfs/plan.test.ts: planRootfs()",
  seccomp: "src/seccomp/plan.test.ts: planSeccomp()",
  settings: "src/cgroups/settings-plan.test.ts: planSettings()",
} as const;

const rules = { resources: "src/spec/rules/resources.test.ts: resourceRules() want " } as const;

const lifeCycle: Section = {
  title: "Life cycle and state",
  rows: [
    done(
      [],
      "steps 1 and 2: one container for an id, what config.json says later has no effect",
      "lifecycle: create says that the id is taken when it is",
      "lifecycle: changes to config.json after create have no effect",
    ),
    done(
      [],
      "steps 3 to 9: hooks and program in their order",
      "hooks: all kinds run in the order of the life cycle, and in the listed order within a kind",
      "lifecycle: create does not run the program",
    ),
    done(
      [],
      "start only of a created container",
      "matrix: start is refused…",
      "matrix: start leaves the container running when created",
    ),
    done(
      [],
      "step 8: the program is looked up on its PATH, and execve's failure is an error",
      "process: start reports a program that…",
      "process: the program is found on the PATH of its environment",
    ),
    done(
      [],
      "step 9: a poststart hook that fails ends the container",
      "hooks: start fails and the container is stopped when a poststart hook fails",
    ),
    done(
      [],
      "step 10: the end of the program makes it stopped",
      "lifecycle: a container passes through created, running and stopped",
    ),
    done(
      [],
      "steps 11 and 12: delete undoes create and nothing else; a running container is refused",
      "delete: delete removes the state directory",
      "delete: delete leaves a cgroup alone that was there before",
      "delete: delete refuses a running container and says how it is",
      "lifecycle: an id can be used again after delete",
    ),
    done(
      [],
      "step 13: a poststop hook that fails is a warning",
      "hooks: delete succeeds and the other hooks run when a poststop hook fails",
    ),
    done(
      [],
      "members of the state, pid and annotations among them",
      "lifecycle: state has every member that the specification asks for when created",
      "list: list --format json prints the state of every container",
    ),
    done([], "kill only of a created or running container, to init", "matrix: kill…", "kill: kill reaches init only"),
    done([], "unknown ids are errors", "matrix: state is refused when there is no such container"),
  ],
};

const top: Section = {
  title: "Top level",
  rows: [
    done(
      ["ociVersion"],
      "1.0.0 to 1.3.x",
      "bad input: create refuses no ociVersion",
      "bad input: create refuses an ociVersion of another major",
      "src/spec/rules/whole.test.ts: versionRule() takes 1.0.0 to 1.3.x",
    ),
    done(
      ["root.path"],
      "a directory, absolute or below the bundle",
      "file system: the root is the bundle's root file system",
      "file system: an absolute root path is taken as it is",
      "bad input: create refuses a root path that…",
    ),
    done(
      ["root.readonly"],
      "no writing but in mounts",
      "file system: the root is read-only when configured",
      "file system: the root can be written when it is not read-only",
    ),
    done(
      ["hostname"],
      "the name of the UTS namespace, which must be its own",
      "namespaces: hostname and domainname are set in the new uts namespace alone",
      "namespaces: create refuses a hostname without a uts namespace of its own",
    ),
    done(["domainname"], "as hostname", "namespaces: domainname is set"),
    done(
      ["annotations"],
      "part of the state; an empty key is refused",
      "lifecycle: state has every member that the specification asks for when created",
      "src/spec/rules/whole.test.ts: annotationsRule() refuses an empty key",
    ),
    done([], "unknown properties are ignored at every level", "bad input: create ignores unknown properties"),
    {
      what: "vm, windows, solaris, zos, freebsd",
      verdict: "ignored",
      reason: "they are of other platforms",
      tests: ["bad input: create ignores what other platforms have"],
    },
  ],
};

const programs: Section = {
  title: "Process",
  rows: [
    done(
      ["process.terminal"],
      "a terminal of the container's devpts",
      "terminal: the program of run is on a terminal of the container",
      "security: with a terminal, nobody holds the output of create once it has returned",
    ),
    done(
      ["process.consoleSize.*"],
      "ignored without a terminal",
      "terminal: create gives the terminal's master to the console socket",
      "src/process/plan.test.ts: planProcess() gives a terminal its size only where there is one",
      "validate: validate passes over a size of a console that is not there",
    ),
    done(
      ["process.cwd"],
      "absolute, inside the root; also where only the user may enter",
      "process: the program starts in the configured directory",
      "process: the program starts in a directory that only its user may enter",
      "bad input: create refuses a relative cwd",
    ),
    done(
      ["process.env"],
      "exactly these, and HOME",
      "process: the program gets exactly the environment of the configuration",
      "process: HOME is taken from the container's passwd when the configuration has none",
    ),
    done(
      ["process.args"],
      "byte for byte, looked up on PATH",
      "process: the program gets its arguments byte for byte",
      "bad input: create refuses empty args",
    ),
    done(
      ["process.user.uid", "process.user.gid"],
      "ids of the container",
      "process: the program runs as the configured user and group",
      "process: ids above 2147483647 are as good as others",
      "src/spec/rules/process.test.ts: processRules() wants ids that the new user namespace maps",
    ),
    done(
      ["process.user.umask"],
      "0022 when unset",
      "process: the program has umask…",
      "process: the umask is 0022 when none is configured",
    ),
    done(
      ["process.user.additionalGids"],
      "exactly these groups; the caller's where crun's annotation says so",
      "process: the program has exactly the configured supplementary groups",
      "process: the program and those of exec have the caller's groups…",
    ),
    done(
      ["process.rlimits[].*"],
      "64 bits; a type twice is refused",
      "process: the program has the configured resource limits",
      "bad input: create refuses a resource limit named twice",
    ),
    done(
      ["process.capabilities.*"],
      "five sets, exactly; unknown ones are warned of",
      "process: root has exactly the configured capabilities",
      "process: an ordinary user keeps the ambient capabilities through execve",
      "process: an inheritable capability is not ambient when it is not configured to be",
      "process: an unknown capability is not fatal",
    ),
    done(
      ["process.noNewPrivileges"],
      "PR_SET_NO_NEW_PRIVS",
      "process: no_new_privs is 1 when configured true",
      "process: no_new_privs is 0 when configured false",
    ),
    done(
      ["process.oomScoreAdj"],
      "exactly, -1000 to 1000",
      "process: the program has the configured oom_score_adj",
      "bad input: create refuses an oom_score_adj beyond 1000",
    ),
    done(
      ["process.apparmorProfile"],
      "confined by it, in a virtual machine that has AppArmor; refused where there is none",
      "apparmor: the program is confined by the profile, noNewPrivileges being …",
      "apparmor: exec's program is confined as the container's, noNewPrivileges being …",
      "apparmor: run refuses a profile that is not loaded by the name of its property, and leaves nothing",
      "test/golden/refused.test.ts: a configuration is refused when process.apparmorProfile…",
    ),
    toThePlan(
      ["process.selinuxLabel"],
      "the program's label; refused where SELinux is not in force",
      "no kernel here has an SELinux policy",
      "src/security/plan.test.ts: planSecurity() plans the labels of modules that are in force, and refuses others",
      "test/golden/refused.test.ts: a configuration is refused when process.selinuxLabel…",
    ),
    done(
      ["process.scheduler.*", "process.ioPriority.*"],
      "given by the host side, to exec'd processes too",
      "process: the program has the configured scheduling policy and nice value",
      "process: the program may have a deadline",
      "process: the program has the configured I/O priority of class…",
      "process: priorities are the host's to give in a user namespace too",
      "process: an exec'd process has the container's domain, memory policy and priorities",
      "process: create refuses a policy that Linux has not, and leaves nothing",
      "process: create refuses a deadline longer than its period, and leaves nothing",
      "src/process/plan.test.ts: planProcess() fills in the attributes that the scheduler's policy leaves out, and keeps every bit",
      "src/spec/rules/process.test.ts: schedulerRule() knows which attribute belongs to which policy",
    ),
    done(
      ["process.execCPUAffinity.*"],
      "of exec'd processes: until they are in the cgroup, and from then on",
      "process: an exec'd process runs on the configured processors, the container's first one on all",
      "process: processors of an exec'd process hold only until it is in the container's cgroup, unless there are final ones",
      "src/spec/rules/process.test.ts: processRules() wants lists of CPUs",
      "src/process/plan.test.ts: planProcess() plans processors only where some are named",
    ),
    {
      what: "commandLine",
      verdict: "ignored",
      reason: "it is of another platform",
      tests: ["bad input: create ignores what other platforms have"],
    },
  ],
};

const mounts: Section = {
  title: "Mounts",
  rows: [
    done(
      [],
      "in the listed order",
      "file system: later mounts hide earlier ones",
      "mounts: the kernel lists mounts in the order of the configuration",
      "mounts: a thousand mounts are made",
      "file system: the container has exactly the configured mounts",
    ),
    done(
      ["mounts[].destination"],
      "made where it is missing, inside the root whatever the image says; / too",
      "file system: a mount is made where nothing was before",
      "file system: a mount point that leads out of the root by a symbolic link stays inside, or is refused",
      "mounts: a mount on / takes the place of the root file system",
      "mounts: dest-nofollow mounts on a link of the image",
    ),
    done(
      ["mounts[].source"],
      "absolute or below the bundle; a missing one is refused",
      "file system: a bind mount shows the directory of the host",
      "file system: a relative bind source is relative to the bundle",
      "file system: a file is bound onto a file that is made for it",
      "file system: create refuses a mount of a bind source that does not exist",
      "mounts: a bind source that only root can reach is there in a user namespace",
    ),
    done(
      ["mounts[].type"],
      "every file system of the kernel",
      "file system: create refuses a mount of an unknown file system",
      "mounts: an overlay may have options longer than 255 bytes",
    ),
    done(
      ["mounts[].options"],
      "the words below; any other is data of the file system, and warned of with a bind",
      "file system: file system options reach the file system",
      "mounts: a failed mount says source, destination, options and errno",
      `${plan.rootfs} refuses mounts that it could not perform as they are written`,
    ),
    done(
      [],
      "ro, rw, suid, dev, exec and their opposites",
      "file system: a tmpfs has the options…",
      "file system: a read-only bind mount cannot be written",
    ),
    done([], "sync, dirsync, lazytime", "mounts: sync, dirsync and lazytime are options of the file system"),
    done(
      [],
      "noatime, nodiratime, relatime, strictatime and their opposites",
      "file system: a tmpfs has the options noatime",
      "file system: a tmpfs has the options nodiratime",
      "file system: a tmpfs has the options relatime",
      "src/rootfs/options.test.ts: parseOptions() understands…",
    ),
    done(
      [],
      "words that change nothing of a new mount: defaults, remount, async, loud, silent, iversion, …",
      "mounts: defaults,remount,async…",
      "mounts: iversion,noiversion,nolazytime…",
    ),
    toThePlan(
      [],
      "mand, nomand",
      "Linux has no mandatory locks since 5.15",
      "src/rootfs/options.test.ts: parseOptions() understands: mand",
      "src/rootfs/options.test.ts: parseOptions() understands: nomand",
    ),
    done(
      [],
      "flags that the source has on the host stay; in a user namespace they are locked",
      "mounts: a bind mount keeps what restricts its source on the host",
      "mounts: a bind mount keeps what restricts its source on the host in a user namespace",
      "mounts: root of a user namespace cannot take away what restricts a bind mount's source on the host",
      "mounts: create refuses to take away in a user namespace what restricts a bind mount's source",
    ),
    done([], "bind, rbind", "mounts: bind leaves out the mounts below, rbind brings them along"),
    done(
      [],
      "private, shared, slave, unbindable and the recursive forms",
      "mounts: a mount has propagation…",
      "mounts: a later mount of the host…",
      "mounts: a mount of the program…",
    ),
    done(
      [],
      "rro, rrw, rsuid, rnosuid and all other recursive attributes",
      "mounts: rro holds for the mounts below as well",
      "mounts: rnosuid holds…",
      "mounts: rnodev holds…",
      "mounts: rnoexec holds…",
      "mounts: rnoatime holds…",
      "mounts: rnodiratime holds…",
      "mounts: rstrictatime holds…",
      "mounts: rrw and rsuid take flags away from the mounts below",
    ),
    done(
      [],
      "nosymfollow, symfollow and the recursive forms",
      "mounts: nosymfollow follows no link of the mount",
      "mounts: rnosymfollow holds for the mounts below as well",
    ),
    done(
      [],
      "idmap, ridmap with a user namespace and without",
      "mounts: idmap takes the mappings of the user namespace",
      "mounts: ridmap maps the mounts below as well",
      "mounts: idmap maps the mounts below not",
      "mounts: a joined user namespace gives its mappings",
      "mounts: create refuses idmap without mappings and without a user namespace",
    ),
    done(
      ["mounts[].uidMappings[].*", "mounts[].gidMappings[].*"],
      "both or none",
      "mounts: a bind mount with mappings of its own shows mapped owners",
      "mounts: a mount has mappings of its own inside a user namespace",
      "mounts: mappings of a mount count without the option as well",
      "mounts: a new tmpfs has mapped ids",
      "mounts: create refuses uidMappings alone",
      "mounts: create refuses an id-mapped file system that maps no ids",
    ),
    done([], "tmpcopyup", "mounts: tmpcopyup…"),
    done(
      [],
      "copy-symlink, src-nofollow, dest-nofollow, ranges in idmap (crun's)",
      "mounts: copy-symlink…",
      "mounts: src-nofollow binds the link itself",
      "mounts: dest-nofollow mounts on a link of the image",
      "mounts: ranges in the idmap option count",
    ),
    refused(
      [],
      "rsync, rasync, rdirsync, rmand, rnomand (crun's)",
      "no system call sets them for a tree; they count as data, which a file system refuses and a bind warns of",
      "src/rootfs/options.test.ts: parseOptions() takes every other word for data of the file system, in order",
    ),
    done(
      [],
      "a tmpfs looks like what it hides",
      "mounts: a tmpfs has the mode of the directory that it hides",
      "mounts: a tmpfs has the owner of the directory that it hides, unless the options name one",
    ),
    done(
      [],
      "cgroup mounts: the container's own view, read-only unless options leave ro out",
      "file system: the cgroup mount shows the container's own cgroups",
      "mounts: a mount of type cgroup2 shows the container's own cgroup",
      `${plan.rootfs} plans a view of the cgroups: that is read-only unless options leave \`ro\` out`,
    ),
    done(
      [],
      "procfs and sysfs only on real directories, and nothing else over them",
      "security: a bind of /proc is refused where the image has a link of that name",
      "security: a bind of /sys is refused where the image has a link of that name",
    ),
  ],
};

const hookRows: Section = {
  title: "Hooks",
  rows: [
    ...(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const).map(
      (kind) =>
        done([`hooks.${kind}[].*`], `${kind}: its moment, its namespaces, the state it reads`, `hooks: ${kind}…`),
    ),
    done(
      [],
      "a path of the host, but for startContainer",
      "hooks: the path of startContainer is looked up inside the container",
      "bad input: create refuses a hook with a relative path",
    ),
    done([], "args and env exactly", "hooks: a hook gets its arguments and its environment, and no other"),
    done(
      [],
      "timeout in seconds, above 0; then the hook and all that it started is killed",
      "hooks: what a prestart hook has started ends with it when it exceeds its timeout, a daemon too",
      "hooks: what a poststop hook has started…",
      "hooks: create fails and leaves nothing when a createRuntime hook exceeds its timeout",
      "bad input: create refuses a hook with a timeout of zero",
    ),
    done(
      [],
      "a hook that fails undoes the container",
      "hooks: create fails and leaves nothing when…",
      "hooks: start fails when a startContainer hook fails, and the program does not run",
    ),
  ],
};

const namespaceRows: Section = {
  title: "Namespaces, mappings, time",
  rows: [
    done(
      ["linux.namespaces[].type"],
      "eight kinds, each once",
      ...["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"].map(
        (type) => `namespaces: the ${type} namespace is new when it is asked for`,
      ),
      "namespaces: create refuses a namespace with an unknown type",
      "namespaces: create refuses a namespace with a type named twice",
    ),
    done(
      ["linux.namespaces[].path"],
      "absolute, of the type that is named",
      ...["network", "ipc", "uts", "cgroup", "time"].map(
        (type) => `namespaces: the ${type} namespace at a path is joined`,
      ),
      "namespaces: the pid namespace of another container is joined",
      "namespaces: a user namespace at a path is joined, and what belongs to it",
      "namespaces: a network namespace of the host is joined beside a user namespace, new or joined",
      "namespaces: create refuses a namespace with a path of another kind",
      "namespaces: create refuses a namespace with a relative path",
      "namespaces: create refuses a namespace with a path that does not exist",
      "namespaces: create refuses a namespace with a file that is no namespace",
    ),
    done(
      [],
      "a type that is absent is the caller's",
      ...["pid", "network", "ipc", "uts", "cgroup", "user", "time"].map(
        (type) => `namespaces: the ${type} namespace is the caller's when it is not asked for`,
      ),
    ),
    done(
      [],
      "a mount namespace that is joined, or the caller's: nothing is mounted in it",
      "mount namespaces: the mount namespace is the caller's when it is not asked for",
      "mount namespaces: the mount namespace at a path is joined",
      "mount namespaces: what is mounted in a joined mount namespace is what the container has",
      "mount namespaces: nothing is mounted in…",
      "mount namespaces: a create that fails leaves nothing in…",
      "mount namespaces: exec is in the container's root in…",
    ),
    refused(
      [],
      "what a mount namespace that is not new does not allow",
      "a user namespace has no rights there, a tree that is attached nowhere has no propagation",
      "mount namespaces: create refuses…",
    ),
    done(
      [],
      "in a new pid namespace the program is the first process",
      "namespaces: a new pid namespace has the program as its first process",
      "lifecycle: init is a child of the nearest subreaper after create",
    ),
    done(
      [],
      "in a shared pid namespace delete ends all processes of the container",
      "delete: delete --force ends all processes when the pid namespace is shared",
    ),
    done(
      ["linux.uidMappings[].*", "linux.gidMappings[].*"],
      "of a new user namespace",
      "namespaces: the program sees the mapped ids in a user namespace",
      "namespaces: the host sees the mapped user outside",
      "bad input: create refuses an id mapping without a user namespace",
    ),
    done(
      [],
      "no owner in the root file system changes",
      "namespaces: a user namespace changes no owner in the root file system",
    ),
    done(
      ["linux.timeOffsets.*.secs", "linux.timeOffsets.*.nanosecs"],
      "of a new time namespace",
      "namespaces: clocks are set off in a new time namespace",
      "bad input: create refuses a time offset without a time namespace",
      "bad input: create refuses an offset of a clock that has none, and names it",
      `${plan.namespaces} keeps every bit of a clock's offset, and none where none is given`,
    ),
    done(
      ["linux.rootfsPropagation"],
      "four words and their recursive forms",
      "file system: the root has propagation…",
      "file system: the container's mounts do not appear on the host",
      "mounts: a mount of the program…",
      "mounts: nothing of a container's own root reaches the host…",
      "bad input: create refuses an unknown propagation",
    ),
    done(
      [],
      "the loopback device of a new network namespace is up",
      "namespaces: the loopback device of a new network namespace…",
    ),
  ],
};

const deviceRows: Section = {
  title: "Devices and network devices",
  rows: [
    {
      what: "default file systems",
      verdict: "ignored",
      reason: "the text only recommends them; they are mounted where the configuration says so",
      tests: ["file system: the container has exactly the configured mounts"],
    },
    done(
      [],
      "default devices and links",
      "file system: the default devices are there",
      "file system: the default devices work",
      "file system: /dev/fd leads to /proc/self/fd",
      "file system: /dev/std…",
    ),
    done(
      ["linux.devices[].type", "linux.devices[].path", "linux.devices[].major", "linux.devices[].minor"],
      "c, b, u, p, anywhere in the root; what stands there already must be the same",
      "devices: character, unbuffered, block devices and FIFOs are made",
      "devices: a device may stand anywhere, below directories that are made for it",
      "devices: a device of the configuration takes the place of a default one",
      "devices: a device that is there already is taken as it is",
      "devices: create refuses a device where…",
      "bad input: create refuses a device of an unknown type",
    ),
    done(
      ["linux.devices[].fileMode", "linux.devices[].uid", "linux.devices[].gid"],
      "whatever the umask",
      "file system: a configured device has its numbers, mode and owner, whatever the umask",
      "devices: a device without a mode is for everybody",
    ),
    done([], "in a user namespace the host's nodes are bound", "devices: in a user namespace…"),
    done(
      ["linux.netDevices.*.name"],
      "moved with its addresses, renamed, set up",
      "network devices: a device of the host moves into the container, and is up",
      "network devices: a device gets its new name",
      "network devices: %d in the new name stands for a number that is free",
      "network devices: permanent global addresses of both families come along",
      "network devices: create refuses…",
    ),
  ],
};

const resourceRows: Section = {
  title: "Cgroups and resources",
  rows: [
    done(
      ["linux.cgroupsPath"],
      "absolute, or below /box",
      "cgroups: the program is in the container's cgroup in every hierarchy",
      "cgroups: create refuses a cgroup that has processes, and leaves them alone",
      "src/cgroups/plan.test.ts: planCgroup() names the cgroup…",
    ),
    done(
      [],
      "without a path, a cgroup of the container's id; with systemd `slice:prefix:name`, and properties in annotations",
      "src/cgroups/plan.test.ts: planCgroup() names the cgroup…",
      "systemd: the program runs in a scope that is delegated to the container",
      "systemd: annotations set properties of the scope",
      "systemd: an annotation that would run a program is refused, and nothing is made",
      "src/cgroups/systemd/unit-name.test.ts: …",
    ),
    done(
      [],
      "removed with the container, with what was made below it",
      "delete: delete removes the cgroups",
      "delete: delete removes cgroups that were made below",
    ),
    done(
      [],
      "cgroup v2: a writable view in a namespace belongs to the container's user",
      "cgroups: a writable view of cgroups belongs to the program's user",
      "src/cgroups/delegation.kernel.test.ts: giveTo()…",
    ),
    done(
      ["linux.resources.devices[].*"],
      "in order; v1 by the controller, v2 by a program",
      "file system: a device that the cgroup does not allow cannot be opened",
      "file system: a device that the cgroup allows can be opened",
      "src/cgroups/ebpf.test.ts: deviceProgram()…",
    ),
    done(
      ["linux.resources.memory.*"],
      "limits of memory, read back from the kernel's files; of v1 alone: kernel, kernelTCP, swappiness, disableOOMKiller",
      "resources: memory…",
      "update: memory…",
      "update: checkBeforeUpdate refuses a limit below what is in use",
      `${plan.settings} writes: {"memory"…`,
      `${rules.resources}memory…`,
    ),
    done(
      ["linux.resources.cpu.*"],
      "shares, quota, burst, sets, realtime",
      "resources: cpu…",
      "update: cpu…",
      `${plan.settings} writes: {"cpu"…`,
      `${rules.resources}a burst up to the quota`,
    ),
    done(
      ["linux.resources.pids.limit"],
      "0 is a limit since 1.3",
      "resources: pids…",
      "resources: a pids limit of…",
      "resources: delete --force ends a fork bomb at its limit of processes",
      "src/cgroups/plan.test.ts: planCgroup() takes a pids limit of 0…",
    ),
    done(
      ["linux.resources.blockIO.weight", "linux.resources.blockIO.throttle*[].*"],
      "weight of block I/O, limits of block devices",
      "resources: blockIO…",
      "update: blockIO…",
      `${plan.settings} writes: {"blockIO"…`,
    ),
    toThePlan(
      ["linux.resources.blockIO.leafWeight", "linux.resources.blockIO.weightDevice[].*"],
      "weights of leaves and of single devices",
      "no kernel here has the first, or a device with the scheduler that the second takes",
      `${plan.settings} writes: {"blockIO"…`,
      `${rules.resources}a weight in every entry of weightDevice`,
    ),
    done(
      ["linux.resources.hugepageLimits[].*"],
      "of sizes that the kernel has",
      "resources: hugepageLimits…",
      "resources: create refuses a page size that the kernel does not have",
      `${plan.settings} writes: {"hugepageLimits"…`,
      `${rules.resources}page sizes…`,
    ),
    toThePlan(
      ["linux.resources.network.classID", "linux.resources.network.priorities[].*"],
      "net_cls and net_prio of v1",
      "no kernel here has them",
      `${plan.settings} writes: {"network"…`,
    ),
    toThePlan(
      ["linux.resources.rdma.*.*"],
      "handles and objects",
      "no kernel here has rdma devices",
      `${plan.settings} writes: {"rdma"…`,
      `${rules.resources}rdma limits…`,
    ),
    done(
      ["linux.resources.unified"],
      "files of cgroup v2, verbatim",
      "resources: unified…",
      `${plan.settings} takes unified…`,
      `${rules.resources}keys of unified…`,
    ),
  ],
};

const others: Section = {
  title: "Sysctl, Intel RDT, seccomp, hidden paths, labels",
  rows: [
    done(
      ["linux.sysctl"],
      "of namespaces that the container has, and none of the host",
      "namespaces: a sysctl is set in the new namespace alone",
      "namespaces: create refuses a sysctl of the host",
      "security: a kernel parameter for the caller's own network namespace is refused",
      "src/spec/rules/namespaces.test.ts: sysctlRule()…",
    ),
    done(
      [
        "linux.seccomp.defaultAction",
        "linux.seccomp.defaultErrnoRet",
        "linux.seccomp.syscalls[].action",
        "linux.seccomp.syscalls[].names",
        "linux.seccomp.syscalls[].errnoRet",
      ],
      "what is named gets its action, the rest the default",
      "seccomp: a call that is named fails with the errno of its rule, and no other call",
      "seccomp: the errno is EPERM where the rule has none",
      "seccomp: what no rule names gets the default action and its errno",
      "seccomp: SCMP_ACT_…",
      "seccomp: a system call that nobody knows is passed over",
      "seccomp: a rule that says what the default says is as good as none",
      "seccomp: a profile of 400 names allows what it names and forbids the rest",
      "src/seccomp/compile.kernel.test.ts: compileFilter()…",
      "src/spec/rules/seccomp.test.ts: seccompRule()…",
      "bad input: create refuses an unknown seccomp action",
    ),
    done(
      ["linux.seccomp.syscalls[].args[].*"],
      "all comparisons, in 64 bits",
      "seccomp: SCMP_CMP_…",
      "seccomp: all comparisons of different arguments must hold",
      "seccomp: of several comparisons of one argument one is enough",
      "src/seccomp/rules.test.ts: expandRules()…",
    ),
    done(
      ["linux.seccomp.architectures"],
      "the native one always; calls of others are killed",
      "seccomp: calls of another architecture than those that are named are not let through",
      "src/seccomp/compile.kernel.test.ts: compileFilter() knows every architecture of the specification",
    ),
    done(
      ["linux.seccomp.flags"],
      "SPEC_ALLOW when unset",
      "seccomp: speculation is left alone unless the profile has flags",
      `${plan.seccomp} allows speculation unless the configuration has flags, an empty list being some`,
    ),
    done(
      ["linux.seccomp.listenerPath", "linux.seccomp.listenerMetadata"],
      "the agent gets the container process state and the listener",
      "seccomp: an agent gets the listener with the state of the container, and decides",
      "seccomp: an agent may be asked about execve itself",
      "seccomp: run hands the listener over too, and an exec'd process has a listener of its own",
      "seccomp: run refuses an agent that is not there",
      "seccomp: a link in the place of the agent's socket is not followed",
      `${plan.seccomp} plans a listener where a rule asks the agent`,
    ),
    done(
      [],
      "calls that are newer than the profile fail with ENOSYS",
      "seccomp: calls that are newer than the profile fail with ENOSYS, so that a C library takes the older one",
      "src/seccomp/unknown-calls.test.ts: unknownCallsPrefix()…",
    ),
    done(
      [],
      "loaded last, with and without noNewPrivileges, for hooks and exec'd processes too",
      "seccomp: a profile that allows only what the program needs lets it start…",
      "seccomp: a filter without no_new_privs leaves the program the capabilities that are configured",
      "seccomp: a startContainer hook is filtered as the program is, and needs nothing else to be allowed",
      "seccomp: an exec'd process has the container's filter",
    ),
    done(
      ["linux.maskedPaths"],
      "unreadable; what is not there is passed over",
      "file system: a masked file reads empty",
      "file system: a masked directory is empty and cannot be written",
      "file system: a masked path that does not exist is passed over",
      "bad input: create refuses a relative masked path",
    ),
    done(
      ["linux.readonlyPaths"],
      "with all that is mounted below",
      "file system: a read-only path cannot be written, and what lies below neither",
      "file system: a mount below a read-only path cannot be written",
      "bad input: create refuses a relative read-only path",
    ),
    toThePlan(
      ["linux.intelRdt.*"],
      "a group of resctrl, made, set, entered and removed",
      "no kernel here has resctrl",
      "src/resctrl/plan.test.ts: planResctrl()…",
      "src/resctrl/apply.kernel.test.ts: enterResctrl()…",
      "src/resctrl/apply.kernel.test.ts: removeResctrl()…",
      "src/resctrl/schemata.test.ts: matches()…",
      "src/spec/rules/intel-rdt.test.ts: intelRdtRule()…",
      "test/golden/refused.test.ts: a configuration is refused when linux.intelRdt…",
    ),
    done(
      ["linux.memoryPolicy.*"],
      "of the program and of exec'd processes",
      "process: the program's memory comes by…",
      "process: create refuses a memory policy with a node that is not there, and leaves nothing",
      "src/process/plan.test.ts: planProcess() takes what the container's every program has",
      "src/spec/rules/memory-policy.test.ts: memoryPolicyRule()…",
    ),
    done(
      ["linux.personality.*"],
      "of the program and of exec'd processes; flags, of which there are none yet, are warned of",
      "process: the program has the execution domain…",
      "src/spec/rules/whole.test.ts: personalityRule()…",
    ),
    toThePlan(
      ["linux.mountLabel"],
      "a context on every new file system that has labels; ignored without SELinux",
      "no kernel here has an SELinux policy",
      "mounts: the label of mounts is ignored without SELinux",
      `${plan.rootfs} plans the options of a file system: with the container's label, where SELinux is in force and it has none of its own`,
    ),
  ],
};

export const sections: readonly Section[] = [
  lifeCycle,
  top,
  programs,
  mounts,
  hookRows,
  namespaceRows,
  deviceRows,
  resourceRows,
  others,
];
