/** From `hooks` to the ops of hooks/ops.ts. Pure. */
import type { Hook, Hooks } from "../spec/types.ts";
import type { HookOp, HookOps } from "./ops.ts";

/** The hooks of config.md, "POSIX-platform Hooks", each with its path in the configuration for errors. */
export function planHooks(hooks: Hooks = {}): HookOps {
  const of = (kind: keyof Hooks): HookOp[] =>
    (hooks[kind] ?? []).map((hook, index) => planHook(hook, `hooks.${kind}[${index}]`));
  return {
    prestart: of("prestart"),
    createRuntime: of("createRuntime"),
    createContainer: of("createContainer"),
    startContainer: of("startContainer"),
    poststart: of("poststart"),
    poststop: of("poststop"),
  };
}

/** Without `args` a hook gets its path as argv[0]; without `env` it gets no environment at all. */
function planHook({ path, args, env, timeout }: Hook, where: string): HookOp {
  return { where, path, args: args === undefined || args.length === 0 ? [path] : args, env: env ?? [], timeout };
}
