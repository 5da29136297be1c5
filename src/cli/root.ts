/** The state root that the command line and the environment name. */
import { BoxError } from "../base/errors.ts";
import { clean } from "../base/path.ts";
import { Store } from "../container/store.ts";
import { geteuid } from "../linux/cred.ts";
import { environ } from "../linux/engine.ts";
import { getcwd } from "../linux/file.ts";
import { type Arguments, UsageError } from "./args.ts";

/** Where containers are kept: as given, or a place that only this user can write to. */
export function openStore(globals: Arguments): Store {
  return new Store(rootOf(globals));
}

function rootOf(globals: Arguments): string {
  const given = globals.text("root");
  if (given !== undefined) {
    if (given === "") throw new UsageError("--root: must not be empty");
    return absolute(given);
  }
  if (geteuid() === 0) return "/run/box";
  const runtime = environ["XDG_RUNTIME_DIR"];
  if (runtime === undefined || runtime === "")
    throw new BoxError("XDG_RUNTIME_DIR is not set: name a state directory with --root");
  return absolute(`${runtime}/box`);
}

function absolute(path: string): string {
  return path.startsWith("/") ? clean(path) : clean(`${getcwd()}/${path}`);
}
