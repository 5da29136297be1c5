/** box features: what this box supports, in the specification's format. */

import { loadableFlags } from "../../facts/seccomp.ts";
import { build } from "../../linux/engine.ts";
import { features } from "../../plan/features.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "features",
  summary: "Prints what this box supports as JSON (runtime-spec, features.md).",
  operands: [],
  options: [],
};

export function run(_args: Arguments, { print }: Context): number {
  print(`${JSON.stringify(features(build, loadableFlags()), null, 2)}\n`);
  return 0;
}
