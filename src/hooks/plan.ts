/** From `hooks` to the ops of hooks/ops.ts. Pure. */
import type { Hook, Hooks } from "../spec/types.ts";
import type { HookOp, HookOps, StartContainerHookOp } from "./ops.ts";

/** The hooks of config.md, "POSIX-platform Hooks", each with its path in the configuration for errors. */
export function planHooks(hooks: Hooks = {}): HookOps {
  const of = (kind: keyof Hooks): HookOp[] => {
    const planned = planKind(hooks, kind);
    return planned.map((hook) => ({ ...hook, env: hook.env ?? [] }));
  };
  return {
    prestart: of("prestart"),
    createRuntime: of("createRuntime"),
    createContainer: of("createContainer"),
    startContainer: planKind(hooks, "startContainer"),
    poststart: of("poststart"),
    poststop: of("poststop"),
  };
}

function planKind(hooks: Hooks, kind: keyof Hooks): StartContainerHookOp[] {
  return (hooks[kind] ?? []).map((hook, index) => planHook(hook, `hooks.${kind}[${index}]`));
}

/** Without `args` a hook gets its path as argv[0]; without `env` all but startContainer hooks get no environment at all. */
function planHook({ path, args, env, timeout }: Hook, where: string): StartContainerHookOp {
  return { where, path, args: args === undefined || args.length === 0 ? [path] : args, env, timeout };
}
