/** linux.seccomp (config-linux.md, "Seccomp"). */
import type { Findings } from "../findings.ts";
import type { Seccomp, SeccompAction, Spec } from "../types.ts";
import { requireAbsolute } from "./text.ts";

/** The largest value that each action carries: MAX_ERRNO of the kernel, and the 16 bits of a trace event. */
const largestErrno: Readonly<Partial<Record<SeccompAction, number>>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 };

/** Every rule of the filter. */
export function seccompRule(spec: Spec, findings: Findings): void {
  const seccomp = spec.linux?.seccomp;
  if (seccomp === undefined) return;
  const at = "linux.seccomp";
  if (seccomp.defaultAction === "SCMP_ACT_NOTIFY") {
    findings.problem(
      `${at}.defaultAction`,
      "must not be SCMP_ACT_NOTIFY: the call that hands the agent its listener would wait for the agent",
    );
  }
  errnoRule(seccomp.defaultAction, seccomp.defaultErrnoRet, `${at}.defaultErrnoRet`, findings);
  seccomp.syscalls?.forEach((syscall, index) => {
    errnoRule(syscall.action, syscall.errnoRet, `${at}.syscalls[${index}].errnoRet`, findings);
    const nameless = syscall.names.indexOf("");
    if (nameless >= 0) findings.problem(`${at}.syscalls[${index}].names[${nameless}]`, "must not be empty");
  });
  listenerRule(seccomp, at, findings);
}

/** The specification demands an error where the action takes no errno. */
function errnoRule(action: SeccompAction, errno: number | undefined, path: string, findings: Findings): void {
  if (errno === undefined) return;
  const largest = largestErrno[action];
  if (largest === undefined) findings.problem(path, `must be absent with ${action}, which returns no errno`);
  else if (errno > largest) findings.problem(path, `must be an integer from 0 to ${largest}, not ${errno}`);
}

/** Without SCMP_ACT_NOTIFY the listener is ignored; with it somebody must listen. */
function listenerRule(seccomp: Seccomp, at: string, findings: Findings): void {
  const { listenerPath, listenerMetadata } = seccomp;
  if (listenerMetadata !== undefined && listenerMetadata !== "" && !listenerPath) {
    findings.problem(`${at}.listenerMetadata`, "needs listenerPath");
  }
  const notify = seccomp.syscalls?.findIndex(({ action }) => action === "SCMP_ACT_NOTIFY") ?? -1;
  if (notify < 0) return;
  if (listenerPath) requireAbsolute(`${at}.listenerPath`, listenerPath, findings);
  else findings.problem(`${at}.listenerPath`, `is required by SCMP_ACT_NOTIFY in ${at}.syscalls[${notify}]`);
}
