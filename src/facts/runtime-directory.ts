/** Where what belongs to a login of a user is kept: the XDG base directory specification, and its fallback here. */
import { environ } from "../linux/engine.ts";
import { look } from "./look.ts";
import { hasAllIds } from "./namespaces.ts";

/**
 * An engine without privilege calls us as root of its own user namespace. $USER tells it from a container's root, and
 * where an engine hands that down for some commands only, as Podman does, $XDG_RUNTIME_DIR.
 */
export function isRootOfUser(): boolean {
  const { USER: user, XDG_RUNTIME_DIR: directory = "" } = environ as Record<string, string | undefined>;
  return (user === undefined ? directory !== "" : user !== "root") && !hasAllIds();
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
