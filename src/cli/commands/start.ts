/** box start: runs the program of a created container. */
import { checkId } from "../../container/id.ts";
import { startContainer } from "../../container/start.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { deletion } from "../deletion.ts";

export const table: CommandTable = {
  name: "start",
  summary: "Runs the program of a created container. Fails, with the reason, when it cannot be executed.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, context: Context): number {
  startContainer(context.store, checkId(args.operand(0)), deletion(context, true));
  return 0;
}
