/**
 * Which ids a mount shows: from its own mappings, from ranges in its `idmap` option, or from the container's. Pure.
 *
 * Ranges in the option are crun's: `idmap=uids=0-1000-10#20-2000-5;gids=@0-5-1`, each FROM-TO-COUNT, where `@` gives TO
 * as an id of the container.
 */
import type { IdRange } from "../linux/namespace.ts";
import { refuse } from "../spec/refusal.ts";
import type { IdMapping, Mount } from "../spec/types.ts";
import type { MountIds } from "./ops.ts";
import type { MountOptions } from "./options.ts";

/** The container's user namespace, as far as mounts are mapped by it: a new one's ranges, or the path of a joined one. */
export type ContainerIds =
  | { readonly namespace: string }
  | { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };

/** The specification's mappings (config-linux.md, "User namespace mappings") in the form of box's own types. */
export function rangesOf(mappings: readonly IdMapping[]): IdRange[] {
  return mappings.map(({ containerID, hostID, size }) => ({ containerId: containerID, hostId: hostID, size }));
}

/** @param container undefined without a user namespace */
export function planIds(
  { uidMappings = [], gidMappings = [] }: Mount,
  { ids, ranges }: MountOptions,
  where: string,
  container: ContainerIds | undefined,
): MountIds | undefined {
  const recursive = ids === "ridmap";
  if (uidMappings.length > 0) return { uids: rangesOf(uidMappings), gids: rangesOf(gidMappings), recursive };
  if (ranges !== undefined) return { ...rangesIn(ranges, `${where}.options`, container), recursive };
  if (ids === undefined) return undefined;
  if (container === undefined) {
    refuse(`${where}.options`, `"${ids}" needs uidMappings and gidMappings, or a user namespace`);
  }
  return { ...container, recursive };
}

function rangesIn(
  text: string,
  path: string,
  container: ContainerIds | undefined,
): { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] } {
  const found: { uids: readonly IdRange[]; gids: readonly IdRange[] } = { uids: [], gids: [] };
  for (const part of text.split(";")) {
    const [, kind, list = ""] = /^(uids|gids)=(.*)$/s.exec(part) ?? [];
    if (kind !== "uids" && kind !== "gids") {
      refuse(path, `"idmap=" takes "uids=" and "gids=", separated by ";", not "${part}"`);
    }
    found[kind] = list.split("#").map((range) => rangeIn(range, path, container, kind));
  }
  if (found.uids.length === 0 || found.gids.length === 0) refuse(path, '"idmap=" needs both "uids=" and "gids="');
  return found;
}

const wholeRange = /^(@?)([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,10})$/;

function rangeIn(text: string, path: string, container: ContainerIds | undefined, kind: "uids" | "gids"): IdRange {
  const [, relative, from, to, count] = wholeRange.exec(text) ?? [];
  const range = { containerId: Number(from), hostId: Number(to), size: Number(count) };
  if (count === undefined || range.size === 0 || Math.max(range.containerId, range.hostId) + range.size > 0xffff_ffff) {
    refuse(path, `"${text}" is no range of ids: it must be FROM-TO-COUNT`);
  }
  if (relative === "") return range;
  if (container === undefined || "namespace" in container) {
    refuse(path, `"${text}" is relative to the mappings of a new user namespace, and there is none`);
  }
  const outer = container[kind].find(
    ({ containerId, size }) => range.hostId >= containerId && range.hostId + range.size <= containerId + size,
  );
  if (outer === undefined) refuse(path, `"${text}" is not within one range of the container's ids`);
  return { ...range, hostId: outer.hostId + (range.hostId - outer.containerId) };
}
