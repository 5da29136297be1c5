/** box events: statistics and out-of-memory events as lines of JSON. */
import { followEvents, printStats } from "../../container/events.ts";
import { checkId } from "../../container/id.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";

export const table: CommandTable = {
  name: "events",
  summary: "Prints what containers use and when their memory runs out, as lines of JSON, until they end.",
  operands: [{ name: "ID" }, { name: "ID", optional: true, rest: true }],
  options: [
    {
      name: "interval",
      value: "TIME",
      notEmpty: true,
      help: "time between two records, such as 500ms or 1m30s (default 5s)",
    },
    { name: "stats", help: "print one record of each container and end" },
  ],
};

export function run(args: Arguments, { store, print }: Context): number {
  const ids = args.operands.map(checkId);
  const interval = parseDuration("interval", args.text("interval") ?? "5s");
  const printLine = (line: string): void => print(`${line}\n`);
  if (args.has("stats")) printStats(store, ids, printLine);
  else followEvents(store, ids, interval, printLine);
  return 0;
}
