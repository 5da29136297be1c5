/** box delete: removes a container. */
import { deleteContainer } from "../../container/delete.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { deletion } from "../deletion.ts";
import { forSelected, regexOption } from "../selection.ts";

export const table: CommandTable = {
  name: "delete",
  summary: "Removes a stopped or created container with its cgroup and state.",
  operands: [{ name: "ID" }],
  options: [{ name: "force", short: "f", help: "kill what still runs; an unknown id is success" }, regexOption],
};

export function run(args: Arguments, context: Context): number {
  const options = deletion(context, args.has("force"));
  forSelected(args, context.store, (id) => deleteContainer(context.store, id, options));
  return 0;
}
