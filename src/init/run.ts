/**
 * The container's first process, from the clone to the program: everything that runs inside the new namespaces.
 *
 * It is a copy of the process that was called, so the plan is in memory already. Whatever fails is told to the host side
 * and ends it; it never returns.
 */
import { BoxError } from "../base/errors.ts";
import { once } from "../base/once.ts";
import { hookState } from "../base/spec-state.ts";
import { nameProcess, step } from "../base/steps.ts";
import { awaitStart } from "../handshake/gate.ts";
import { stepTimeout } from "../handshake/messages.ts";
import type { Outside } from "../handshake/spawn.ts";
import { runHooks } from "../hooks/apply.ts";
import { SIGKILL } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { closeAllBut, fchdir } from "../linux/file.ts";
import { unshare } from "../linux/namespace.ts";
import { exit, getpid, setDumpable, setParentDeathSignal, setsid } from "../linux/process.ts";
import { everySignal, setSignalMask, signalFd } from "../linux/signal.ts";
import {
  becomeContainerRoot,
  copyForeignMounts,
  enterNetwork,
  enterTimeNamespace,
  joinAll,
  joinedByInit,
  openJoins,
  prepareNamespaces,
  writeSysctls,
} from "../namespaces/apply.ts";
import type { InitPlan } from "../plan/plan.ts";
import { expectProgram, makeDirectoryIn, releaseAffinity, setDomains } from "../process/apply.ts";
import { enterRootfs, prepareRootfs, type Sources } from "../rootfs/apply.ts";
import { type LabelFile, labelKeys, leaveKeyring, openLabels } from "../security/apply.ts";
import { expect, type HostChannel, report } from "./host-channel.ts";
import { becomeProgram } from "./program.ts";

/** What init holds besides its plan. */
export interface InitSetup {
  readonly plan: InitPlan;
  /** To the process that made it. */
  readonly host: HostChannel;
  /** Bound to init.sock; absent when the program starts at once. */
  readonly listener: Fd | undefined;
  /** Namespaces that were opened outside. */
  readonly outside: Outside;
  /** What the host side has opened of the mounts. */
  readonly sources: Sources;
  /** Whether the host side says when this process is in its cgroup. */
  readonly placedLater: boolean;
  /** Whether the host side waits for the word that the container is ready. */
  readonly announces: boolean;
  /** Whether the caller is root: then nobody needs to look into this process. */
  readonly privileged: boolean;
  /** The compiled filter of the program. */
  readonly filter: Uint8Array | undefined;
}

/** From the clone to the program. It ends with 1 when the host side has been told of what failed. */
export function runInit(setup: InitSetup): never {
  let channel = setup.host;
  try {
    const labels = openLabels(setup.plan.program?.security.labels ?? []);
    channel = setUpContainer(setup, labels);
    startProgram(setup, labels, channel);
  } catch (thrown) {
    report(channel, thrown);
  }
  exit(1);
}

/** The part of `create`: returns the channel over which the program's start is to be reported. */
function setUpContainer(setup: InitSetup, labels: readonly LabelFile[]): HostChannel {
  const { plan, host, listener } = setup;
  nameProcess("init");
  step("namespaces");
  setParentDeathSignal(SIGKILL);
  if (setup.privileged) setDumpable(false);
  setSignalMask(everySignal);
  setsid();

  const { namespaces } = plan;
  const isNewUser = namespaces.create.includes("user");
  const placed = placement(setup);
  const inUserNamespace = isNewUser || namespaces.join.some(({ kind }) => kind === "user");
  if (isNewUser) placed();
  // As root of the host, whose file the offsets are while nobody may look into this process.
  enterTimeNamespace(namespaces);
  if (inUserNamespace) becomeContainerRoot();
  if (plan.program?.security.newKeyring === true) {
    labelKeys(plan.program.security.labels);
    leaveKeyring();
  }
  joinAll(openJoins(joinedByInit(namespaces)));
  const { network, foreignMounts } = setup.outside;
  if (network !== undefined) enterNetwork(network);
  if (foreignMounts !== undefined) copyForeignMounts(namespaces, foreignMounts);
  prepareNamespaces(namespaces, network !== undefined);

  // The cgroup namespace is rooted where the process is when it is made, so not before it is in its cgroup.
  const enterCgroupNamespace = once(() => {
    placed();
    if (namespaces.create.includes("cgroup")) unshare(["cgroup"]);
  });
  const prepared = prepareRootfs(plan.rootfs, {
    sources: setup.sources,
    beforeCgroupView: enterCgroupNamespace,
  });
  enterCgroupNamespace();
  releaseAffinity();
  if (plan.program !== undefined) setDomains(plan.program.process);
  step("terminal, sysctl");
  const terminal = plan.program?.process.terminal;
  const console = () => load("console/apply") as typeof import("../console/apply.ts");
  const pty = terminal === undefined ? undefined : console().openTerminal(prepared.root, terminal.size);
  if (pty !== undefined) console().coverConsole(prepared.root, pty);
  writeSysctls(plan.sysctl);

  const { hooks } = plan;
  if (hooks.prestart.length + hooks.createRuntime.length > 0) {
    step("wait for the host's hooks");
    host.send({ type: "hooks" });
    expect(host, "hooked", undefined);
  }
  if (hooks.createContainer.length > 0) {
    // They may change the tree before it is entered, and find it where they are.
    fchdir(prepared.root.fd, plan.rootfs.path);
    runHooks(hooks.createContainer, hookState(plan.identity, "creating", getpid()), {});
  }
  const cwd = plan.program?.process.cwd ?? "/";
  // Later the root file system cannot be written to.
  if (plan.rootfs.readonly && cwd !== "/") makeDirectoryIn(prepared.root, cwd);
  enterRootfs(prepared, plan.rootfs, foreignMounts);
  step("program");
  if (listener !== undefined && plan.program !== undefined) expectProgram(plan.program.process);
  // What is left of the host side and its caller would lead out: the state root, the console socket, the log.
  const kept = [
    host.socket,
    ...labels.map(({ file }) => file),
    ...(listener === undefined ? [] : [listener]),
    ...(pty === undefined ? [] : [pty.master, pty.slave]),
  ];
  closeAllBut(3 + (plan.program?.preserveFds ?? 0), kept);

  // From here on the end of the stream tells that the host side is gone: it may end rightly before this process looks.
  setParentDeathSignal(0);
  if (setup.announces) host.send({ type: "ready" }, pty === undefined ? [] : [pty.master]);
  if (pty !== undefined) {
    pty.master.close();
    // Not only at the start: whoever reads what `create` prints waits until nobody holds the other end.
    console().useTerminal(pty.slave, plan.program?.process.uid ?? 0);
  }
  step("wait for the host side");
  const commit = expect(host, "commit", stepTimeout);
  return commit.start || listener === undefined ? host : waitForStart(host, listener, hooks.startContainer.length > 0);
}

/** Waits, at the first need, for the host side to have placed this process. */
function placement({ host, placedLater }: InitSetup): () => void {
  return once(() => {
    if (placedLater) expect(host, "placed", stepTimeout);
  });
}

function waitForStart(host: HostChannel, listener: Fd, hooks: boolean): HostChannel {
  step("wait for start");
  host[Symbol.dispose]();
  using signals = signalFd(everySignal);
  const result = awaitStart(listener, signals);
  if (typeof result === "number") exit(128 + result);
  listener.close();
  result.send({ type: "starting", hooks });
  return result;
}

/** From the word to start to execve. */
function startProgram({ plan, filter }: InitSetup, labels: readonly LabelFile[], host: HostChannel): never {
  const { program, namespaces, hooks, identity } = plan;
  if (program === undefined) throw new BoxError("process: the configuration has none, there is nothing to start");
  becomeProgram({
    program,
    host,
    maySetGroups: !namespaces.denySetgroups,
    labels,
    filter,
    beforeExecution: (restrict, env) => {
      const own = hooks.startContainer.map((hook) => ({ ...hook, env: hook.env ?? env }));
      runHooks(own, hookState(identity, "created", getpid()), { restrict });
    },
  });
}
