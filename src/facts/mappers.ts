/** What maps subordinate ids for an ordinary user: newuidmap(1), newgidmap(1), by subuid(5) and subgid(5). */
import { systemProgram } from "../fs/system-programs.ts";
import { S_ISUID } from "../linux/constants.ts";
import { hasFileCapabilities } from "../linux/file.ts";
import { look, textOf } from "./look.ts";
import { type IdOwner, type SubordinateRange, subordinateIds } from "./users.ts";

export interface Mapper {
  readonly path: string;
  /** Whether it has its file capability or the set-user-id bit. */
  readonly hasPower: boolean;
}

/** @returns undefined for one that is not installed */
export function findMapper(name: "newuidmap" | "newgidmap"): Mapper | undefined {
  const path = systemProgram(name);
  return path === undefined ? undefined : { path, hasPower: hasPower(path) };
}

function hasPower(path: string): boolean {
  const file = look(path);
  return typeof file !== "string" && ((file.uid === 0 && (file.mode & S_ISUID) !== 0) || hasFileCapabilities(path));
}

/** The ranges of a user that can be mapped; none of either kind where one is missing, or what maps them. */
export function mappableRanges(user: IdOwner): {
  uids: readonly SubordinateRange[];
  gids: readonly SubordinateRange[];
} {
  const [uids = [], gids = []] = ["/etc/subuid", "/etc/subgid"].map((file) => subordinateIds(textOf(file) ?? "", user));
  const canMap = findMapper("newuidmap")?.hasPower === true && findMapper("newgidmap")?.hasPower === true;
  return canMap && uids.length > 0 && gids.length > 0 ? { uids, gids } : { uids: [], gids: [] };
}
