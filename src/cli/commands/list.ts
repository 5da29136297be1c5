/** box list: every container under the state root. */
import { BoxError, messageOf } from "../../base/errors.ts";
import { memo } from "../../base/once.ts";
import { type StateOutput, stateOf } from "../../container/state.ts";
import { requireReadable } from "../../container/store.ts";
import { userName } from "../../facts/users.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "list",
  summary: "Lists the containers.",
  operands: [],
  options: [
    { name: "format", short: "f", value: "FORMAT", notEmpty: true, help: "table or json (default table)" },
    { name: "quiet", short: "q", help: "print ids only" },
  ],
};

export function run(args: Arguments, context: Context): number {
  const format = args.word("format", ["table", "json"]);
  const ids = context.store.ids();
  if (ids === undefined && context.rootGiven)
    throw new BoxError(`state root ${JSON.stringify(context.store.path)}: no such directory (ENOENT)`);
  if (args.has("quiet")) {
    context.print((ids ?? []).map((id) => `${id}\n`).join(""));
    return 0;
  }
  const ownerName = memo(userName);
  const states = (ids ?? []).flatMap((id) => readState(id, ownerName, context));
  context.print(format === "json" ? `${JSON.stringify(states)}\n` : tableOf(states));
  return 0;
}

/** One that vanishes meanwhile is left out; one that cannot be read is warned of, and the others are still listed. */
function readState(id: string, ownerName: (uid: number) => string, { store, log }: Context): StateOutput[] {
  try {
    using entry = store.find(id);
    const record = entry?.tryRead();
    return record === undefined ? [] : [stateOf(requireReadable(record, id), ownerName)];
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    log.warn(`list ${JSON.stringify(id)}: ${messageOf(thrown)}`);
    return [];
  }
}

const header = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] as const;

function tableOf(states: readonly StateOutput[]): string {
  const rows = [
    header,
    ...states.map(({ id, pid, status, bundle, created, owner }) => [id, `${pid}`, status, bundle, created, owner]),
  ];
  const widths = header.map((_, column) => Math.max(9, ...rows.map((row) => row[column]?.length ?? 0)) + 3);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] as number))
          .join("")
          .trimEnd()}\n`,
    )
    .join("");
}
