/** Copies a directory's content into a new tmpfs (`tmpcopyup`): owners, modes, times, links and nodes included. */
import { Proc } from "../fs/proc.ts";
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
  mkdir,
  mknod,
  open,
  read,
  readlink,
  setModificationTime,
  symlink,
  writeAll,
} from "../linux/file.ts";

/** @param from the directory (O_PATH will do), @param to the root of the new tmpfs */
export function copyTree(from: Fd, to: Fd): void {
  // In a container that is there already /proc may be of its making.
  using proc = Proc.private();
  copyDirectory(from, to, proc);
}

function copyDirectory(from: Fd, to: Fd, proc: Proc): void {
  using source = open(from, ".", O_RDONLY | O_DIRECTORY);
  for (const name of list(source)) copyEntry(source, to, name, proc);
}

function copyEntry(from: Fd, to: Fd, name: string, proc: Proc): void {
  // Opened once: who shares the directory may put something else (a FIFO, a device) in the name's place at any time.
  using entry = open(from, name, O_PATH | O_NOFOLLOW);
  const { mode, uid, gid, rdev, mtime } = fstat(entry, name);
  const kind = mode & S_IFMT;
  switch (kind) {
    case S_IFLNK:
      symlink(readlink(entry, ""), to, name);
      break;
    case S_IFDIR: {
      mkdir(to, name, 0o700);
      using target = open(to, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      copyDirectory(entry, target, proc);
      break;
    }
    case S_IFREG: {
      using source = proc.reopen(entry, O_RDONLY, name);
      using target = open(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      for (let bytes = read(source, 65536); bytes.length > 0; bytes = read(source, 65536)) writeAll(target, bytes);
      break;
    }
    default:
      mknod(to, name, kind, 0o600, rdev.major, rdev.minor);
  }
  using made = open(to, name, O_PATH | O_NOFOLLOW);
  chown(made, uid, gid);
  // The tmpfs is not attached yet, so nobody can have put a link in the entry's place.
  if (kind !== S_IFLNK) chmod(to, name, mode & 0o7777);
  setModificationTime(to, name, mtime);
}
