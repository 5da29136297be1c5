/** Texts of `--help`, from the option tables. */

import { allOptions, type CommandTable, type Option } from "./args.ts";
import { commands, globalOptions } from "./table.ts";

/** One line: `box kill [options] ID [SIGNAL]`. */
export function usageLine({ name, operands }: CommandTable): string {
  const words = operands.map(({ name: operand, optional, rest }) => {
    const text = rest === true ? `${operand}...` : operand;
    return optional === true ? `[${text}]` : text;
  });
  return ["box", name, "[options]", ...words].join(" ");
}

/** After the error of a wrong command line. */
export function commandUsage(table: CommandTable): string {
  return `usage: ${usageLine(table)}, see box ${table.name} --help`;
}

/** The same where it is not known which command was meant. */
export const usage = "usage: box [global options] COMMAND [options] [arguments], see box --help";

/** What `box COMMAND --help` shows. */
export function commandHelp(table: CommandTable): string {
  return `${usageLine(table)}\n\n${table.summary}\n\nOptions:\n${optionLines(allOptions(table))}`;
}

/** A line for each option, in columns; obsolete ones are not shown. */
export function optionLines(options: readonly Option[]): string {
  const shown = options.filter(({ obsolete }) => obsolete !== true);
  const heads = shown.map(({ name, short, value }) => {
    const long = `--${name}${value === undefined ? "" : ` ${value}`}`;
    return short === undefined ? `    ${long}` : `-${short}, ${long}`;
  });
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return shown.map(({ help }, index) => `  ${(heads[index] as string).padEnd(width)}${help}\n`).join("");
}

/** What `box --help` shows. */
export function overview(): string {
  const width = Math.max(...commands.map(([name]) => name.length)) + 2;
  const list = commands.map(([name, summary]) => `  ${name.padEnd(width)}${summary}\n`).join("");
  return `box [global options] COMMAND [options] [arguments]

box runs OCI containers.

Commands:
${list}
Global options:
${optionLines(globalOptions)}
"box COMMAND --help" tells more.
`;
}
