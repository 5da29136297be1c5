/**
 * Performs the plan of `create` and `run` on the host side.
 *
 * Every object is recorded before it is made, and undone in reverse when anything fails. When this process is killed,
 * init goes with it, and the record that remains is all that `delete --force` needs.
 */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { hookState, specState } from "../base/spec-state.ts";
import { step } from "../base/steps.ts";
import { makeCgroup, type NewCgroup } from "../cgroups/driver.ts";
import { killAndWait } from "../cgroups/processes.ts";
import { type CgroupRecord, recordOf } from "../cgroups/record.ts";
import { removeCgroup } from "../cgroups/removal.ts";
import { Proc } from "../fs/proc.ts";
import { Channel } from "../handshake/channel.ts";
import { socketName } from "../handshake/gate.ts";
import { asFromInit, asToInit, type FromInit, stepTimeout, type ToInit } from "../handshake/messages.ts";
import { spawnInit } from "../handshake/spawn.ts";
import { runHooks } from "../hooks/apply.ts";
import { runInit } from "../init/run.ts";
import { timestamp } from "../linux/clock.ts";
import { O_PATH } from "../linux/constants.ts";
import { geteuid } from "../linux/cred.ts";
import { load } from "../linux/engine.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import type { PendingNamespace } from "../linux/namespace.ts";
import { type Child, killAndReap } from "../linux/process.ts";
import { listenIn, socketPair } from "../linux/socket.ts";
import type { NetDevices } from "../namespaces/net-devices.ts";
import type { Plan } from "../plan/plan.ts";
import { setPriorities } from "../process/priority.ts";
import type { ResctrlOps } from "../resctrl/ops.ts";
import { closeSources, openByCaller } from "../rootfs/sources.ts";
import { obtainFilter } from "../seccomp/obtain.ts";
import type { SeccompOps } from "../seccomp/ops.ts";
import type { Agent } from "./agent.ts";
import { writeIdMaps } from "./id-maps.ts";
import {
  awaitExecution,
  connectAgent,
  firstCause,
  hear,
  type InitChannel,
  sendUnlessGone,
  withMemoryHint,
} from "./launch.ts";
import { bootId, executedFile, identifyChild, ownIdentity } from "./processes.ts";
import { type ContainerRecord, type ProcessId, recordVersion } from "./record.ts";
import { Rollback } from "./rollback.ts";
import type { Entry, Store } from "./store.ts";

export interface CreateRequest {
  readonly plan: Plan;
  /** The configuration as it was read. */
  readonly config: Uint8Array;
  /** The network namespace, where it was begun before the plan. */
  readonly networkAhead: PendingNamespace | undefined;
  /** Whether the program starts at once (`run`). */
  readonly startNow: boolean;
  /** Takes the terminal's master, for programs that have one. */
  readonly takeTerminal: (master: Fd) => void;
  /** Makes what else the container's directory is to have, before anything looks for it. */
  readonly furnish: ((directory: Fd) => void) | undefined;
  /** Called with init's pid once the container is there; what it throws undoes everything. */
  readonly publish: (child: Child) => void;
  /** Takes back what `publish` has made known. */
  readonly retract: () => void;
  readonly warn: (message: string) => void;
  readonly debug: (message: string) => void;
}

export interface CreatedContainer {
  readonly record: ContainerRecord;
  readonly child: Child;
}

/**
 * The operations Create and, with `startNow`, Start of runtime.md. The returned child is this process's, its pidfd the
 * caller's.
 * @throws BoxError when all that was made is undone again, with what could not be undone
 */
export function createContainer(store: Store, request: CreateRequest): CreatedContainer {
  const { identity } = request.plan.init;
  return within(
    () => `${request.startNow ? "run" : "create"} ${quote(identity.id)}`,
    () => {
      const seccomp = request.plan.init.program?.seccomp;
      const filter = seccomp && filterOf(seccomp, store, request);
      using agent = request.startNow && seccomp?.listener ? connectAgent(seccomp.listener) : undefined;
      const spare = spareDescriptors();
      const rollback = new Rollback();
      try {
        const creation = new Creation(store.create(identity.id), request, { filter, agent }, rollback);
        return withMemoryHint(creation.cgroup, () => creation.perform());
      } catch (thrown) {
        closeAll(spare);
        throw rollback.failed(thrown);
      } finally {
        closeAll(spare);
      }
    },
  );
}

/** Compiled before anything is made: a profile can be wrong in ways that only libseccomp knows. */
function filterOf({ profile }: SeccompOps, store: Store, { warn, debug }: CreateRequest): Uint8Array {
  step("filter");
  const { program, unknown, unenforced } = obtainFilter(profile, () => store.cache("seccomp"));
  if (unknown.length > 0) debug(`linux.seccomp.syscalls: unknown system calls: ${unknown.join(", ")}`);
  if (unenforced.length > 0) warn(`linux.seccomp.syscalls: not forbidden, as unknown here: ${unenforced.join(", ")}`);
  return program;
}

/** What the system-call filter needs on its way. */
interface Filtering {
  readonly filter: Uint8Array | undefined;
  /** Where the program starts at once and an agent is to be asked. */
  readonly agent: Agent | undefined;
}

/**
 * Holds descriptors back for the undoing: a failure for want of them could not be undone otherwise. It takes a cgroup's
 * hierarchy, its parent, itself and one of its files at a time.
 */
function spareDescriptors(): readonly Fd[] {
  return Array.from({ length: 4 }, () => open("cwd", "/", O_PATH));
}

/** One creation under way. */
class Creation {
  readonly #entry: Entry;
  readonly #request: CreateRequest;
  readonly #plan: Plan;
  readonly #filtering: Filtering;
  readonly #rollback: Rollback;
  #record: ContainerRecord;
  #netDevices: NetDevices | undefined;
  #ownedCgroup: CgroupRecord | undefined;

  constructor(entry: Entry, request: CreateRequest, filtering: Filtering, rollback: Rollback) {
    rollback.add(() => entry.remove());
    this.#entry = entry;
    this.#request = request;
    this.#plan = request.plan;
    this.#filtering = filtering;
    this.#rollback = rollback;
    this.#record = firstRecord(request.plan);
  }

  get cgroup(): CgroupRecord | null {
    return this.#record.cgroup;
  }

  perform(): CreatedContainer {
    const { startNow, furnish, publish, retract } = this.#request;
    step("record");
    this.#entry.write(this.#record);
    furnish?.(this.#entry.directory);
    const listener = startNow ? undefined : listenIn(this.#entry.directory, socketName);
    const { child, channel, cgroup } = this.#spawn(listener);
    listener?.close();
    using host = channel;
    step("maps, cgroup, devices");
    try {
      this.#place(child, channel, cgroup);
    } catch (thrown) {
      // With init its cgroup may go, which systemd removes, and what is in /proc.
      throw firstCause(channel, thrown);
    }
    cgroup?.[Symbol.dispose]();
    step("record");
    // Init is at work meanwhile: what it does not need is done now.
    this.#entry.saveConfig(this.#request.config);
    const init = identifyChild(child) ?? null;
    const initFile = executedFile("self") ?? null;
    if (this.#waitsForInit()) {
      step("wait for init");
      this.#untilReady(child, channel, init);
    }
    step("record");
    // Once it is there, whoever reads what `publish` tells may start it: nothing is written after that.
    this.#save(startNow ? { phase: "launching", init, initFile } : { phase: "created", owner: null, init, initFile });
    this.#rollback.add(retract);
    publish(child);
    sendUnlessGone(host, { type: "commit", start: startNow });
    if (startNow) {
      step("wait for the program");
      const { startContainer, createContainer } = this.#plan.init.hooks;
      const timeout = startContainer.length + createContainer.length > 0 ? undefined : stepTimeout;
      awaitExecution(host, { pid: child.pid, timeout, takeListener: this.#takeListener(child.pid) });
      this.#saveIfThere({ phase: "running", owner: null });
      this.#runHostHooks("poststart", "running", child.pid);
    }
    this.#netDevices?.[Symbol.dispose]();
    return { record: this.#record, child };
  }

  #takeListener(pid: number): ((listener: Fd) => void) | undefined {
    const { agent } = this.#filtering;
    return agent && ((listener) => agent.hand(listener, pid, specState(this.#record, "created", pid)));
  }

  /** Whether init has to say when it is ready. Else it finds the word to go on to the program in the socket already. */
  #waitsForInit(): boolean {
    const { hooks, program } = this.#plan.init;
    const hostHooks = hooks.prestart.length + hooks.createRuntime.length;
    return !this.#request.startNow || hostHooks > 0 || program?.process.terminal !== undefined;
  }

  /** Writes the record with some fields changed. @throws BoxError when the container was deleted meanwhile */
  #save(change: Partial<ContainerRecord>): void {
    using _lock = this.#entry.lock();
    this.#write(change);
  }

  /** As #save; a program that ran and was deleted with its container is no failure of ours. */
  #saveIfThere(change: Partial<ContainerRecord>): void {
    const lock = this.#entry.tryLock(true);
    if (lock === undefined || lock === "held") return;
    using _lock = lock;
    this.#write(change);
  }

  #write(change: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#entry.write(this.#record);
  }

  #spawn(listener: Fd | undefined): { child: Child; channel: InitChannel; cgroup: NewCgroup | undefined } {
    const { cgroup: cgroupOps } = this.#plan.parent;
    const { init } = this.#plan;
    step("cgroup");
    const cgroup = cgroupOps === undefined ? undefined : makeCgroup(cgroupOps);
    if (cgroup?.isMade === true) this.#ownCgroup(cgroup);
    step("clone");
    const sources = openByCaller(init.rootfs);
    const [ours, theirs] = socketPair();
    let child: Child;
    try {
      child = spawnInit(init.namespaces, cgroup?.birthplace, this.#request.networkAhead, (outside) => {
        ours.close();
        cgroup?.[Symbol.dispose]();
        return runInit({
          plan: init,
          host: new Channel<FromInit, ToInit>(theirs, asToInit),
          listener,
          outside,
          sources,
          placedLater: this.#placesLater(cgroup),
          announces: this.#waitsForInit(),
          // Not asked for here: in a user namespace the answer is another as soon as the maps are written.
          privileged: this.#record.uid === 0,
          filter: this.#filtering.filter,
        });
      });
    } finally {
      theirs.close();
      closeSources(sources);
    }
    this.#rollback.add(() => this.#killInit(child));
    this.#request.debug(
      `init is process ${child.pid}${cgroupOps === undefined ? "" : `, its cgroup ${cgroupOps.path}`}`,
    );
    return { child, channel: new Channel<ToInit, FromInit>(ours, asFromInit), cgroup };
  }

  /** From now on it is ours to remove: what was there before and refused must not be touched. */
  #ownCgroup(made: NewCgroup): void {
    const { cgroup } = this.#record;
    if (cgroup === null) return;
    this.#ownedCgroup = cgroup;
    this.#rollback.add(() => {
      removeCgroup(cgroup);
      made.removeParents();
    });
  }

  #placesLater(cgroup: NewCgroup | undefined): boolean {
    const { init, parent } = this.#plan;
    return cgroup?.entersLater === true || init.namespaces.create.includes("user") || parent.netDevices.length > 0;
  }

  #killInit({ pidfd }: Child): void {
    killAndReap(pidfd);
    if (this.#ownedCgroup !== undefined) killAndWait(this.#ownedCgroup);
  }

  /** What only the host side can do for init. */
  #place(child: Child, channel: InitChannel, cgroup: NewCgroup | undefined): void {
    const { pid } = child;
    const { cgroup: cgroupOps, oomScoreAdj } = this.#plan.parent;
    if (this.#plan.init.namespaces.create.includes("user")) writeIdMaps(pid, this.#plan.init.namespaces);
    if (cgroup?.isMade === false) {
      cgroup.make(pid);
      this.#ownCgroup(cgroup);
    }
    if (cgroup?.limitsFirst === true && cgroupOps !== undefined) cgroup.limit(cgroupOps);
    if (cgroup?.entersLater === true) cgroup.enter(pid);
    if (this.#plan.parent.netDevices.length > 0) this.#moveNetDevices(child);
    // Before init takes the ids of its user namespace, for a change of ids closes /proc/PID to a caller that is not root.
    if (oomScoreAdj !== undefined) {
      const proc = Proc.host();
      within("process.oomScoreAdj", () => proc.write(`${pid}/oom_score_adj`, `${oomScoreAdj}`));
    }
    if (this.#placesLater(cgroup)) sendUnlessGone(channel, { type: "placed" });
    if (cgroup?.limitsFirst === false && cgroupOps !== undefined) cgroup.limit(cgroupOps);
    if (this.#plan.parent.resctrl !== undefined) this.#enterResctrl(this.#plan.parent.resctrl, pid);
    const process = this.#plan.init.program?.process;
    if (process !== undefined) setPriorities(pid, process);
  }

  #enterResctrl(ops: ResctrlOps, pid: number): void {
    const apply = load("resctrl/apply") as typeof import("../resctrl/apply.ts");
    const resctrl = apply.recordResctrl(ops);
    this.#save({ resctrl });
    this.#rollback.add(() => apply.removeResctrl(resctrl));
    apply.enterResctrl(ops, resctrl, pid);
  }

  #moveNetDevices(child: Child): void {
    const { init, parent } = this.#plan;
    const joined = init.namespaces.join.find(({ kind }) => kind === "net");
    // Held until the container is there: with init its namespace would go, and the devices with that.
    const { NetDevices } = load("namespaces/net-devices") as typeof import("../namespaces/net-devices.ts");
    const devices = new NetDevices(joined?.path ?? `/proc/${child.pid}/ns/net`);
    this.#netDevices = devices;
    this.#rollback.add(() => {
      // A program that runs already could put another device in the place of one.
      this.#killInit(child);
      devices.giveBack();
    });
    for (const device of parent.netDevices) devices.move(device);
  }

  #untilReady(child: Child, channel: InitChannel, init: ProcessId | null): void {
    const { hooks } = this.#plan.init;
    for (;;) {
      const { message, fds } = hear(
        channel,
        hooks.createContainer.length > 0 ? undefined : stepTimeout,
        "set up the container",
      );
      if (message.type === "hooks") {
        this.#save({ init });
        this.#runHostHooks("prestart", "creating", child.pid);
        this.#runHostHooks("createRuntime", "creating", child.pid);
        channel.send({ type: "hooked" });
      } else if (message.type === "ready") {
        const master = fds[0];
        if (master !== undefined) this.#request.takeTerminal(master);
        return;
      } else throw new BoxError(`handshake: ${message.type} came where ready was due`);
    }
  }

  /** Hooks run without the lock: they may call box, and a hanging one must not stand in the way of `delete --force`. */
  #runHostHooks(kind: "prestart" | "createRuntime" | "poststart", status: "creating" | "running", pid: number): void {
    const hooks = this.#plan.init.hooks[kind];
    if (hooks.length > 0) runHooks(hooks, hookState(this.#record, status, pid), { onHost: true });
  }
}

function firstRecord({ init, parent }: Plan): ContainerRecord {
  const { identity, namespaces, hooks, program } = init;
  return {
    version: recordVersion,
    ...identity,
    created: timestamp(),
    phase: "creating",
    bootId: bootId(),
    owner: ownIdentity(),
    init: null,
    initFile: null,
    cgroup: parent.cgroup === undefined ? null : recordOf(parent.cgroup),
    resctrl: null,
    startable: program !== undefined,
    listener: program?.seccomp?.listener ?? null,
    ownPidNamespace: namespaces.create.includes("pid"),
    newKeyring: program?.security.newKeyring ?? true,
    uid: geteuid(),
    exitStatus: null,
    hooks: { poststart: hooks.poststart, poststop: hooks.poststop },
  };
}
