/**
 * An exec'd process, from the clone to the program. As init it is a copy of the process that was called, has the plan in
 * memory, tells the host side of whatever fails, and never returns.
 *
 * Processes of the container see it as soon as it is in their pid namespace, so it is not dumpable, and holds nothing
 * of the host's but its standard streams once it has entered.
 */
import { nameProcess, step } from "../base/steps.ts";
import { Root } from "../fs/root.ts";
import { stepTimeout } from "../handshake/messages.ts";
import { O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { load } from "../linux/engine.ts";
import { closeAllBut, open } from "../linux/file.ts";
import { exit, setDumpable, setsid } from "../linux/process.ts";
import { everySignal, setSignalMask } from "../linux/signal.ts";
import { becomeContainerRoot } from "../namespaces/apply.ts";
import type { ExecPlan } from "../plan/exec.ts";
import { setDomains, setFinalAffinity, setInitialAffinity, setOomScore } from "../process/apply.ts";
import type { TerminalOp } from "../process/ops.ts";
import { type LabelFile, labelKeys, leaveKeyring, openLabels } from "../security/apply.ts";
import { expect, type HostChannel, report } from "./host-channel.ts";
import { becomeProgram } from "./program.ts";

export interface ExecSetup {
  readonly plan: ExecPlan;
  /** To the process that made it. */
  readonly host: HostChannel;
  /** Joins the container's namespaces. */
  readonly enter: () => void;
  /** Whether the host side says when this process is in its cgroup, and as privileged as it is to be. */
  readonly placedLater: boolean;
  /** The compiled filter of the program. */
  readonly filter: Uint8Array | undefined;
}

/** What takes the host's /proc, or must be so before anybody in the container sees the process. */
export function prepareToEnter({ program }: ExecPlan): void {
  const { oomScoreAdj } = program.process;
  if (oomScoreAdj !== undefined) setOomScore(oomScoreAdj);
  setInitialAffinity(program.process.affinity);
  setDumpable(false);
}

/** From the clone to the program. It ends with 1 when the host side has been told of what failed. */
export function runExec(setup: ExecSetup): never {
  const { host, filter } = setup;
  try {
    const { program, namespaces } = setup.plan;
    const labels = openLabels(program.security.labels);
    enterContainer(setup, labels);
    const { terminal } = program.process;
    if (terminal !== undefined) takeTerminal(host, terminal, program.process.uid);
    becomeProgram({
      program,
      host,
      maySetGroups: !namespaces.denySetgroups,
      labels,
      filter,
      beforeExecution: () => {},
    });
  } catch (thrown) {
    report(host, thrown);
  }
  exit(1);
}

function enterContainer({ plan, host, enter, placedLater }: ExecSetup, labels: readonly LabelFile[]): void {
  nameProcess("the program");
  step("namespaces");
  setSignalMask(everySignal);
  setsid();
  if (plan.program.security.newKeyring) labelKeys(plan.program.security.labels);
  enter();
  closeAllBut(3 + plan.program.preserveFds, [host.socket, ...labels.map(({ file }) => file)]);
  if (plan.joins.includes("user")) becomeContainerRoot();
  if (plan.program.security.newKeyring) leaveKeyring();
  if (placedLater) expect(host, "placed", stepTimeout);
  setFinalAffinity(plan.program.process.affinity);
  setDomains(plan.program.process);
}

/** A pty of the container's own devpts; the host side has its master before the program writes to it. */
function takeTerminal(host: HostChannel, { size }: TerminalOp, uid: number): void {
  step("terminal");
  using root = open("cwd", "/", O_PATH | O_DIRECTORY);
  const { openTerminal, useTerminal } = load("console/apply") as typeof import("../console/apply.ts");
  const { master, slave } = openTerminal(new Root(root), size);
  host.send({ type: "ready" }, [master]);
  master.close();
  useTerminal(slave, uid);
  expect(host, "commit", stepTimeout);
}
