/** box wait: how the container's program ends. */
import { checkId } from "../../container/id.ts";
import { waitForEnd } from "../../container/wait.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "wait",
  summary:
    'Waits until the container is stopped and prints the exit status of its program, 128 + N for signal N; "stopped" where that cannot be told any more.',
  operands: [{ name: "ID" }],
  options: [],
};

export function run(args: Arguments, { store, print }: Context): number {
  print(`${waitForEnd(store, checkId(args.operand(0))) ?? "stopped"}\n`);
  return 0;
}
