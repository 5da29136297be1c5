/** box ps: the processes of a container. */
import { checkId } from "../../container/id.ts";
import { pidsOf, psTable } from "../../container/ps.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "ps",
  summary: "Lists the processes of a container: what the host's ps prints of them (by default ps -ef), or their pids.",
  operands: [{ name: "ID" }, { name: "PS-ARGUMENT", optional: true, rest: true }],
  options: [{ name: "format", short: "f", value: "FORMAT", notEmpty: true, help: "table or json (default table)" }],
  optionsFirst: true,
};

export function run(args: Arguments, { store, print }: Context): number {
  const [id, ...psArguments] = args.operands as [string, ...string[]];
  const format = args.word("format", ["table", "json"]);
  const pids = pidsOf(store, checkId(id));
  print(
    format === "json" ? `${JSON.stringify(pids)}\n` : psTable(pids, psArguments.length === 0 ? ["-ef"] : psArguments),
  );
  return 0;
}
