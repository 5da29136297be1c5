/** From a profile in the specification's words to libseccomp's numbers. Pure. */
import {
  EPERM,
  SCMP_CMP_EQ,
  SCMP_CMP_GE,
  SCMP_CMP_GT,
  SCMP_CMP_LE,
  SCMP_CMP_LT,
  SCMP_CMP_MASKED_EQ,
  SCMP_CMP_NE,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
} from "../linux/constants.ts";
import type { SeccompRule } from "../linux/seccomp.ts";
import type { FilterAction, FilterOperator, FilterProfile, FilterRule } from "./ops.ts";

const actions: Readonly<Record<FilterAction, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_TRAP: SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET_TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET_ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET_LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET_USER_NOTIF,
};

const operators: Readonly<Record<FilterOperator, number>> = {
  SCMP_CMP_NE,
  SCMP_CMP_LT,
  SCMP_CMP_LE,
  SCMP_CMP_EQ,
  SCMP_CMP_GE,
  SCMP_CMP_GT,
  SCMP_CMP_MASKED_EQ,
};

/** The value that a filter returns for an action. The errno is EPERM where the configuration names none. */
export function actionValue(action: FilterAction, errno = EPERM): number {
  const carriesErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return actions[action] + (carriesErrno ? errno : 0);
}

/** `defaultAction` as libseccomp takes it: a SECCOMP_RET_* value with its errno, seccomp(2). */
export function defaultValue({ defaultAction, defaultErrnoRet }: FilterProfile): number {
  return actionValue(defaultAction, defaultErrnoRet);
}

/** The rules one by one. Those that say what the default says anyway are left out: libseccomp would refuse them. */
export function expandRules(profile: FilterProfile): SeccompRule[] {
  const standard = defaultValue(profile);
  return profile.syscalls.flatMap((syscall) => {
    const action = actionValue(syscall.action, syscall.errnoRet);
    if (action === standard) return [];
    const alternatives = alternativesOf(syscall);
    return syscall.names.flatMap((name) => alternatives.map((args) => ({ name, action, args })));
  });
}

/**
 * The comparisons of a rule: all must hold. libseccomp compares each argument once in a rule, so where one is named
 * twice every comparison becomes a rule of its own, as in the other runtimes: then one that holds is enough.
 */
function alternativesOf({ args = [] }: FilterRule): SeccompRule["args"][] {
  const comparisons = args.map(({ index, op, value, valueTwo = 0 }): SeccompRule["args"][number] => {
    return [index, operators[op], BigInt(value), BigInt(valueTwo)];
  });
  const once = new Set(args.map(({ index }) => index)).size === args.length;
  return once ? [comparisons] : comparisons.map((one) => [one]);
}
