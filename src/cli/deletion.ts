/** What the commands that delete containers have in common. */
import type { DeleteOptions } from "../container/delete.ts";
import { load } from "../linux/engine.ts";
import type { Context } from "./context.ts";

/** @param force end whatever still runs */
export function deletion({ log, cgroupManager }: Context, force: boolean): DeleteOptions {
  return {
    force,
    warn: log.warn,
    recover: (config, id) =>
      (load("cli/recovery") as typeof import("./recovery.ts")).recoverCgroup(config, id, cgroupManager),
  };
}
