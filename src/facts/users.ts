/** Names of this host's users: passwd(5), read as text (a static binary loads no name services). */
import { O_RDONLY } from "../linux/constants.ts";
import { open, readAll } from "../linux/file.ts";
import { SyscallError } from "../linux/raw.ts";
import { decodeLossy } from "../linux/text.ts";

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

export interface IdOwner {
  readonly uid: number;
  readonly name: string;
}

export interface SubordinateRange {
  readonly first: number;
  readonly size: number;
}

/** The ids that lines `name:first:count` give a user, named by name or number: subuid(5). Pure. */
export function subordinateIds(text: string, { uid, name }: IdOwner): SubordinateRange[] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([owner, , count]) => (owner === name || owner === `${uid}`) && /^[0-9]+$/.test(count ?? ""))
    .map(([, first, count]) => ({ first: Number(first), size: Number(count) }));
}

function readPasswd(): string {
  try {
    using file = open("cwd", "/etc/passwd", O_RDONLY);
    const bytes = readAll(file, limit, "/etc/passwd");
    return bytes === "too long" ? "" : decodeLossy(bytes);
  } catch (thrown) {
    if (thrown instanceof SyscallError) return "";
    throw thrown;
  }
}
