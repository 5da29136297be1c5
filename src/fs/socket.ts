/** Sockets that a path of the caller's names. */
import { ELOOP, O_NOFOLLOW, O_PATH, S_IFLNK, S_IFMT } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fstat, open } from "../linux/file.ts";
import { SyscallError } from "../linux/raw.ts";
import { connectTo } from "../linux/socket.ts";

/** Connects to the socket at a path. A link is not followed: another user's would lead what is sent to a socket of theirs. */
export function connectToSocketAt(path: string): Fd {
  using socket = open("cwd", path, O_PATH | O_NOFOLLOW);
  if ((fstat(socket, path).mode & S_IFMT) === S_IFLNK) throw new SyscallError("connect", ELOOP, path);
  return connectTo(socket, path);
}
