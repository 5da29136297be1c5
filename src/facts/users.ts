/** Names of this host's users: passwd(5), read as text (a static binary loads no name services). */
import { O_RDONLY } from "../linux/constants.ts";
import { decodeUtf8 } from "../linux/engine.ts";
import { open, readAll } from "../linux/file.ts";
import { SyscallError } from "../linux/raw.ts";

const limit = 16 * 1024 * 1024;

/** The name of a user id; the number itself where no local user has it. */
export function userName(uid: number): string {
  return nameIn(readPasswd(), uid) ?? `${uid}`;
}

/** The first name that passwd text gives a user id. Pure. */
export function nameIn(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split("\n")) {
    const fields = line.split(":");
    if (fields[2] === `${uid}` && fields[0] !== undefined && fields[0] !== "") return fields[0];
  }
  return undefined;
}

function readPasswd(): string {
  try {
    using file = open("cwd", "/etc/passwd", O_RDONLY);
    const bytes = readAll(file, limit, "/etc/passwd");
    return bytes === "too long" ? "" : decodeUtf8(bytes);
  } catch (thrown) {
    if (thrown instanceof SyscallError || thrown instanceof TypeError) return "";
    throw thrown;
  }
}
