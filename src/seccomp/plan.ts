/** From `linux.seccomp` to the ops of seccomp/ops.ts. Pure. */
import { refuse } from "../spec/refusal.ts";
import type { Seccomp } from "../spec/types.ts";
import { type FilterAction, type FilterFlag, type ListenerOps, permissiveActions, type SeccompOps } from "./ops.ts";

/** Without it the processor's speculation is reined in at every memory access of the program (docs/conformance.md). */
const defaultFlags: readonly FilterFlag[] = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

/** @throws Refusal when the program could not be executed under the filter, or its listener not be handed over */
export function planSeccomp(seccomp: Seccomp | undefined): SeccompOps | undefined {
  if (seccomp === undefined) return undefined;
  if (forbids(seccomp, "execve")) refuse("linux.seccomp", "must allow execve, or the program cannot be executed");
  const { defaultAction, defaultErrnoRet, architectures = [], syscalls = [], flags = defaultFlags } = seccomp;
  return {
    profile: { defaultAction, defaultErrnoRet, architectures, syscalls },
    flags,
    listener: planListener(seccomp),
  };
}

/** Whether a call cannot pass, whatever its arguments are. */
function forbids({ defaultAction, syscalls = [] }: Seccomp, name: string): boolean {
  const rules = syscalls.filter(({ names }) => names.includes(name));
  if (rules.some(({ action }) => !isForbidding(action))) return false;
  return isForbidding(defaultAction) || rules.some(({ args = [] }) => args.length === 0);
}

/** With an agent or a tracer somebody else decides. */
function isForbidding(action: FilterAction): boolean {
  return !permissiveActions.includes(action) && action !== "SCMP_ACT_NOTIFY" && action !== "SCMP_ACT_TRACE";
}

/** The call by which init hands the listener to the host side: the only one under the filter but execve. */
const handingOver = "sendmsg";

function planListener(seccomp: Seccomp): ListenerOps | undefined {
  const { syscalls = [], listenerPath, listenerMetadata = "" } = seccomp;
  if (!syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY")) return undefined;
  if (!allows(seccomp, handingOver)) {
    refuse(
      "linux.seccomp.syscalls",
      `must always allow ${handingOver} where SCMP_ACT_NOTIFY is used: the agent gets its descriptor by it`,
    );
  }
  return { path: listenerPath ?? "", metadata: listenerMetadata };
}

/** Whether a call passes whatever its arguments are. */
function allows({ defaultAction, syscalls = [] }: Seccomp, name: string): boolean {
  const rules = syscalls.filter(({ names }) => names.includes(name));
  if (!rules.every(({ action }) => permissiveActions.includes(action))) return false;
  return permissiveActions.includes(defaultAction) || rules.some(({ args = [] }) => args.length === 0);
}
