/** The state of a container as the specification has it: runtime.md, State. */

/** What of it never changes. */
export interface SpecIdentity {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** As hooks and a seccomp agent see it. */
export interface SpecState extends SpecIdentity {
  readonly status: "creating" | "created" | "running" | "stopped";
  readonly pid: number;
}

/** @param pid of the container's first process, 0 where there is none */
export function specState(
  { ociVersion, id, bundle, annotations }: SpecIdentity,
  status: SpecState["status"],
  pid: number,
): SpecState {
  return { ociVersion, id, status, pid, bundle, annotations };
}

/** The text that a hook reads on its stdin. */
export function hookState(identity: SpecIdentity, status: SpecState["status"], pid: number): string {
  return JSON.stringify(specState(identity, status, pid));
}
