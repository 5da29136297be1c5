/** One line of `box doctor`. */

export interface Check {
  /** What was looked at, as in `user namespaces`. */
  readonly name: string;
  /** `missing`: containers cannot run without it; `limited`: some of what a container may ask for will be refused. */
  readonly status: "ok" | "limited" | "missing";
  /** What was found. */
  readonly detail: string;
  /** The one command that mends it, as root on a Debian system. */
  readonly mend?: string;
}

/** Nothing is to be done. */
export const ok = (name: string, detail: string): Check => ({ name, status: "ok", detail });

/** box works without it, but not all of it. @param mend a command that would help */
export const limited = (name: string, detail: string, mend?: string): Check => withMend("limited", name, detail, mend);

/** box does not work without it. @param mend a command that would help */
export const missing = (name: string, detail: string, mend?: string): Check => withMend("missing", name, detail, mend);

function withMend(status: Check["status"], name: string, detail: string, mend: string | undefined): Check {
  return { name, status, detail, ...(mend === undefined ? {} : { mend }) };
}
