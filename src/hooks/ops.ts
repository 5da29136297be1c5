/** One hook as data. */
export interface HookOp {
  /** Where it stands in the configuration, for errors: `hooks.createRuntime[0]`. */
  readonly where: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds; undefined waits for ever. */
  readonly timeout: number | undefined;
}

/** One that runs in the container just before the program: it has that one's environment where it has none of its own. */
export interface StartContainerHookOp extends Omit<HookOp, "env"> {
  readonly env: readonly string[] | undefined;
}

export interface HookOps {
  readonly prestart: readonly HookOp[];
  readonly createRuntime: readonly HookOp[];
  readonly createContainer: readonly HookOp[];
  readonly startContainer: readonly StartContainerHookOp[];
  readonly poststart: readonly HookOp[];
  readonly poststop: readonly HookOp[];
}
