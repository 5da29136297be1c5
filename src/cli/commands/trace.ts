/** box trace: what `--trace` has written, for people. */
import { readNamed } from "../../facts/bundle.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { readTimeline, report } from "../timeline.ts";

export const table: CommandTable = {
  name: "trace",
  summary:
    "Prints a --trace file: the steps of each process with their system calls, and the ten longest calls. Times are milliseconds.",
  operands: [{ name: "FILE" }],
  options: [],
};

export function run(args: Arguments, { print }: Context): number {
  const file = args.operand(0);
  print(report(readTimeline(readNamed(file).text, file)));
  return 0;
}
