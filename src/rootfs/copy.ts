/** Copies a directory's content into a new tmpfs (`tmpcopyup`): owners, modes, links and nodes included. */
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import {
  chmod,
  chown,
  fstat,
  list,
  lstat,
  mkdir,
  mknod,
  open,
  read,
  readlink,
  symlink,
  writeAll,
} from "../linux/file.ts";

/** @param from the directory (O_PATH will do), @param to the root of the new tmpfs */
export function copyTree(from: Fd, to: Fd): void {
  using source = open(from, ".", O_RDONLY | O_DIRECTORY);
  for (const name of list(source)) copyEntry(source, to, name);
}

function copyEntry(from: Fd, to: Fd, name: string): void {
  const { mode, uid, gid, rdev } = lstat(from, name);
  const permissions = mode & 0o7777;
  switch (mode & S_IFMT) {
    case S_IFLNK:
      symlink(readlink(from, name), to, name);
      break;
    case S_IFDIR: {
      mkdir(to, name, 0o700);
      using source = open(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      using target = open(to, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      for (const entry of list(source)) copyEntry(source, target, entry);
      break;
    }
    case S_IFREG: {
      using source = open(from, name, O_RDONLY | O_NOFOLLOW);
      using target = open(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      for (let bytes = read(source, 65536); bytes.length > 0; bytes = read(source, 65536)) writeAll(target, bytes);
      break;
    }
    default:
      mknod(to, name, mode & S_IFMT, 0o600, rdev.major, rdev.minor);
  }
  using made = open(to, name, O_PATH | O_NOFOLLOW);
  chown(made, uid, gid);
  // The tmpfs is not attached yet, so nobody can have put a link in the entry's place.
  if ((fstat(made).mode & S_IFMT) !== S_IFLNK) chmod(to, name, permissions);
}
