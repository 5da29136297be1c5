/** box spec: writes a sample config.json. */
import { BoxError } from "../../base/errors.ts";
import { mappableRanges } from "../../facts/mappers.ts";
import { userName } from "../../facts/users.ts";
import { EEXIST, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_WRONLY } from "../../linux/constants.ts";
import { getegid, geteuid } from "../../linux/cred.ts";
import { open, writeAll } from "../../linux/file.ts";
import { isErrno } from "../../linux/raw.ts";
import { type Caller, defaultSpec } from "../../spec/default.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { withCallersUmask } from "../umask.ts";

export const table: CommandTable = {
  name: "spec",
  summary: "Writes a sample configuration. An existing file is never replaced.",
  operands: [],
  options: [
    { name: "bundle", short: "b", value: "DIR", help: "where to write it (default: the working directory)" },
    { name: "file", short: "f", value: "FILE", help: "its name (default config.json)" },
    {
      name: "rootless",
      help: "for an ordinary user: a user namespace with the caller's ids, the subordinate ones too, no cgroup",
    },
  ],
};

/** Who calls, with the subordinate ids that can be mapped; root has all ids as it is. */
function caller(): Caller {
  const [uid, gid] = [geteuid(), getegid()];
  return uid === 0 ? { uid, gid } : { uid, gid, ...mappableRanges({ uid, name: userName(uid) }) };
}

export function run(args: Arguments, _context: Context): number {
  const name = args.text("file") ?? "config.json";
  const spec = defaultSpec(args.has("rootless") ? caller() : undefined);
  using directory = open("cwd", args.text("bundle") ?? ".", O_PATH | O_DIRECTORY);
  try {
    using file = withCallersUmask(() => open(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666));
    writeAll(file, `${JSON.stringify(spec, null, 2)}\n`, name);
  } catch (thrown) {
    if (isErrno(thrown, EEXIST))
      throw new BoxError(`spec: ${JSON.stringify(name)} exists already: remove it first`, thrown.details);
    throw thrown;
  }
  return 0;
}
