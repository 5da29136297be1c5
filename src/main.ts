/** The entry: global options, then the command's own module, loaded only now. Every error is printed here, once. */

import { BoxError, within } from "./base/errors.ts";
import { Log } from "./base/log.ts";
import { type Follower, follow, step, withStage } from "./base/steps.ts";
import { Arguments, type CommandTable, parseArguments, takeOption, UsageError } from "./cli/args.ts";
import { cgroupManagerOf } from "./cli/cgroup-manager.ts";
import type { Command, Context } from "./cli/context.ts";
import { openStore } from "./cli/root.ts";
import { commands, globalOptions, helpTable, unsupported } from "./cli/table.ts";
import { withCallersUmask } from "./cli/umask.ts";
import { versions } from "./cli/version.ts";
import { timestamp } from "./linux/clock.ts";
import { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } from "./linux/constants.ts";
import { argv, build, load } from "./linux/engine.ts";
import { type Fd, stdio } from "./linux/fd.ts";
import { countOpen, open, writeAll } from "./linux/file.ts";

/** @returns the exit status */
export function main(): number {
  const globals = new Arguments();
  const inheritedFds = countOpen(3);
  let log = stderrLog("text", "warning");
  let endTrace: (() => void) | undefined;
  try {
    const rest = parseGlobals(globals, argv.slice(1));
    if (logOptions.some((name) => globals.has(name))) log = openLog(globals);
    if (log.level === "debug") follow(new StepLog(log));
    endTrace = openTrace(globals, rest);
    return perform(globals, rest, log, inheritedFds);
  } catch (thrown) {
    return fail(thrown, log, undefined);
  } finally {
    endTrace?.();
  }
}

/** Tells of each step of this process. What it clones has no business with the log. */
class StepLog implements Follower {
  readonly #log: Log;
  #isOwn = true;

  constructor(log: Log) {
    this.#log = log;
  }

  readonly step = (name: string): void => {
    if (this.#isOwn) this.#log.debug(`step: ${name}`);
  };

  readonly process = (): void => {
    this.#isOwn = false;
  };
}

/**
 * Tells what is wrong.
 * @param table of the command that was found, if any
 * @returns the exit status: 1 for a wrong command line, else the command's own
 */
function fail(thrown: unknown, log: Log, table: CommandTable | undefined): number {
  if (!(thrown instanceof BoxError)) throw thrown;
  if (!(thrown instanceof UsageError)) {
    log.error(new BoxError(thrown.message, withStage(thrown.details)));
    return table?.failureStatus ?? 1;
  }
  const { commandUsage, usage } = load("cli/help") as typeof import("./cli/help.ts");
  log.error(new BoxError(`${thrown.message} (${table === undefined ? usage : commandUsage(table)})`));
  return 1;
}

/** Reads the options before the command's name; returns the name and what follows. */
function parseGlobals(globals: Arguments, args: readonly string[]): readonly string[] {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (!arg.startsWith("-")) return args.slice(index);
    index += takeOption(globals, globalOptions, arg, args[index + 1]);
  }
  return [];
}

function perform(globals: Arguments, [name, ...args]: readonly string[], log: Log, inheritedFds: number): number {
  if (globals.has("version")) return printVersion();
  if (globals.has("help") || name === undefined) return help(name, name === undefined && !globals.has("help"));
  if (name === helpTable.name) return explain(args, log);
  const { table, run } = findCommand(name);
  const cgroupManager = cgroupManagerOf(globals);
  // box finds out by itself what its caller may do; a word that means nothing is no less wrong.
  globals.word("rootless", ["auto", "true", "false"]);
  // A relative root starts from where the caller is: commands that enter a bundle leave that.
  let opened: ReturnType<typeof openStore> | undefined = globals.has("root") ? openStore(globals) : undefined;
  try {
    const parsed = parseArguments(table, args);
    if (parsed.has("help")) return help(name, false);
    const context: Context = {
      log,
      // Only when it is asked for: not every command needs a place for containers.
      get store() {
        opened ??= openStore(globals);
        return opened;
      },
      rootGiven: globals.has("root"),
      cgroupManager,
      inheritedFds,
      print: (text) => print(stdio.out, text),
    };
    step(name);
    const status = run(parsed, context);
    log.flush();
    return status;
  } catch (thrown) {
    return fail(thrown, log, table);
  } finally {
    opened?.[Symbol.dispose]();
  }
}

function findCommand(name: string): Command {
  if (unsupported.includes(name)) throw new BoxError(`${name}: not supported by this version of box`);
  if (!commands.some(([known]) => known === name)) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
  return load(`cli/commands/${name}`) as Command;
}

/** `box help [COMMAND]` */
function explain(args: readonly string[], log: Log): number {
  try {
    return help(parseArguments(helpTable, args).operands[0], false);
  } catch (thrown) {
    return fail(thrown, log, helpTable);
  }
}

/** @param missing whether a command was due: then the help is an answer to an error */
function help(name: string | undefined, missing: boolean): number {
  const { overview, commandHelp } = load("cli/help") as typeof import("./cli/help.ts");
  const text = name === undefined || name === helpTable.name ? overview() : commandHelp(findCommand(name).table);
  print(missing ? stdio.error : stdio.out, text);
  return missing ? 1 : 0;
}

function printVersion(): number {
  print(stdio.out, versions(build));
  return 0;
}

function print(to: Fd, text: string | Uint8Array): void {
  writeAll(to, text);
}

function stderrLog(format: "text" | "json", level: "error" | "warning" | "debug"): Log {
  return new Log({ format, level, now: timestamp, write: (line) => print(stdio.error, `${line}\n`), show: undefined });
}

/** What makes a log another one than that of the start. */
const logOptions = ["log", "log-format", "log-level", "debug", "systemd-log"];

function openLog(globals: Arguments): Log {
  const format = globals.word("log-format", ["text", "json"]);
  const level = globals.has("debug") ? "debug" : globals.word("log-level", ["warning", "error", "debug"]);
  const place = logPlace(globals);
  if (place === "" || place === "/dev/stderr") return stderrLog(format, level);
  const show = (line: string): void => print(stdio.error, `${line}\n`);
  const service = /^(journald|syslog):(.*)$/s.exec(place);
  if (service !== null) {
    const { openLogService } = load("cli/log-service") as typeof import("./cli/log-service.ts");
    const write = openLogService(service[1] as "journald" | "syslog", service[2] || "box");
    return new Log({ format: format === "text" ? "bare" : format, level, now: timestamp, write, show });
  }
  const file = openToAppend("--log", place.replace(/^file:/, ""));
  return new Log({ format, level, now: timestamp, write: (line) => print(file, `${line}\n`), show });
}

function logPlace(globals: Arguments): string {
  const place = globals.text("log") ?? "";
  if (!globals.has("systemd-log")) return place;
  if (place !== "" && !place.startsWith("journald:"))
    throw new UsageError(`--systemd-log: contradicts --log ${JSON.stringify(place)}`);
  return place || "journald:";
}

/** Files of messages and of the timeline: another user's link is not followed, and their FIFO without a reader is refused. */
function openToAppend(option: string, path: string): Fd {
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
  return within(option, () => withCallersUmask(() => open("cwd", path, flags, 0o666)));
}

/** @returns what ends the timeline */
function openTrace(globals: Arguments, command: readonly string[]): (() => void) | undefined {
  const path = globals.text("trace");
  if (path === undefined) return undefined;
  const { startTrace } = load("linux/trace") as typeof import("./linux/trace.ts");
  return startTrace(openToAppend("--trace", path), ["box", ...command].join(" "));
}
