/** Seccomp and the security modules. */
import { hasApparmor } from "../facts/apparmor.ts";
import { procText, textOf } from "../facts/look.ts";
import { type Check, limited, ok } from "./check.ts";

/** seccomp(2): the actions that this kernel knows. */
export function seccompCheck(): Check {
  const actions = procText("sys/kernel/seccomp/actions_avail")?.trim();
  if (actions === undefined)
    return limited("seccomp", "this kernel has no filters: configurations with one are refused");
  return actions.includes("user_notif")
    ? ok("seccomp", actions)
    : limited("seccomp", `${actions}; without notifications (SCMP_ACT_NOTIFY)`);
}

/** What the kernel enforces besides file permissions; none is needed. */
export function securityModulesCheck(): Check {
  const listed = textOf("/sys/kernel/security/lsm")?.trim();
  const found = listed ?? (hasApparmor() ? "apparmor" : "cannot be seen: securityfs is not mounted");
  return ok("security modules", found);
}
