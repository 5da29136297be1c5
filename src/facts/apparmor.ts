/** Whether AppArmor is in force, apparmor(7). */
import { ENOENT, O_RDONLY } from "../linux/constants.ts";
import { open, read } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";

const parameter = "/sys/module/apparmor/parameters/enabled";
const yes = 0x59;

/** A kernel without it has no such parameter. @throws SyscallError where that cannot be read */
export function hasApparmor(): boolean {
  try {
    using fd = open("cwd", parameter, O_RDONLY);
    return read(fd, 1, parameter)[0] === yes;
  } catch (thrown) {
    if (isErrno(thrown, ENOENT)) return false;
    throw thrown;
  }
}
