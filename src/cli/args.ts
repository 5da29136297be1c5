/**
 * The command line: option tables in, typed values out. One table a command serves parsing, `--help` and the man pages.
 *
 * As callers expect: `--flag value` and `--flag=value`, `-f value`, long names after one dash too, options before and
 * after the operands (but not where everything after the first operand is a command), `--` ends them. An option with
 * an empty value is as if it were not given, for callers of runc; not so one that may be repeated: each value counts.
 */
import { BoxError } from "../base/errors.ts";

export interface Option {
  /** Long name, without dashes. */
  readonly name: string;
  readonly short?: string;
  /** Further names, long ones or of one letter: what other runtimes call it. The help does not tell them. */
  readonly also?: readonly string[];
  /** What the value is called in the help; absent for a flag. */
  readonly value?: string;
  readonly repeat?: boolean;
  /** An empty value is an error: a script's unset variable would choose something else unseen, or runc refuses it too. */
  readonly notEmpty?: boolean;
  readonly help: string;
  /** Accepted and without effect: for callers of older runtimes. */
  readonly obsolete?: boolean;
}

export interface Operand {
  readonly name: string;
  readonly optional?: boolean;
  /** Takes all that follow; options end at the first operand before it. */
  readonly rest?: boolean;
}

export interface CommandTable {
  readonly name: string;
  readonly summary: string;
  readonly operands: readonly Operand[];
  readonly options: readonly Option[];
  /** Everything after the first operand is an operand. */
  readonly optionsFirst?: boolean;
  /** The exit status of box's own errors but for a wrong command line; 1 where it is not given. */
  readonly failureStatus?: number;
}

/** A wrong command line: the usage is shown besides. */
export class UsageError extends BoxError {
  override readonly name = "UsageError";
}

/**
 * What was given, by the long names of the options and in the order of the operands; what is asked for is checked then.
 */
export class Arguments {
  readonly #flags = new Map<string, string[]>();
  readonly operands: string[] = [];

  add(option: Option, value: string): void {
    const values = this.#flags.get(option.name);
    if (value === "" && option.repeat !== true) this.#leaveOut(option);
    else if (values === undefined) this.#flags.set(option.name, [value]);
    else if (option.repeat === true) values.push(value);
    else values[0] = value;
  }

  #leaveOut(option: Option): void {
    if (option.notEmpty === true) throw new UsageError(`--${option.name}: must not be empty`);
    this.remove(option);
  }

  remove(option: Option): void {
    this.#flags.delete(option.name);
  }

  has(name: string): boolean {
    return this.#flags.has(name);
  }

  text(name: string): string | undefined {
    return this.#flags.get(name)?.[0];
  }

  texts(name: string): readonly string[] {
    return this.#flags.get(name) ?? [];
  }

  /** A whole number from 0 to `max`. */
  count(name: string, max: number): number {
    const text = this.text(name);
    if (text === undefined) return 0;
    const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number <= max))
      throw new UsageError(`--${name}: must be a number from 0 to ${max}, not ${JSON.stringify(text)}`);
    return number;
  }

  /** One of a few words; the first is the default. */
  word<const W extends string>(name: string, words: readonly W[]): W {
    const text = this.text(name) ?? (words[0] as string);
    if (!(words as readonly string[]).includes(text)) {
      throw new UsageError(`--${name}: must be ${words.join(" or ")}, not ${JSON.stringify(text)}`);
    }
    return text as W;
  }

  operand(index: number): string {
    return this.operands[index] as string;
  }
}

/** Every command has it, and box itself. */
export const helpOption: Option = { name: "help", short: "h", also: ["?", "usage"], help: "show this help" };

/** The options of a command in the order of its help, with the one that every command has. */
export function allOptions(table: CommandTable): readonly Option[] {
  return [...table.options, helpOption];
}

/**
 * Reads the arguments of one command.
 * @param args what follows the command's name
 * @throws UsageError naming what is unknown, missing or too much
 */
export function parseArguments(table: CommandTable, args: readonly string[]): Arguments {
  const parsed = new Arguments();
  const options = allOptions(table);
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    const takesAll = table.optionsFirst === true && parsed.operands.length > 0;
    if (takesAll || arg === "-" || !arg.startsWith("-")) {
      parsed.operands.push(arg);
    } else if (arg === "--") {
      parsed.operands.push(...args.slice(index + 1));
      break;
    } else {
      index += takeOption(parsed, options, arg, args[index + 1]);
    }
  }
  if (!parsed.has("help")) checkOperands(table, parsed.operands.length);
  return parsed;
}

/** @returns how many of the following arguments were used */
export function takeOption(
  parsed: Arguments,
  options: readonly Option[],
  arg: string,
  next: string | undefined,
): 0 | 1 {
  const equals = arg.indexOf("=");
  const dashes = arg.startsWith("--") ? 2 : 1;
  const name = arg.slice(dashes, equals < 0 ? undefined : equals);
  const isShort = dashes === 1 && name.length === 1;
  const option = options.find(
    (candidate) =>
      (isShort ? candidate.short : candidate.name) === name ||
      (candidate.also?.includes(name) === true && isShort === (name.length === 1)),
  );
  if (option === undefined) throw new UsageError(`unknown option ${JSON.stringify(arg)}`);
  if (option.value === undefined) {
    if (equals >= 0) takeSwitch(parsed, option, arg.slice(equals + 1));
    else parsed.add(option, "true");
    return 0;
  }
  if (equals >= 0) {
    parsed.add(option, arg.slice(equals + 1));
    return 0;
  }
  if (next === undefined) throw new UsageError(`option ${JSON.stringify(arg)} needs a value: ${option.value}`);
  parsed.add(option, next);
  return 1;
}

/** `--flag=true` and `--flag=false`, as Go programs write them. */
function takeSwitch(parsed: Arguments, option: Option, value: string): void {
  if (value === "true") parsed.add(option, "true");
  else if (value === "false") parsed.remove(option);
  else throw new UsageError(`option "--${option.name}" takes no value`);
}

function checkOperands({ name, operands }: CommandTable, count: number): void {
  const least = operands.filter(({ optional }) => optional !== true).length;
  const most = operands.some(({ rest }) => rest === true) ? Number.POSITIVE_INFINITY : operands.length;
  if (count >= least && count <= most) return;
  const missing = operands[count];
  if (count < least && missing !== undefined) throw new UsageError(`${name}: ${missing.name} is missing`);
  throw new UsageError(most === 0 ? `${name} takes no arguments` : `${name}: too many arguments`);
}
