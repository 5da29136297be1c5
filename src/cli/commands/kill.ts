/** box kill: a signal for the container. */
import { signalNumber } from "../../base/signals.ts";
import { killContainer } from "../../container/kill.ts";
import { type Arguments, type CommandTable, UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { forSelected, regexOption } from "../selection.ts";

export const table: CommandTable = {
  name: "kill",
  summary: "Sends a signal (default TERM; a name with or without SIG, or a number) to the container's first process.",
  operands: [{ name: "ID" }, { name: "SIGNAL", optional: true }],
  options: [{ name: "all", short: "a", help: "signal every process of the container" }, regexOption],
};

export function run(args: Arguments, { store }: Context): number {
  const name = args.operands[1] ?? "TERM";
  const signal = signalNumber(name);
  if (signal === undefined) throw new UsageError(`unknown signal ${JSON.stringify(name)}`);
  forSelected(args, store, (id) => killContainer(store, id, { signal, all: args.has("all") }));
  return 0;
}
