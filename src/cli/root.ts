/** The state root that the command line and the environment name. */
import { clean } from "../base/path.ts";
import { Store } from "../container/store.ts";
import { isRootOfUser, runtimeDirectory } from "../facts/runtime-directory.ts";
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
    const root = absolute(given);
    // Directories in it are taken for containers.
    if (root === "/") throw new UsageError("--root: must not be /");
    return root;
  }
  return defaultRoot(geteuid());
}

/** @returns for an ordinary user without a directory of the login's a place in /tmp, which Store takes only if it is theirs */
function defaultRoot(euid: number): string {
  const named = environ["XDG_RUNTIME_DIR"] ?? "";
  if (euid === 0 && (named === "" || !isRootOfUser())) return "/run/box";
  const directory = runtimeDirectory(euid);
  return directory === undefined ? `/tmp/box-${euid}` : absolute(`${directory}/box`);
}

function absolute(path: string): string {
  return path.startsWith("/") ? clean(path) : clean(`${getcwd()}/${path}`);
}
