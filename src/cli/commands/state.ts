/** box state: one container as JSON. */
import { checkId } from "../../container/id.ts";
import { stateOf } from "../../container/state.ts";
import { userName } from "../../facts/users.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "state",
  summary: "Prints the state of a container as JSON.",
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, { store, print }: Context): number {
  using entry = store.get(checkId(args.operand(0)));
  print(`${JSON.stringify(stateOf(entry.read(), userName), null, 2)}\n`);
  return 0;
}
