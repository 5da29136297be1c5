/**
 * Deliberate defects, each with the tests of the acceptance suite that are to see it.
 *
 * A defect changes what a container or a caller of box can notice; what only a second safeguard would notice (a
 * descriptor that is closed by execve besides) is none.
 */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source

export interface Mutant {
  /** What box then does wrong. */
  readonly name: string;
  /** Below src. */
  readonly file: string;
  /** An expression, or statements (ending with `;`), exactly as in the file, where it stands once. */
  readonly replace: string;
  /** What stands there instead; nothing for statements that are left out. */
  readonly by: string;
  /** At least one of them must fail. */
  readonly tests: readonly string[];
}

export const mutants: readonly Mutant[] = [
  // --- kill ---
  {
    name: "kill sends TERM whatever was asked for",
    file: "container/kill.ts",
    replace: "!sendSignal(process, signal)",
    by: "!sendSignal(process, 15)",
    tests: ["kill: kill understands USR1"],
  },
  {
    name: "kill without a signal sends INT",
    file: "cli/commands/kill.ts",
    replace: 'args.operands[1] ?? "TERM"',
    by: 'args.operands[1] ?? "INT"',
    tests: ["kill: kill sends TERM when no signal is named"],
  },
  {
    name: "signal names are off by one",
    file: "base/signals.ts",
    replace: "return index + 1;",
    by: "return index;",
    tests: ["kill: kill understands SIGINT"],
  },
  {
    name: "kill does not know the last real-time signal",
    file: "base/signals.ts",
    replace: "number <= last",
    by: "number < last",
    tests: ["kill: kill delivers every signal by number when running"],
  },
  {
    name: "kill --all reaches init only",
    file: "container/kill.ts",
    replace: "signalAll(record.cgroup, signal);",
    by: "signalInit(record, signal);",
    tests: ["kill: kill --all reaches every process"],
  },
  {
    name: "kill reaches a container that is being created",
    file: "container/status.ts",
    replace: 'if (status === "creating") throw new BoxError("container not running: it is being created");',
    by: "",
    tests: ["matrix: kill is refused without effect when creating"],
  },

  // --- validate ---
  {
    name: "validate stops after the rules",
    file: "cli/commands/validate.ts",
    replace: "inspectPlan(spec, bundle, findings);",
    by: "",
    tests: ["validate: validate lists what the rules, the plan and the host object to at once, with the section"],
  },
  {
    name: "validate does not look at the host",
    file: "cli/commands/validate.ts",
    replace: "checkHost({ spec, bundle, facts: hostFacts() }, findings);",
    by: "",
    tests: ["validate: validate tells of a root file system that is not there"],
  },
  {
    name: "validate fails for a warning",
    file: "cli/commands/validate.ts",
    replace: "return findings.problems.length > 0 ? 1 : 0;",
    by: "return findings.problems.length + findings.warnings.length > 0 ? 1 : 0;",
    tests: ["validate: validate tells of a program that is not in the root file system"],
  },
  {
    name: "a plan is refused for its first mount only",
    file: "spec/refusal.ts",
    replace: "collect(refused, () => results.push(plan(item, index)));",
    by: "results.push(plan(item, index));",
    tests: ["validate: validate lists what the rules, the plan and the host object to at once, with the section"],
  },

  // --- delete ---
  {
    name: "delete leaves the cgroup",
    file: "container/delete.ts",
    replace: "if (record !== undefined && record.cgroup !== null) removeOwnCgroup(record, record.cgroup);",
    by: "",
    tests: ["delete: delete removes the cgroups"],
  },
  {
    name: "delete leaves the state directory",
    file: "container/delete.ts",
    replace: "entry.remove();\n  return record;",
    by: "return record;",
    tests: ["delete: delete removes the state directory"],
  },
  {
    name: "delete removes a running container",
    file: "container/status.ts",
    replace: 'if (status === "stopped" || status === "created") return;',
    by: "return;",
    tests: ["delete: delete refuses a running container and says how it is"],
  },
  {
    name: "delete does not take a created container",
    file: "container/status.ts",
    replace: 'if (status === "stopped" || status === "created") return;',
    by: 'if (status === "stopped") return;',
    tests: ["matrix: delete leaves the container gone when created"],
  },
  {
    name: "delete --force fails for an unknown id",
    file: "container/delete.ts",
    replace: "options.force ? store.find(id) : store.get(id)",
    by: "store.get(id)",
    tests: ["delete: delete --force of a deleted container succeeds"],
  },
  {
    name: "delete --force leaves a create that hangs in a hook",
    file: "container/delete.ts",
    replace: "endOwner(record);\n    return record;",
    by: "return record;",
    tests: ["hooks: delete --force ends a create whose hook hangs"],
  },
  {
    name: "delete forgets cgroups below the container's",
    file: "cgroups/removal.ts",
    replace: "for (const child of children) removeTree(cgroup, child, deadline);",
    by: "return;",
    tests: ["delete: delete removes cgroups that were made below"],
  },
  {
    name: "delete leaves a running process of a shared pid namespace",
    file: "cgroups/removal.ts",
    replace: "killAndWait(record);\n  removeTree(parent, name, monotonicMilliseconds() + emptyTimeout);",
    by: "",
    tests: ["delete: delete --force ends all processes when the pid namespace is shared"],
  },

  // --- state ---
  {
    name: "state says running before start",
    file: "container/status.ts",
    replace: 'record.phase === "created"',
    by: "false",
    tests: ["lifecycle: a container passes through created, running and stopped"],
  },
  {
    name: "state says running before the program is executed",
    file: "container/status.ts",
    replace: "isStillInit(record)",
    by: "false",
    tests: ["hooks: state says created while a startContainer hook runs"],
  },
  {
    name: "state says stopped while create is at work",
    file: "container/status.ts",
    replace: "record.owner !== null && isAlive(record.owner)",
    by: "false",
    tests: ["matrix: state leaves the container creating when creating"],
  },
  {
    name: "state has the wrong pid",
    file: "container/state.ts",
    replace: 'status === "stopped" ? 0 : (init?.pid ?? 0)',
    by: "(init?.pid ?? 0) + 1",
    tests: ["lifecycle: state has every member that the specification asks for when created"],
  },
  {
    name: "state has a pid when stopped",
    file: "container/state.ts",
    replace: 'status === "stopped" ? 0 : (init?.pid ?? 0)',
    by: "init?.pid ?? 0",
    tests: ["lifecycle: state has pid 0 when stopped"],
  },
  {
    name: "state loses the annotations",
    file: "container/state.ts",
    replace: "{ ...output, annotations }",
    by: "output",
    tests: ["lifecycle: state has every member that the specification asks for when created"],
  },
  {
    name: "a zombie counts as running",
    file: "container/processes.ts",
    replace: 'stat.state === "Z"',
    by: "false",
    tests: ["lifecycle: state says stopped when init is a zombie"],
  },
  {
    name: "a pid of another boot is taken for the container's",
    file: "container/status.ts",
    replace: "record.bootId !== bootId()",
    by: "false",
    tests: ["record: a container of another boot is stopped and can be deleted"],
  },
  {
    name: "a process with init's pid is taken for init",
    file: "container/processes.ts",
    replace: "identify(process.pid)?.startTime === process.startTime",
    by: "identify(process.pid) !== undefined",
    tests: ["record: a process that has got the pid of init is not taken for it"],
  },

  // --- create ---
  {
    name: "the pid file has the pid of box",
    file: "cli/handover.ts",
    replace: "`${pid}`",
    by: "`${getpid()}`",
    tests: ["lifecycle: the pid file has the pid of init, and nothing else"],
  },
  {
    name: "create replaces a container that has its id",
    file: "container/store.ts",
    replace: "mkdir(root, id, 0o700);",
    by: "this.find(id)?.remove();\n      mkdir(root, id, 0o700);",
    tests: [
      "lifecycle: create says that the id is taken when it is",
      "matrix: create is refused without effect when running",
    ],
  },
  {
    name: "the state directory is open to everybody",
    file: "container/store.ts",
    replace: "mkdir(root, id, 0o700);",
    by: "mkdir(root, id, 0o755);",
    tests: ["lifecycle: the state directory is private to its owner"],
  },
  {
    name: "a create that fails cleans nothing up",
    file: "container/rollback.ts",
    replace: "this.#steps.reverse()",
    by: "[]",
    tests: ["hooks: create fails and leaves nothing when a createRuntime hook exits with a status"],
  },
  {
    name: "the process is not put into its cgroup",
    file: "container/create.ts",
    replace: "cgroup.enter(pid);",
    by: "",
    tests: ["cgroups: the program is in the container's cgroup in every hierarchy"],
  },
  {
    name: "create takes a cgroup in which processes are",
    file: "cgroups/cgroup.ts",
    replace: "if (!made) refuseUsed(fd);",
    by: "",
    tests: ["cgroups: create refuses a cgroup that has processes, and leaves them alone"],
  },
  {
    name: "init outlives a create that is killed",
    file: "init/run.ts",
    replace: "setParentDeathSignal(SIGKILL);",
    by: "",
    tests: ["handshake: init ends when create is killed while init runs a hook"],
  },

  // --- start ---
  {
    name: "a second start is not refused",
    file: "container/status.ts",
    replace: 'if (status !== "created") throw new BoxError(startRefusals[status]);',
    by: "",
    tests: [
      "lifecycle: start is refused and says so when the container runs already",
      "matrix: start is refused without effect when stopped",
    ],
  },
  {
    name: "start does not wait for the program to be executed",
    file: "container/start.ts",
    replace: "awaitExecution(channel, awaitStarting(channel));",
    by: "awaitStarting(channel);",
    tests: ["process: start reports a program that does not exist"],
  },
  {
    name: "start does not hear that execve failed",
    file: "container/launch.ts",
    replace: 'if (last === "end") return;',
    by: "return;",
    tests: ["process: start reports a program that has no known format"],
  },
  {
    name: "a container whose poststart hook failed runs on",
    file: "container/start.ts",
    replace: "deleteContainer(store, id, deletion);",
    by: "",
    tests: ["hooks: start fails and the container is stopped when a poststart hook fails"],
  },
  {
    name: "the lock is not taken",
    file: "container/store.ts",
    replace: '!lock(file, wait, "lock")',
    by: "false",
    tests: ["concurrency: start waits for a command that holds the lock"],
  },

  // --- handshake ---
  {
    name: "garbage ends init",
    file: "handshake/gate.ts",
    replace: "if (!(thrown instanceof BoxError)) throw thrown;",
    by: "throw thrown;",
    tests: ["handshake: start works after a peer that sends garbage and stays"],
  },
  {
    name: "an idle peer keeps others out",
    file: "handshake/gate.ts",
    replace: "peers.push(new Channel<FromInit, ToInit>(socket, asToInit))",
    by: "peers.length > 0 ? socket.close() : peers.push(new Channel<FromInit, ToInit>(socket, asToInit))",
    tests: ["handshake: start works after a peer that says nothing and stays"],
  },
  {
    name: "a message of another version is taken",
    file: "handshake/frame.ts",
    replace: "bytes[2] !== protocolVersion",
    by: "false",
    tests: ["handshake: a peer that speaks another version is told and dropped"],
  },
  {
    name: "a message of any length is waited for",
    file: "handshake/frame.ts",
    replace: "length > maxBody",
    by: "false",
    tests: ["handshake: a peer that announces a byte more than is allowed is told and dropped"],
  },
  {
    name: "a message of another protocol is taken",
    file: "handshake/frame.ts",
    replace: "bytes[0] !== 0x42 || bytes[1] !== 0x58 || bytes[3] !== 0",
    by: "false",
    tests: ["handshake: start works after a peer that speaks another protocol"],
  },
  {
    name: "any word starts the container",
    file: "handshake/gate.ts",
    replace: 'incoming.message.type === "start" ? "start" : "drop"',
    by: '"start"',
    tests: ["handshake: start works after a peer that sends a word of another step"],
  },
  {
    name: "a signal does not end a created container",
    file: "handshake/gate.ts",
    replace: "if (signal !== undefined && endsProgram(signal)) return signal;",
    by: "",
    tests: ["kill: TERM ends a created container"],
  },

  // --- run ---
  {
    name: "run ends with another status",
    file: "container/foreground.ts",
    replace: "end === undefined ? 0 : statusOf(end)",
    by: "end === undefined ? 0 : statusOf(end) + 1",
    tests: ["run: run creates, starts, waits and deletes"],
  },
  {
    name: "run ends with the number of the signal alone",
    file: "linux/process.ts",
    replace: "128 + end.signal",
    by: "end.signal",
    tests: ["run: run ends with 143 when SIGTERM ends the program"],
  },
  {
    name: "run forwards no signals",
    file: "container/foreground.ts",
    replace: "signal !== SIGURG",
    by: "false",
    tests: ["run: run forwards SIGTERM to the program"],
  },
  {
    name: "run reaps nobody but the program",
    file: "container/foreground.ts",
    replace: "reapOthers(child.pid)",
    by: "undefined",
    tests: ["run: run adopts and reaps orphans of the program"],
  },
  {
    name: "run leaves the orphans to the caller",
    file: "container/foreground.ts",
    replace: "if (subreaper) setChildSubreaper();",
    by: "",
    tests: ["run: run adopts and reaps orphans of the program"],
  },
  {
    name: "run does not delete the container",
    file: "cli/commands/run.ts",
    replace: '!args.has("keep")',
    by: "false",
    tests: ["run: run creates, starts, waits and deletes"],
  },
  {
    name: "run --keep deletes the container",
    file: "cli/commands/run.ts",
    replace: '!args.has("keep")',
    by: "true",
    tests: ["run: run --keep leaves the stopped container"],
  },

  // --- process ---
  {
    name: "the umask is not set",
    file: "process/apply.ts",
    replace: "umask(mask);",
    by: "",
    tests: ["process: the program has umask 0027 when configured"],
  },
  {
    name: "the caller's supplementary groups are kept",
    file: "process/apply.ts",
    replace: "setGroups(groups)",
    by: "undefined",
    tests: ["process: the program has exactly the configured supplementary groups"],
  },
  {
    name: "the program gets its group's number as its user's",
    file: "process/plan.ts",
    replace: "user.uid",
    by: "user.gid",
    tests: ["process: the program runs as the configured user and group"],
  },
  {
    name: "HOME is not completed",
    file: "process/apply.ts",
    replace: '(valueOf(env, "HOME") ?? "") !== ""',
    by: "true",
    tests: ["process: HOME is taken from the container's passwd when the configuration has none"],
  },
  {
    name: "the working directory is ignored",
    file: "process/apply.ts",
    replace: "checkDirectory();",
    by: 'chdir("/");',
    tests: ["process: the program starts in the configured directory"],
  },
  {
    name: "PATH is ignored",
    file: "init/program.ts",
    replace: "findProgram(process.args[0] as string, env)",
    by: "findProgram(process.args[0] as string, [])",
    tests: ["process: the program is found on the PATH of its environment"],
  },
  {
    name: "the program gets a descriptor too many",
    file: "linux/file.ts",
    replace: "closeFrom(number + 1);",
    by: "dupTo(new Fd(0), number + 1);",
    tests: ["process: the program has descriptors 0, 1 and 2 and no other"],
  },
  {
    name: "a preserved descriptor is closed",
    file: "init/program.ts",
    replace: "number < 3 + preserveFds",
    by: "number < 2 + preserveFds",
    tests: ["process: --preserve-fds passes so many descriptors from 3 on"],
  },
  {
    name: "signals stay blocked",
    file: "init/program.ts",
    replace: "setSignalMask(0n);",
    by: "",
    tests: ["process: no signal is blocked and none ignored in the program"],
  },
  {
    name: "SIGPIPE stays ignored",
    file: "init/program.ts",
    replace: "resetDispositions();",
    by: "",
    tests: ["process: no signal is blocked and none ignored in the program"],
  },
  {
    name: "the program stays in the caller's session",
    file: "init/run.ts",
    replace: "setsid();",
    by: "",
    tests: ["process: the program leads a session of its own"],
  },
  {
    name: "resource limits are not set",
    file: "init/program.ts",
    replace: "setLimits(process.limits);",
    by: "",
    tests: ["process: the program has the configured resource limits"],
  },
  {
    name: "box's own core limit stays",
    file: "init/program.ts",
    replace: "restoreCoreLimit();",
    by: "",
    tests: ["process: the program has the caller's core limit"],
  },
  {
    name: "oom_score_adj is not set",
    file: "container/create.ts",
    replace: "oomScoreAdj !== undefined",
    by: "false",
    tests: ["process: the program has the configured oom_score_adj"],
  },

  // --- privileges ---
  {
    name: "the bounding set is kept",
    file: "init/program.ts",
    replace: 'within("process.capabilities", () => limitBoundingSet(security.capabilities));',
    by: "",
    tests: ["process: root has exactly the configured capabilities"],
  },
  {
    name: "ambient capabilities are not raised",
    file: "security/plan.ts",
    replace: 'set("ambient")',
    by: '"0"',
    tests: ["process: an ordinary user keeps the ambient capabilities through execve"],
  },
  {
    name: "every inheritable capability becomes ambient",
    file: "security/plan.ts",
    replace: 'set("ambient")',
    by: 'set("inheritable")',
    tests: ["process: an inheritable capability is not ambient when it is not configured to be"],
  },
  {
    name: "no_new_privs is not set",
    file: "init/program.ts",
    replace: "if (security.noNewPrivileges) forbidNewPrivileges();",
    by: "",
    tests: ["process: no_new_privs is 1 when configured true"],
  },
  {
    name: "no_new_privs is always set",
    file: "init/program.ts",
    replace: "if (security.noNewPrivileges) forbidNewPrivileges();",
    by: "forbidNewPrivileges();",
    tests: ["process: no_new_privs is 0 when configured false"],
  },
  {
    name: "the caller's session keyring is kept",
    file: "init/run.ts",
    replace: "if (plan.program?.security.newKeyring === true) leaveKeyring();",
    by: "",
    tests: ["process: the program has a session keyring of its own"],
  },

  // --- namespaces ---
  {
    name: "no ipc namespace is made",
    file: "handshake/spawn.ts",
    replace: 'kind !== "cgroup" && kind !== "time"',
    by: 'kind !== "cgroup" && kind !== "time" && kind !== "ipc"',
    tests: ["namespaces: the ipc namespace is new when it is asked for"],
  },
  {
    name: "no pid namespace is made",
    file: "handshake/spawn.ts",
    replace: 'kind !== "cgroup" && kind !== "time"',
    by: 'kind !== "cgroup" && kind !== "time" && kind !== "pid"',
    tests: ["namespaces: the pid namespace is new when it is asked for"],
  },
  {
    name: "no network namespace is made",
    file: "handshake/spawn.ts",
    replace: 'kind !== "cgroup" && kind !== "time"',
    by: 'kind !== "cgroup" && kind !== "time" && kind !== "net"',
    tests: ["namespaces: the network namespace is new when it is asked for"],
  },
  {
    name: "no cgroup namespace is made",
    file: "init/run.ts",
    replace: 'namespaces.create.includes("cgroup")',
    by: "false",
    tests: ["namespaces: the cgroup namespace is new when it is asked for"],
  },
  {
    name: "a namespace at a path is not joined",
    file: "init/run.ts",
    replace:
      "for (const one of openJoins(namespaces.join.filter(({ kind }) => !enteredBeforeInit.has(kind)))) join(one);",
    by: "",
    tests: ["namespaces: the ipc namespace at a path is joined"],
  },
  {
    name: "the hostname is not set",
    file: "namespaces/apply.ts",
    replace: "if (ops.hostname !== undefined) setHostname(ops.hostname);",
    by: "",
    tests: ["namespaces: hostname and domainname are set in the new uts namespace alone"],
  },
  {
    name: "the domainname is not set",
    file: "namespaces/apply.ts",
    replace: "if (ops.domainname !== undefined) setDomainname(ops.domainname);",
    by: "",
    tests: ["namespaces: domainname is set"],
  },
  {
    name: "loopback stays down",
    file: "namespaces/apply.ts",
    replace: 'setLinkUp("lo")',
    by: "undefined",
    tests: ["namespaces: the loopback device of a new network namespace is up"],
  },
  {
    name: "kernel parameters are not written",
    file: "init/run.ts",
    replace: "writeSysctls(plan.sysctl);",
    by: "",
    tests: ["namespaces: a sysctl is set in the new namespace alone"],
  },
  {
    name: "ids inside and outside are swapped",
    file: "container/id-maps.ts",
    replace: "`${containerId} ${hostId} ${size}\\n`",
    by: "`${hostId} ${containerId} ${size}\\n`",
    tests: ["namespaces: the program sees the mapped ids in a user namespace"],
  },

  // --- file system ---
  {
    name: "the root stays writable",
    file: "rootfs/apply.ts",
    replace: 'if (ops.readonly) setMountAttributes(root.fd, false, { set: MOUNT_ATTR_RDONLY }, "/");',
    by: "",
    tests: ["file system: the root is read-only when configured"],
  },
  {
    name: "the last masked path is not masked",
    file: "rootfs/apply.ts",
    replace: "ops.maskedPaths",
    by: "ops.maskedPaths.slice(0, -1)",
    tests: ["file system: a masked file reads empty"],
  },
  {
    name: "a masked directory can be written",
    file: "rootfs/masks.ts",
    replace: "context.mount(MOUNT_ATTR_RDONLY)",
    by: "context.mount(0)",
    tests: ["file system: a masked directory is empty and cannot be written"],
  },
  {
    name: "the first read-only path stays writable",
    file: "rootfs/apply.ts",
    replace: "ops.readonlyPaths",
    by: "ops.readonlyPaths.slice(1)",
    tests: ["file system: a read-only path cannot be written, and what lies below neither"],
  },
  {
    name: "a mount below a read-only path stays writable",
    file: "rootfs/masks.ts",
    replace: "setMountAttributes(mount, true, { set: MOUNT_ATTR_RDONLY }, path)",
    by: "setMountAttributes(mount, false, { set: MOUNT_ATTR_RDONLY }, path)",
    tests: ["file system: a mount below a read-only path cannot be written"],
  },
  {
    name: "mounts are made in reverse",
    file: "rootfs/plan.ts",
    replace: "each(mounts, (mount, index) => planMount(mount, `mounts[${index}]`, context))",
    by: "each(mounts, (mount, index) => planMount(mount, `mounts[${index}]`, context)).reverse()",
    tests: ["file system: later mounts hide earlier ones"],
  },
  {
    name: "nosuid is dropped",
    file: "rootfs/options.ts",
    replace: '{ flag: "nosuid", on: true }',
    by: "{ nothing: true }",
    tests: ["file system: a tmpfs has the options nosuid"],
  },
  {
    name: "options of bind mounts are dropped",
    file: "rootfs/attributes.ts",
    replace: "if (set.length === 0 && clear.length === 0 && atime === undefined) return;",
    by: "return;",
    tests: ["file system: a read-only bind mount cannot be written"],
  },
  {
    name: "devices get the caller's umask",
    file: "rootfs/device-nodes.ts",
    replace: "umask(0)",
    by: "umask(0o022)",
    tests: ["file system: a configured device has its numbers, mode and owner, whatever the umask"],
  },
  {
    name: "a device's owner and group are swapped",
    file: "rootfs/device-nodes.ts",
    replace: "chown(node, uid, gid, name)",
    by: "chown(node, gid, uid, name)",
    tests: ["file system: a configured device has its numbers, mode and owner, whatever the umask"],
  },
  {
    name: "default devices are missing",
    file: "rootfs/plan.ts",
    replace: "boundDev ? [] : defaultDevices.filter(({ path }) => !paths.has(path))",
    by: "[]",
    tests: ["file system: the default devices are there"],
  },
  {
    name: "links in /dev are missing",
    file: "rootfs/apply.ts",
    replace: "makeLinks(root);",
    by: "",
    tests: ["file system: /dev/fd leads to /proc/self/fd"],
  },
  {
    name: "device rules are not applied",
    file: "cgroups/cgroup.ts",
    replace: "if (rules.length === 0) return;",
    by: "return;",
    tests: ["file system: a device that the cgroup does not allow cannot be opened"],
  },
  {
    name: "device rules allow nothing",
    file: "cgroups/cgroup.ts",
    replace: 'rule.allow ? "devices.allow" : "devices.deny"',
    by: '"devices.deny"',
    tests: ["file system: the default devices work"],
  },
  {
    name: "the old root stays mounted",
    file: "rootfs/apply.ts",
    replace: 'detach(".");',
    by: "",
    tests: ["file system: the container has exactly the configured mounts"],
  },
  {
    name: "the root's propagation is not set",
    file: "rootfs/apply.ts",
    replace:
      'if (ops.propagation.kind !== "slave" || !ops.propagation.recursive) changePropagation(root.fd, ops.propagation, "/");',
    by: "",
    tests: ["file system: the root has propagation shared when configured"],
  },

  // --- hooks ---
  {
    name: "hooks run in reverse",
    file: "hooks/apply.ts",
    replace: "for (const hook of hooks) runHook(hook, state);",
    by: "for (const hook of [...hooks].reverse()) runHook(hook, state);",
    tests: ["hooks: all kinds run in the order of the life cycle, and in the listed order within a kind"],
  },
  {
    name: "createRuntime hooks run before prestart",
    file: "container/create.ts",
    replace:
      'this.#runHostHooks("prestart", "creating", child.pid);\n        this.#runHostHooks("createRuntime", "creating", child.pid);',
    by: 'this.#runHostHooks("createRuntime", "creating", child.pid);\n        this.#runHostHooks("prestart", "creating", child.pid);',
    tests: ["hooks: all kinds run in the order of the life cycle, and in the listed order within a kind"],
  },
  {
    name: "a hook gets no state",
    file: "hooks/apply.ts",
    replace: "encodeUtf8(state)",
    by: 'encodeUtf8(" ")',
    tests: ["hooks: prestart gets the state on its standard input"],
  },
  {
    name: "poststart is told another status",
    file: "container/start.ts",
    replace: 'hookState(record, "running", record.init?.pid ?? 0)',
    by: 'hookState(record, "created", record.init?.pid ?? 0)',
    tests: ["hooks: poststart is told the status running"],
  },
  {
    name: "a hook's time-out is ignored",
    file: "hooks/apply.ts",
    replace: "hook.timeout === undefined ? undefined : monotonicMilliseconds() + hook.timeout * 1000",
    by: "undefined",
    tests: ["hooks: create fails and leaves nothing when a createRuntime hook exceeds its timeout"],
  },
  {
    name: "a hook's failure is ignored",
    file: "hooks/apply.ts",
    replace: "if (end.code !== 0) throw new BoxError(`exit status ${end.code}${said}`);",
    by: "",
    tests: ["hooks: create fails and leaves nothing when a prestart hook exits with a status"],
  },
  {
    name: "a hook's environment is not its own",
    file: "hooks/apply.ts",
    replace: "prepareExecution(hook.args, hook.env)",
    by: 'prepareExecution(hook.args, [...hook.env, "BOX=1"])',
    tests: ["hooks: a hook gets its arguments and its environment, and no other"],
  },
  {
    name: "startContainer hooks do not run",
    file: "init/run.ts",
    replace: 'runHooks(hooks.startContainer, stateFor(identity, "created"))',
    by: "undefined",
    tests: ["hooks: startContainer runs during start"],
  },
  {
    name: "poststop hooks do not run",
    file: "container/delete.ts",
    replace: 'runHook(hook, hookState(record, "stopped", 0));',
    by: "",
    tests: ["hooks: poststop runs during delete"],
  },
  {
    name: "a failed poststop hook ends delete",
    file: "container/delete.ts",
    replace: "options.warn(messageOf(thrown));",
    by: "throw thrown;",
    tests: ["hooks: delete succeeds and the other hooks run when a poststop hook fails"],
  },

  // --- security ---
  {
    name: "an init that waits holds what create had open",
    file: "init/run.ts",
    replace: "closeAllBut(3 + (plan.program?.preserveFds ?? 0), kept);",
    by: "",
    tests: ["security: an init that waits holds nothing of the host's but its standard streams"],
  },
  {
    name: "another user's directory is taken for a container",
    file: "container/store.ts",
    replace: "uid === geteuid() || uid === 0",
    by: "true",
    tests: ["security: in a state root where others can make directories, theirs are not containers"],
  },
  {
    name: "/proc is bound where a link of the image leads",
    file: "rootfs/mounts.ts",
    replace:
      "isViewPlace(op.destination)\n      ? root.realDirectory(op.destination)\n      : root.directory(op.destination)",
    by: "root.directory(op.destination)",
    tests: ["security: a bind of /proc is refused where the image has a link of that name"],
  },
  {
    name: "a run that fails leaves its pid file",
    file: "cli/commands/run.ts",
    replace: "removePidFile(pidFile)",
    by: "undefined",
    tests: ["security: a run that fails leaves no pid file"],
  },

  // --- list and log ---
  {
    name: "list omits a container",
    file: "cli/commands/list.ts",
    replace: "(ids ?? []).flatMap((id) => readState(id, context))",
    by: "(ids ?? []).slice(1).flatMap((id) => readState(id, context))",
    tests: ["list: list --format json prints the state of every container"],
  },
  {
    name: "list ends at a damaged record",
    file: "cli/commands/list.ts",
    replace: "if (!(thrown instanceof BoxError)) throw thrown;",
    by: "throw thrown;",
    tests: ["record: list shows the others when one record is damaged"],
  },
  {
    name: "a line of the JSON log is cut",
    file: "base/log.ts",
    replace: "printable(JSON.stringify({ level, msg: message, time: now(), ...details }))",
    by: "printable(JSON.stringify({ level, msg: message, time: now(), ...details })).slice(0, -1)",
    tests: ["command line: --log-format json writes one object with level, message and time"],
  },
  {
    name: "an id of 256 bytes is taken",
    file: "container/id.ts",
    replace: "id.length > maxLength",
    by: "id.length > maxLength + 1",
    tests: ["command line: state refuses an id that is 256 bytes"],
  },
  {
    name: "an id of two full stops is taken",
    file: "container/id.ts",
    replace: 'id === ".."',
    by: "false",
    tests: ["command line: state refuses an id that is two full stops"],
  },
  // --- trace ---
  {
    name: "the trace of init ends with the clone",
    file: "linux/file.ts",
    replace: "interposed()?.fd",
    by: "undefined as number | undefined",
    tests: ["trace: a created init goes on in the file of create until the program is executed"],
  },
  {
    name: "a trace follows links",
    file: "main.ts",
    replace: "O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW",
    by: "O_WRONLY | O_CREAT | O_APPEND",
    tests: ["trace: a trace that cannot be opened is an error, and a link is not followed"],
  },
];
