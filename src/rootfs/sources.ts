/**
 * What is mounted, before it has a place: sources of binds, and new file systems whose ids are mapped.
 *
 * Everything is opened before any mount is made, so that a mount over a source's path cannot change what is bound. Most
 * of it init opens, as places that are copied in their turn: the kernel lists mounts by age. What takes rights that it
 * has not in a user namespace, the host side opens, as detached trees.
 */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { makeUserNamespace } from "../fs/id-maps.ts";
import { amongLockedMounts } from "../fs/locked-mounts.ts";
import { setAttributes } from "../fs/mount-attributes.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  EINVAL,
  ENOENT,
  MOUNT_ATTR_IDMAP,
  NSFS_MAGIC,
  O_NONBLOCK,
  O_RDONLY,
} from "../linux/constants.ts";
import { closeAll, Fd } from "../linux/fd.ts";
import { fileSystemType, open, readlink } from "../linux/file.ts";
import { cloneTreeOf, openMountPoint } from "../linux/mount.ts";
import { isErrno } from "../linux/raw.ts";
import { changePropagation } from "./attributes.ts";
import { describe } from "./describe.ts";
import { makeFileSystem } from "./file-systems.ts";
import type { BindOp, FileSystemOp, MountIds, MountOp, MountsOps } from "./ops.ts";

/** A detached mount, the place of one to be copied, or the target of a link that is made again in the container. */
export type Source = Fd | { readonly place: Fd } | { readonly linkTo: string };

/** What is there of each mount of the plan, in its order. */
export type Sources = readonly (Source | undefined)[];

/**
 * Opens on the host side what init could not. The descriptors are for init, which is a copy of this process. What the
 * host has restricted, root of a user namespace cannot make less so.
 */
export function openByCaller(ops: MountsOps): Sources {
  const isNeeded = ops.mounts.some((op) => op.kind === "bind" && op.byCaller);
  return ops.inUserNamespace && isNeeded ? amongLockedMounts(() => openHere(ops)) : openHere(ops);
}

/** Whether init cannot open it. */
export function isByCaller(op: MountOp): op is BindOp | FileSystemOp {
  return op.kind !== "cgroup" && op.byCaller;
}

/** As `openByCaller`, from the mounts that this process sees. */
export function openHere(ops: MountsOps): Sources {
  const mapped = new UserNamespaces();
  const sources: (Source | undefined)[] = [];
  try {
    for (const op of ops.mounts) {
      sources.push(
        isByCaller(op)
          ? within(
              () => describe(op),
              () => openOne(op, ops, mapped),
            )
          : undefined,
      );
    }
    return sources;
  } catch (thrown) {
    closeSources(sources);
    throw thrown;
  } finally {
    mapped.close();
  }
}

/** Copies what is to stay shared with the host, as long as it is. */
export function openOutward(ops: MountsOps, opened: Sources): Sources {
  return openMissing(ops, opened, (op) => (op.outward ? openTree(op) : undefined));
}

/** Opens in init what has not been opened before. */
export function openByInit(ops: MountsOps, opened: Sources): Sources {
  return openMissing(ops, opened, openPlace);
}

function openMissing(ops: MountsOps, opened: Sources, open: (op: BindOp) => Source | undefined): Sources {
  return ops.mounts.map((op, index) =>
    op.kind === "bind" && opened[index] === undefined
      ? within(
          () => describe(op),
          () => open(op),
        )
      : opened[index],
  );
}

/** Closes those that are descriptors; a link that is made again holds none. */
export function closeSources(sources: Sources): void {
  closeAll(sources.filter((source) => source instanceof Fd));
}

function openOne(op: BindOp | FileSystemOp, ops: MountsOps, mapped: UserNamespaces): Source {
  const source = op.kind === "bind" ? openTree(op) : makeFileSystem(op);
  if (!(source instanceof Fd)) return source;
  try {
    // A copy of a shared mount is shared with it: what the container mounts there would appear on the host.
    if (op.kind === "bind" && !op.outward)
      changePropagation(source, { kind: outwardOf(ops), recursive: true }, op.source);
    if (op.ids !== undefined) mapIds(source, op.ids, mapped, op.destination);
    return source;
  } catch (thrown) {
    source.close();
    throw thrown;
  }
}

/** How the host's mounts are kept from what the container mounts: slave at least; what is to be shared is copied before. */
export function outwardOf({ propagation }: MountsOps): "private" | "slave" {
  return propagation.kind === "private" || propagation.kind === "unbindable" ? "private" : "slave";
}

function openTree(op: BindOp): Source {
  const opened = openPlace(op);
  return "place" in opened ? copyOf(opened.place, op) : opened;
}

function openPlace(op: BindOp): Exclude<Source, Fd> {
  if (op.sourceLink === "copy") {
    const target = linkTarget(op.source);
    if (target !== undefined) return { linkTo: target };
  }
  try {
    return { place: openMountPoint(op.source, op.sourceLink === "bind" ? AT_SYMLINK_NOFOLLOW : 0) };
  } catch (thrown) {
    if (isErrno(thrown, ENOENT))
      throw new BoxError(`source ${quote(op.source)}: no such file or directory (ENOENT)`, thrown.details);
    throw thrown;
  }
}

/** The detached tree of a place, which is closed. */
export function copyOf(place: Fd, { recursive, source }: BindOp): Fd {
  using _place = place;
  return cloneTreeOf(place, recursive, source);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlink("cwd", path);
  } catch (thrown) {
    if (isErrno(thrown, EINVAL, ENOENT)) return undefined;
    throw thrown;
  }
}

function mapIds(mount: Fd, ids: MountIds, mapped: UserNamespaces, about: string): void {
  const userns = mapped.of(ids);
  try {
    setAttributes(mount, ids.recursive, { set: MOUNT_ATTR_IDMAP, userns }, about);
  } catch (thrown) {
    if (isErrno(thrown, EINVAL))
      throw new BoxError("the file system, or the kernel, does not map ids (EINVAL)", thrown.details);
    throw thrown;
  }
}

/** The user namespaces of the maps, each made once. */
class UserNamespaces {
  readonly #byMap = new Map<string, Fd>();

  of(ids: MountIds): Fd {
    const key = "namespace" in ids ? ids.namespace : JSON.stringify([ids.uids, ids.gids]);
    const known = this.#byMap.get(key);
    if (known !== undefined) return known;
    const made = "namespace" in ids ? openNamespace(ids.namespace) : makeUserNamespace(ids.uids, ids.gids);
    this.#byMap.set(key, made);
    return made;
  }

  close(): void {
    closeAll(this.#byMap.values());
  }
}

function openNamespace(path: string): Fd {
  const fd = open("cwd", path, O_RDONLY | O_NONBLOCK);
  if (fileSystemType(fd, path) === NSFS_MAGIC) return fd;
  fd.close();
  throw new BoxError(`${quote(path)} is not a namespace`, { path });
}
