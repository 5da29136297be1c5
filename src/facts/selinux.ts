/** Whether SELinux is in force: then its file system is mounted, selinux(8). */
import { ENOENT, O_DIRECTORY, O_PATH, SELINUX_MAGIC } from "../linux/constants.ts";
import { fileSystemType, open } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";

const place = "/sys/fs/selinux";

/** A directory of that name that is no selinuxfs does not count. @throws SyscallError where it cannot be opened */
export function hasSelinux(): boolean {
  try {
    using fd = open("cwd", place, O_PATH | O_DIRECTORY);
    return fileSystemType(fd, place) === SELINUX_MAGIC;
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return false;
    throw thrown;
  }
}
