/** box doctor: what this host and this user can do, and how to mend what they cannot. */
import type { Check } from "../../doctor/check.ts";
import { examine, type Report } from "../../doctor/examine.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "doctor",
  summary:
    "Tells what this host and this user can do, and for what is missing the command that mends it. Nothing is changed. Ends with status 1 when no container can run.",
  operands: [],
  options: [{ name: "json", help: "print the report as JSON" }],
};

export function run(args: Arguments, { print }: Context): number {
  const report = examine();
  print(args.has("json") ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  return report.checks.some(({ status }) => status === "missing") ? 1 : 0;
}

function text({ user, checks }: Report): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ status, name, detail, mend }: Check) => [
    `${status.padEnd(7)}  ${name.padEnd(width)}  ${detail}`,
    ...(mend === undefined ? [] : [`${"".padEnd(9 + width)}  mend: ${mend}`]),
  ]);
  const missing = checks.filter(({ status }) => status === "missing").map(({ name }) => name);
  const verdict =
    missing.length === 0
      ? `${user} can run containers here`
      : `${user} cannot run containers here: ${missing.join(", ")}`;
  return `${lines.join("\n")}\n\n${verdict}\n`;
}
