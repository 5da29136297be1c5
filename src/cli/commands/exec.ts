/** box exec: one more process in a container that is there. */
import { within } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import { step } from "../../base/steps.ts";
import { execIn, whileRunning } from "../../container/exec.ts";
import { Foreground } from "../../container/foreground.ts";
import { checkId } from "../../container/id.ts";
import { requireExecutable } from "../../container/status.ts";
import { openTarget, type Target } from "../../container/target.ts";
import { readNamed } from "../../facts/bundle.ts";
import { hostFacts } from "../../facts/host.ts";
import { otherNamespaces } from "../../facts/namespaces.ts";
import { load, sealed } from "../../linux/engine.ts";
import type { Child } from "../../linux/process.ts";
import { waitReadable } from "../../linux/socket.ts";
import {
  completeProcess,
  type ExecOptions,
  type ExecPlan,
  isCommandOnly,
  type ProcessOptions,
  planExec,
  processOf,
} from "../../plan/exec.ts";
import { format } from "../../spec/findings.ts";
import { newNamespaces } from "../../spec/namespaces.ts";
import type { ValidProcess, ValidSpec } from "../../spec/types.ts";
import { capabilityNames } from "../../spec/vocabulary.ts";
import { type Arguments, type CommandTable, UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { checkTerminal, consoleSender, inheritedFds, PidFile, pidfdSender } from "../handover.ts";

export const table: CommandTable = {
  name: "exec",
  summary:
    "Executes a program in a container, as the container's own is configured where the options say nothing else, and ends with its exit status; with 255 for an error of box's own.",
  operands: [{ name: "ID" }, { name: "COMMAND", optional: true, rest: true }],
  optionsFirst: true,
  failureStatus: 255,
  options: [
    {
      name: "process",
      short: "p",
      value: "FILE",
      help: "the process as JSON, in place of COMMAND and options about it",
    },
    { name: "tty", short: "t", help: "give the program a terminal" },
    { name: "detach", short: "d", help: "return once the program runs" },
    { name: "pid-file", value: "FILE", help: "write the program's pid" },
    { name: "env", short: "e", value: "NAME=VALUE", repeat: true, help: "set a variable" },
    { name: "cwd", value: "DIR", help: "working directory" },
    { name: "user", short: "u", value: "UID[:GID]", help: "user and group, as numbers" },
    { name: "additional-gids", short: "g", value: "GID", repeat: true, help: "one more group" },
    { name: "cap", short: "c", value: "CAP", repeat: true, help: "one more capability, as in CAP_NET_RAW" },
    { name: "no-new-privs", help: "let the program gain no privileges by execve" },
    { name: "apparmor", value: "PROFILE", help: "AppArmor profile" },
    { name: "process-label", value: "LABEL", help: "SELinux label" },
    { name: "preserve-fds", value: "N", help: "let the program keep descriptors 3 to 3+N-1" },
    { name: "ignore-paused", help: "in a paused container, wait until it goes on" },
    { name: "cgroup", value: "[CTRL,...:]PATH", repeat: true, help: "a cgroup below the container's, which is there" },
    { name: "console-socket", value: "PATH", help: "unix socket that takes the terminal's master" },
    { name: "pidfd-socket", value: "PATH", help: "unix socket that takes a pidfd of the program" },
  ],
};

export function run(args: Arguments, context: Context): number {
  if (!sealed) throw new Error("this process is not sealed");
  const id = checkId(args.operand(0));
  const fds = inheritedFds(args, context);
  const file = args.text("process");
  const request: Request = {
    source: file === undefined ? { options: processOptions(args) } : { file },
    preserveFds: fds.count,
    activation: fds.env,
    cgroups: args.texts("cgroup"),
    addedCapabilities: capabilitiesIn(args.texts("cap")),
    ignorePaused: args.has("ignore-paused"),
    detached: args.has("detach"),
    consoleSocket: args.text("console-socket"),
    pidfdSocket: args.text("pidfd-socket"),
    pidFile: new PidFile(args.text("pid-file")),
  };
  return within(
    () => `exec ${quote(id)}`,
    () => execute(id, request, context),
  );
}

/** The command line, read: nothing of it is wrong in itself. */
interface Request extends ExecOptions {
  /** The process: a file of its own, or what differs from the container's. */
  readonly source: { readonly file: string } | { readonly options: ProcessOptions };
  readonly ignorePaused: boolean;
  readonly detached: boolean;
  readonly consoleSocket: string | undefined;
  readonly pidfdSocket: string | undefined;
  readonly pidFile: PidFile;
}

function execute(id: string, request: Request, context: Context): number {
  step("container");
  using target = openTarget(context.store, id, (status) => requireExecutable(status, request.ignorePaused));
  using foreground = request.detached ? undefined : new Foreground(false);
  const child = whileRunning(target, () => start(target, request, foreground, context));
  return foreground === undefined ? 0 : foreground.wait(child);
}

function start(target: Target, request: Request, foreground: Foreground | undefined, context: Context): Child {
  const plan = planFor(target, request, context);
  const { consoleSocket } = request;
  checkTerminal(plan.program.process.terminal !== undefined, request.detached, consoleSocket !== undefined);
  // What the container's own process has been warned of is not told again with every command.
  if ("file" in request.source) for (const warning of plan.warnings) context.log.warn(format(warning));
  const sendPidfd = pidfdSender(request.pidfdSocket);
  return execIn(context.store, target, {
    plan,
    takeTerminal: foreground?.takeTerminal ?? consoleSender(consoleSocket),
    publish: ({ pid, pidfd }) => {
      sendPidfd(pidfd);
      request.pidFile.write(pid);
    },
    awaitThaw: request.ignorePaused ? (foreground?.awaitReadable ?? waitReadable) : undefined,
  });
}

function planFor({ record, init, config }: Target, request: Request, { log }: Context): ExecPlan {
  step("validation");
  const decoder = load("spec/decode") as typeof import("../../spec/decode.ts");
  const spec = within("config.json", () => decoder.decodeKept(config));
  const process = processFor(request.source, spec, decoder, log.warn);
  step("plan");
  const host = hostFacts();
  const facts = {
    capabilities: host.capabilities,
    modules: host,
    joins: otherNamespaces(init.pid, newNamespaces(spec)),
    cgroup: record.cgroup,
    creator: record.uid,
    newKeyring: record.newKeyring,
  };
  return planExec(process, spec, facts, request);
}

function processFor(
  source: Request["source"],
  spec: ValidSpec,
  { decodeProcess, validateProcess }: typeof import("../../spec/decode.ts"),
  warn: (message: string) => void,
): ValidProcess {
  if ("options" in source) {
    const { options } = source;
    const process = processOf(spec, options);
    // Of the container's own process that has another command, and nothing else, all has been validated before.
    return spec.process !== undefined && isCommandOnly(options)
      ? (process as ValidProcess)
      : validateProcess(process, spec);
  }
  const { text } = readNamed(source.file);
  const process = within(source.file, () => decodeProcess(text, spec, warn));
  return completeProcess(spec, process);
}

function processOptions(args: Arguments): ProcessOptions {
  const [, ...command] = args.operands;
  // As getopt's users write it, though nothing after the container's id could be an option.
  if (command[0] === "--") command.shift();
  if (command.length === 0) throw new UsageError("exec: COMMAND is missing");
  return {
    args: command,
    terminal: args.has("tty"),
    cwd: args.text("cwd"),
    env: args.texts("env"),
    user: userIn(args.text("user")),
    additionalGids: args.texts("additional-gids").map((text) => idIn("additional-gids", text)),
    capabilities: args.texts("cap"),
    noNewPrivileges: args.has("no-new-privs"),
    apparmorProfile: args.text("apparmor"),
    selinuxLabel: args.text("process-label"),
  };
}

function capabilitiesIn(names: readonly string[]): readonly string[] {
  for (const name of names)
    if (!(capabilityNames as readonly string[]).includes(name))
      throw new UsageError(`--cap: unknown capability ${quote(name)}`);
  return names;
}

/** Only numbers: a name would be looked up in files that the container may have written. */
function userIn(text: string | undefined): { readonly uid: number; readonly gid: number | undefined } | undefined {
  if (text === undefined) return undefined;
  const [uid = "", gid, ...more] = text.split(":");
  if (more.length > 0) throw new UsageError(`--user: must be UID or UID:GID, not ${quote(text)}`);
  return { uid: idIn("user", uid), gid: gid === undefined ? undefined : idIn("user", gid) };
}

/** 2^32-1 means "keep the old one" to the kernel and is no id. */
const maxId = 2 ** 32 - 2;

function idIn(option: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text) || Number(text) > maxId)
    throw new UsageError(`--${option}: must be a number from 0 to ${maxId}, not ${quote(text)}`);
  return Number(text);
}
