/** box pause: the container's processes stand still. */
import { checkId } from "../../container/id.ts";
import { pauseContainer } from "../../container/pause.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "pause",
  summary: "Freezes every process of a created or running container.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, { store }: Context): number {
  pauseContainer(store, checkId(args.operand(0)));
  return 0;
}
