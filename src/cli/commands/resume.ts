/** box resume: they go on. */
import { checkId } from "../../container/id.ts";
import { resumeContainer } from "../../container/pause.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "resume",
  summary: "Lets a paused container go on.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, { store }: Context): number {
  resumeContainer(store, checkId(args.operand(0)));
  return 0;
}
