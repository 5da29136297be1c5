/**
 * An exec'd process, from the clone to the program. As init it is a copy of the process that was called, has the plan in
 * memory, tells the host side of whatever fails, and never returns.
 *
 * Processes of the container see it as soon as it is in their pid namespace, so it is not dumpable, and holds nothing
 * of the host's but its standard streams once it has entered.
 */
import { nameProcess, step } from "../base/steps.ts";
import { openTerminal, useTerminal } from "../console/apply.ts";
import { Root } from "../fs/root.ts";
import { stepTimeout } from "../handshake/messages.ts";
import { O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { closeAllBut, open } from "../linux/file.ts";
import { exit, setDumpable, setsid } from "../linux/process.ts";
import { everySignal, setSignalMask } from "../linux/signal.ts";
import { becomeContainerRoot } from "../namespaces/apply.ts";
import type { ExecPlan } from "../plan/exec.ts";
import { setOomScore } from "../process/apply.ts";
import type { TerminalOp } from "../process/ops.ts";
import { leaveKeyring } from "../security/apply.ts";
import { expect, type HostChannel, report } from "./host-channel.ts";
import { becomeProgram } from "./program.ts";

export interface ExecSetup {
  readonly plan: ExecPlan;
  /** To the process that made it. */
  readonly host: HostChannel;
  /** Joins the container's namespaces. */
  readonly enter: () => void;
  /** Whether the host side says when this process is in its cgroup. */
  readonly placedLater: boolean;
  /** The compiled filter of the program. */
  readonly filter: Uint8Array | undefined;
}

/** What takes the host's /proc, or must be so before anybody in the container sees the process. */
export function prepareToEnter({ program }: ExecPlan): void {
  const { oomScoreAdj } = program.process;
  if (oomScoreAdj !== undefined) setOomScore(oomScoreAdj);
  setDumpable(false);
}

export function runExec(setup: ExecSetup): never {
  const { host, filter } = setup;
  try {
    enterContainer(setup);
    const { program, namespaces } = setup.plan;
    const { terminal } = program.process;
    if (terminal !== undefined) takeTerminal(host, terminal, program.process.uid);
    becomeProgram({ program, host, maySetGroups: !namespaces.denySetgroups, filter, beforeExecution: () => {} });
  } catch (thrown) {
    report(host, thrown);
  }
  exit(1);
}

function enterContainer({ plan, host, enter, placedLater }: ExecSetup): void {
  nameProcess("the program");
  step("namespaces");
  setSignalMask(everySignal);
  setsid();
  enter();
  closeAllBut(3 + plan.program.preserveFds, [host.socket]);
  if (plan.joins.includes("user")) becomeContainerRoot();
  if (plan.program.security.newKeyring) leaveKeyring();
  if (placedLater) expect(host, "placed", stepTimeout);
}

/** A pty of the container's own devpts; the host side has its master before the program writes to it. */
function takeTerminal(host: HostChannel, { size }: TerminalOp, uid: number): void {
  step("terminal");
  using root = open("cwd", "/", O_PATH | O_DIRECTORY);
  const { master, slave } = openTerminal(new Root(root), size);
  host.send({ type: "ready" }, [master]);
  master.close();
  useTerminal(slave, uid);
  expect(host, "commit", stepTimeout);
}
