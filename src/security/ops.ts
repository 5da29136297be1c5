/** What the program may do, as data: made by security/plan.ts, performed by security/apply.ts. */

/** The five sets of capabilities(7) as masks in decimal text (64 bits). */
export interface CapabilityOps {
  readonly bounding: string;
  readonly effective: string;
  readonly permitted: string;
  readonly inheritable: string;
  readonly ambient: string;
  /**
   * Held besides up to execve, which takes it away: a filter is loaded with CAP_SYS_ADMIN where there is no
   * no_new_privs, seccomp(2).
   */
  readonly untilExecution: string;
}

export interface SecurityOps {
  readonly capabilities: CapabilityOps;
  readonly noNewPrivileges: boolean;
  /** Whether a new session keyring replaces the caller's. */
  readonly newKeyring: boolean;
  /** What execve confines the program to. */
  readonly labels: readonly LabelOp[];
}

export interface LabelOp {
  readonly module: "apparmor" | "selinux";
  readonly label: string;
  /** Its place in the configuration. */
  readonly property: string;
}
