/** The columns of proc_pid_mountinfo(5), for those who look for a mount. Pure. */

/** One mount. */
export interface MountLine {
  readonly id: bigint;
  readonly parent: bigint;
  /** What of its file system is mounted. */
  readonly root: string;
  /** Where, as seen from the root of the process. */
  readonly point: string;
  readonly type: string;
}

/** The mounts in the text of mountinfo. */
export function mountsIn(mountinfo: string): MountLine[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [first = "", second = ""] = line.split(" - ");
    const [id, parent, , root, point] = first.split(" ");
    const [type] = second.split(" ");
    return id === undefined || parent === undefined || root === undefined || point === undefined || type === undefined
      ? []
      : [{ id: BigInt(id), parent: BigInt(parent), root: unescapePath(root), point: unescapePath(point), type }];
  });
}

/** What is mounted below a mount, at any depth; nothing where that one is not listed. */
export function below(mounts: readonly MountLine[], id: bigint): MountLine[] {
  if (!mounts.some((mount) => mount.id === id)) return [];
  const found = new Set([id]);
  // A parent is not always listed before its children.
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const mount of mounts) if (found.has(mount.parent)) found.add(mount.id);
  }
  return mounts.filter((mount) => mount.id !== id && found.has(mount.id));
}

/** A path as it stands in a column. What would break the columns is written in octal: a space is \040. */
export function unescapePath(column: string): string {
  return column.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
