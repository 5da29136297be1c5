/** Where what belongs to a login of a user is kept: the XDG base directory specification, and its fallback here. */
import { Proc } from "../fs/proc.ts";
import { environ } from "../linux/engine.ts";
import { look } from "./look.ts";

/** An engine without privilege calls us as root of its own user namespace; $USER tells it from a container's root. */
export function isRootOfUser(): boolean {
  using proc = Proc.host();
  const ownsEverything = /^\s*0\s+0\s+4294967295\s*$/.test(proc.read("self/uid_map"));
  return !ownsEverything && (environ["USER"] ?? "root") !== "root";
}

/**
 * `$XDG_RUNTIME_DIR`, or where it is not set, as below su(1) and cron(8), the directory that it would name, if there is
 * such a one of this user's.
 */
export function runtimeDirectory(euid: number): string | undefined {
  const named = environ["XDG_RUNTIME_DIR"];
  if (named !== undefined && named !== "") return named;
  const usual = `/run/user/${euid}`;
  const found = look(usual);
  return typeof found !== "string" && found.uid === euid ? usual : undefined;
}
