/**
 * Writes what bash, zsh and fish complete, from the option tables of src/cli: `gen-completions.ts DIRECTORY`.
 *
 * Commands and options are completed by name, an ID by the containers there are, everything else as a file.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type CommandTable, helpOption, type Option } from "../src/cli/args.ts";
import { commands, globalOptions } from "../src/cli/table.ts";
import { readTables } from "./command-tables.ts";

function shown(options: readonly Option[]): readonly Option[] {
  return options.filter(({ obsolete }) => obsolete !== true);
}

const optionsOf = (table: CommandTable): readonly Option[] => [...shown(table.options), helpOption];

const wordsOf = ({ name, short }: Option): string[] =>
  short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];

const takesId = ({ operands }: CommandTable): boolean => operands[0]?.name === "ID";

/** In single quotes, for every shell here. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const withValues = (options: readonly Option[]): string =>
  options
    .filter(({ value }) => value !== undefined)
    .flatMap(wordsOf)
    .join("|");

function bash(tables: readonly CommandTable[]): string {
  const cases = tables.map(
    (table) =>
      `    ${table.name}) options=${quoted(optionsOf(table).flatMap(wordsOf).join(" "))}; values=${quoted(`|${withValues(optionsOf(table))}|`)}; id=${takesId(table) ? 1 : ""} ;;`,
  );
  return `# What bash completes for box. Generated from the tables that parse the arguments.
_box() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local globals=${quoted(`|${withValues(globalOptions)}|`)}
  local at command='' operands=0 options values id
  local -a root=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
    --root | -r) root=(--root "\${COMP_WORDS[at + 1]}"); ((at++)) ;;
    -*) [[ $command || $globals != *"|\${COMP_WORDS[at]}|"* ]] || ((at++)) ;;
    *) if [[ $command ]]; then ((operands++)); else command=\${COMP_WORDS[at]}; fi ;;
    esac
  done
  options=${quoted(shown(globalOptions).flatMap(wordsOf).join(" "))} values=$globals id=
  case $command in
${cases.join("\n")}
  esac
  COMPREPLY=()
  if [[ $values == *"|$before|"* ]]; then
    compopt -o default 2>/dev/null
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ ! $command ]]; then
    COMPREPLY=($(compgen -W ${quoted(commands.map(([name]) => name).join(" "))} -- "$word"))
  elif [[ $id && $operands == 0 ]]; then
    COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" "\${root[@]}" list --quiet 2>/dev/null)" -- "$word"))
  else
    compopt -o default 2>/dev/null
  fi
}
complete -F _box box
`;
}

/** `_arguments` takes an option with its text in brackets; a colon would end the text. */
function zshOption(option: Option): string[] {
  const text = option.help.replaceAll("[", "(").replaceAll("]", ")").replaceAll(":", "\\:");
  const value = option.value === undefined ? "" : `:${option.value}:_files`;
  const many = option.repeat === true ? "*" : "";
  return wordsOf(option).map((word) => quoted(`${many}${word}[${text}]${value}`));
}

function zsh(tables: readonly CommandTable[]): string {
  const cases = tables.map((table) => {
    const operand = takesId(table) ? quoted("1:ID:_box_ids") : "";
    const words = [...optionsOf(table).flatMap(zshOption), operand, quoted("*::arguments:_files")].filter(
      (w) => w !== "",
    );
    return `    ${table.name}) _arguments ${words.join(" ")} ;;`;
  });
  const list = commands.map(([name, brief]) => quoted(`${name}:${brief.replaceAll(":", "\\:")}`));
  return `#compdef box
# What zsh completes for box. Generated from the tables that parse the arguments.
_box_ids() { compadd -- \${(f)"$(_call_program ids box list --quiet 2>/dev/null)"} }
_box() {
  local state
  local -a commands=(${list.join(" ")})
  _arguments -C ${shown(globalOptions).flatMap(zshOption).join(" ")} '1:command:->command' '*::arguments:->arguments'
  case $state in
  command) _describe command commands ;;
  arguments)
    case $words[1] in
${cases.join("\n")}
    esac ;;
  esac
}
_box "$@"
`;
}

function fish(tables: readonly CommandTable[]): string {
  const option = (condition: string, { name, short, value, help: text }: Option): string =>
    `complete -c box -n ${quoted(condition)} -l ${name}${short === undefined ? "" : ` -s ${short}`}${value === undefined ? " -f" : " -r"} -d ${quoted(text)}`;
  const names = commands.map(([name]) => name).join(" ");
  const before = `not __fish_seen_subcommand_from ${names}`;
  return [
    "# What fish completes for box. Generated from the tables that parse the arguments.",
    ...commands.map(([name, brief]) => `complete -c box -n ${quoted(before)} -f -a ${name} -d ${quoted(brief)}`),
    ...shown(globalOptions).map((one) => option(before, one)),
    ...tables.flatMap((table) => {
      const condition = `__fish_seen_subcommand_from ${table.name}`;
      const ids = `complete -c box -n ${quoted(condition)} -f -a ${quoted("(box list --quiet 2>/dev/null)")}`;
      return [...(takesId(table) ? [ids] : []), ...optionsOf(table).map((one) => option(condition, one))];
    }),
    "",
  ].join("\n");
}

const directory = process.argv[2];
if (directory === undefined) throw new Error("usage: gen-completions.ts DIRECTORY");
const tables = await readTables();
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
writeFileSync(`${directory}/box`, bash(tables));
writeFileSync(`${directory}/_box`, zsh(tables));
writeFileSync(`${directory}/box.fish`, fish(tables));
