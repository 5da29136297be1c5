/** What an ordinary user needs besides the kernel: subordinate ids, the helpers that map them, a place for state. */
import { denial, look, procText, textOf } from "../facts/look.ts";
import { runtimeDirectory } from "../facts/runtime-directory.ts";
import { subordinateIds } from "../facts/users.ts";
import { S_ISUID, W_OK, X_OK } from "../linux/constants.ts";
import { environ } from "../linux/engine.ts";
import { hasFileCapabilities } from "../linux/file.ts";
import { type Check, limited, ok } from "./check.ts";

/** How many ids images of distributions use. */
const usual = 65_536;

export interface User {
  readonly uid: number;
  readonly name: string;
}

/** subuid(5), subgid(5). Without ranges a container has one id only, the user's own. */
export function subordinateIdsCheck(user: User): Check {
  const [uids, gids] = ["/etc/subuid", "/etc/subgid"].map((path) => countOf(textOf(path) ?? "", user)) as [
    number,
    number,
  ];
  const detail = `${uids} user ids, ${gids} group ids for ${user.name}`;
  if (uids >= usual && gids >= usual) return ok("subordinate ids", detail);
  return limited(
    "subordinate ids",
    `${detail}: containers of more ids than one are refused`,
    `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user.name}`,
  );
}

/** How many ids the lines of subuid(5) give a user. Pure. */
export function countOf(text: string, user: User): number {
  return subordinateIds(text, user).reduce((sum, { size }) => sum + size, 0);
}

/** newuidmap(1), newgidmap(1): they need their file capability or the set-user-id bit. */
export function mappersCheck(): Check {
  const name = "newuidmap, newgidmap";
  const paths = ["newuidmap", "newgidmap"].map(findProgram);
  if (paths.includes(undefined))
    return limited(name, "not installed: subordinate ids cannot be mapped", "apt install uidmap");
  const powerless = (paths as string[]).filter((path) => !hasPower(path));
  if (powerless.length === 0) return ok(name, (paths as string[]).join(" "));
  return limited(name, `${powerless.join(" and ")} lost file capabilities`, "apt install --reinstall uidmap");
}

function findProgram(name: string): string | undefined {
  return (environ["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin")
    .split(":")
    .map((directory) => `${directory}/${name}`)
    .find((path) => denial(path, X_OK) === undefined);
}

function hasPower(path: string): boolean {
  const file = look(path);
  return typeof file !== "string" && ((file.uid === 0 && (file.mode & S_ISUID) !== 0) || hasFileCapabilities(path));
}

/** Where a user's containers are kept. */
export function runtimeDirectoryCheck({ uid, name: user }: User): Check {
  const name = "state directory";
  const linger = `loginctl enable-linger ${user}`;
  const path = runtimeDirectory(uid);
  if (path === undefined)
    return limited(name, `XDG_RUNTIME_DIR is not set and there is no /run/user/${uid}: /tmp/box-${uid}`, linger);
  const refused = denial(path, W_OK);
  return refused === undefined ? ok(name, `${path}/box`) : limited(name, refused, linger);
}

/** setgroups(2) is forbidden in a namespace whose parent forbids it: user_namespaces(7). */
export function setgroupsCheck(): Check {
  return procText("self/setgroups")?.trim() === "deny"
    ? limited("supplementary groups", "setgroups is denied in this user namespace: additionalGids are refused")
    : ok("supplementary groups", "can be set");
}
