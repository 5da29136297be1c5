/** box delete: removes a container. */
import { deleteContainer } from "../../container/delete.ts";
import { checkId } from "../../container/id.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { deletion } from "../deletion.ts";

export const table: CommandTable = {
  name: "delete",
  summary: "Removes a stopped or created container with its cgroup and state.",
  operands: [{ name: "ID" }],
  options: [{ name: "force", short: "f", help: "kill what still runs; an unknown id is success" }],
};

export function run(args: Arguments, context: Context): number {
  deleteContainer(context.store, checkId(args.operand(0)), deletion(context, args.has("force")));
  return 0;
}
