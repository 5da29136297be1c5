/** What an ordinary user needs besides the kernel: subordinate ids, the helpers that map them, a place for state. */
import { denial, procText, textOf } from "../facts/look.ts";
import { findMapper } from "../facts/mappers.ts";
import { runtimeDirectory } from "../facts/runtime-directory.ts";
import { type IdOwner, subordinateIds } from "../facts/users.ts";
import { W_OK } from "../linux/constants.ts";
import { type Check, limited, ok } from "./check.ts";

/** How many ids images of distributions use. */
const usual = 65_536;

/** subuid(5), subgid(5). Without ranges a container has one id only, the user's own. */
export function subordinateIdsCheck(user: IdOwner): Check {
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
export function countOf(text: string, user: IdOwner): number {
  return subordinateIds(text, user).reduce((sum, { size }) => sum + size, 0);
}

/** They need their file capability or the set-user-id bit. */
export function mappersCheck(): Check {
  const name = "newuidmap, newgidmap";
  const mappers = (["newuidmap", "newgidmap"] as const).map(findMapper).filter((mapper) => mapper !== undefined);
  if (mappers.length < 2) return limited(name, "not installed: subordinate ids cannot be mapped", "apt install uidmap");
  const paths = (some: typeof mappers): string[] => some.map(({ path }) => path);
  const powerless = mappers.filter(({ hasPower }) => !hasPower);
  if (powerless.length === 0) return ok(name, paths(mappers).join(" "));
  return limited(name, `${paths(powerless).join(" and ")} lost file capabilities`, "apt install --reinstall uidmap");
}

/** Where a user's containers are kept. */
export function runtimeDirectoryCheck({ uid, name: user }: IdOwner): Check {
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
