/** box start: runs the program of a created container. */
import { checkId } from "../../container/id.ts";
import { startContainer } from "../../container/start.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "start",
  summary: "Runs the program of a created container. Fails, with the reason, when it cannot be executed.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, { store, log }: Context): number {
  startContainer(store, checkId(args.operand(0)), log.warn);
  return 0;
}
