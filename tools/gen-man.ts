/**
 * Writes the manual pages, box.1 and a box-<command>.1 for each command, from the option tables of src/cli:
 * `gen-man.ts DIRECTORY`. What the tables do not say (exit statuses, environment, files) is here.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { CommandTable, Option } from "../src/cli/args.ts";
import { commands, globalOptions } from "../src/cli/table.ts";
import { readTables } from "./command-tables.ts";

// --- What the tables do not say: `bold`, *italic*, an empty line between paragraphs ------------------------------------

const description = `
\`box\` runs OCI containers: it takes a bundle (a directory with config.json and a root file system, as the OCI runtime
specification describes it), makes the container, and controls it through its life.

\`create\` makes the container and stops before its program runs, \`start\` lets it run, \`kill\` signals it,
\`delete\` removes what \`create\` made; \`run\` does all of it for one program. Options are written \`--name\` *VALUE* or
\`--name=\`*VALUE*, before or after the operands; \`--\` ends them.`;

const environment: readonly (readonly [name: string, text: string])[] = [
  ["XDG_RUNTIME_DIR", "where the state directory of a user other than root lies, if `--root` does not name one"],
  [
    "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
    "socket activation: when LISTEN_PID is the pid of `box`, the program gets the descriptors and these variables",
  ],
  [
    "NOTIFY_SOCKET",
    "the service manager, which is told once the program has sent READY=1 to the socket that it gets in /run/notify; `start` and `run --detach` wait for that",
  ],
];

const files: readonly (readonly [name: string, text: string])[] = [
  ["/run/box", "the state directory of root: a directory a container"],
  ["$XDG_RUNTIME_DIR/box", "that of another user"],
  ["/sys/fs/cgroup/.../box/ID", "the cgroup of a container whose configuration names none"],
];

const ownErrors = "0, or 1 for an error, which is told in one line on stderr (and in the log file).";

const runStatus = `The exit status of the program, or 128 + N when signal N ended it. With \`--detach\`, 0 once the program
runs. 1 also stands for an error of box itself, which is told in one line on stderr.`;

const validateStatus = "0 when there are no errors, whatever the warnings; else 1.";

const statuses: Readonly<Record<string, string>> = { run: runStatus, validate: validateStatus };

const notes: Readonly<Record<string, string>> = {
  create: `An *ID* is made of letters, digits and the characters _ + - . and has at most 255 bytes; "." and ".." are none.

The program inherits stdin, stdout and stderr of this command. Where the configuration asks for a terminal,
\`--console-socket\` is required, and the terminal's master is sent to that socket.`,
  start: `Returns when the program has been executed. Where that fails, the error tells the kernel's reason, and the container
is stopped.`,
  run: `In the foreground, signals that box gets are sent on to the program, and the terminal of the program, if it has one,
is connected to the caller's.`,
  validate: `What create would fail for is an error: a wrong shape; or else whatever the rules of the specification, the
plan and this host object to (a namespace or controller that the kernel lacks, a source or hook that is missing, ids that the
caller may not map). What may turn out well is a warning. Each line names the property and where the specification describes
it. Nothing is made, entered or executed.`,
  state: `The status is creating, created, running, paused or stopped: as found out from the process at that moment.`,
  kill: `A signal is a number from 1 to 64, or a name such as TERM, SIGTERM, sigterm or RTMIN+1. To signal a stopped container
is an error, but not with \`--all\`.`,
  delete: `A running container is refused without \`--force\`. One that was created and not started is ended and removed.`,
};

// --- troff ------------------------------------------------------------------------------------------------------------

/** Text as troff takes it, nothing in it read as a request. */
function roff(text: string): string {
  return text
    .trim()
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replace(/`([^`]*)`/g, "\\fB$1\\fR")
    .replace(/\*([^*]*)\*/g, "\\fI$1\\fR")
    .replace(/^\./gm, "\\&.")
    .replaceAll("\n\n", "\n.PP\n");
}

function page(name: string, summary: string, sections: readonly (readonly [title: string, body: string])[]): string {
  return [
    `.TH "${name.toUpperCase()}" 1 "" "box ${version}" "User Commands"`,
    ".SH NAME",
    `${roff(name)} \\- ${roff(summary)}`,
    ...sections.flatMap(([title, body]) => [`.SH "${title}"`, body]),
    "",
  ].join("\n");
}

function entries(list: readonly (readonly [tag: string, text: string])[]): string {
  return list.map(([tag, text]) => `.TP\n${roff(tag)}\n${roff(text)}`).join("\n");
}

/** The options that do something, then in one paragraph those that are only accepted. */
function optionEntries(options: readonly Option[]): string {
  const obsolete = options.filter((option) => option.obsolete === true).map(optionTag);
  const shown = options.filter((option) => option.obsolete !== true);
  const note = obsolete.length === 0 ? "" : `\n.PP\n${roff(`Accepted and without effect: ${obsolete.join(", ")}.`)}`;
  return entries(shown.map((option) => [optionTag(option), option.help])) + note;
}

function optionTag({ name, short, value }: Option): string {
  const long = `\`--${name}\`${value === undefined ? "" : ` *${value}*`}`;
  return short === undefined ? long : `\`-${short}\`, ${long}`;
}

function synopsis({ name, operands }: CommandTable): string {
  const words = operands.map(({ name: operand, optional, rest }) => {
    const text = `*${operand}*${rest === true ? "..." : ""}`;
    return optional === true ? `[${text}]` : text;
  });
  return roff(["`box`", "[*global options*]", `\`${name}\``, "[*options*]", ...words].join(" "));
}

function references(names: readonly string[]): string {
  return names.map((name, index) => `.BR ${roff(name)} (1)${index < names.length - 1 ? "," : ""}`).join("\n");
}

// --- The pages --------------------------------------------------------------------------------------------------------

function commandPage(table: CommandTable): string {
  const { name, summary, options } = table;
  const brief = commands.find(([known]) => known === name)?.[1] ?? "";
  const help: Option = { name: "help", short: "h", help: "show the options" };
  return page(`box-${name}`, brief, [
    ["SYNOPSIS", synopsis(table)],
    ["DESCRIPTION", roff(`${summary}\n\n${notes[name] ?? ""}`)],
    ["OPTIONS", optionEntries([...options, help])],
    ["EXIT STATUS", roff(statuses[name] ?? ownErrors)],
    ["SEE ALSO", references(["box"])],
  ]);
}

function mainPage(): string {
  return page("box", "run OCI containers", [
    ["SYNOPSIS", roff("`box` [*global options*] *COMMAND* [*options*] [*arguments*]")],
    ["DESCRIPTION", roff(description)],
    ["COMMANDS", entries(commands.map(([name, brief]) => [`\`${name}\``, `${brief}, \`box-${name}\`(1)`]))],
    ["GLOBAL OPTIONS", optionEntries(globalOptions)],
    ["EXIT STATUS", roff(`${ownErrors}\n\n\`run\` ends with the status of the program.`)],
    ["ENVIRONMENT", entries(environment)],
    ["FILES", entries(files)],
    ["SEE ALSO", references(commands.map(([name]) => `box-${name}`))],
  ]);
}

const directory = process.argv[2];
if (directory === undefined) throw new Error("usage: gen-man.ts DIRECTORY");
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const tables = await readTables();
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
writeFileSync(`${directory}/box.1`, mainPage());
for (const table of tables) writeFileSync(`${directory}/box-${table.name}.1`, commandPage(table));
