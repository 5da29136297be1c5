/** box start: runs the program of a created container. */
import { checkId } from "../../container/id.ts";
import { openProcess } from "../../container/processes.ts";
import { startContainer } from "../../container/start.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { deletion } from "../deletion.ts";
import { serviceManager } from "../handover.ts";

export const table: CommandTable = {
  name: "start",
  summary: "Runs the program of a created container. Fails, with the reason, when it cannot be executed.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, context: Context): number {
  const manager = serviceManager(context);
  const { init } = startContainer(context.store, checkId(args.operand(0)), {
    deletion: deletion(context, true),
    prepare: manager && ((directory) => manager.listen(directory)),
  });
  if (manager !== undefined && init !== null) manager.passOn(init.pid, openProcess(init));
  return 0;
}
