/** What `create` and `run` have in common: their options, and the way from the command line to a plan. */
import { BoxError, within } from "../base/errors.ts";
import { resolve, split } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { checkId } from "../container/id.ts";
import { readConfig, requireDirectory, requireOpen } from "../facts/bundle.ts";
import { hostFacts } from "../facts/host.ts";
import { isOwnNamespace } from "../facts/namespaces.ts";
import { removeIfThere, writeAtomically } from "../fs/atomic.ts";
import { O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { encodeUtf8, environ, load, sealed } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { chdir, getcwd, open } from "../linux/file.ts";
import { getpid } from "../linux/process.ts";
import { connectIn, send } from "../linux/socket.ts";
import { planCreate } from "../plan/create.ts";
import type { Plan } from "../plan/plan.ts";
import { format } from "../spec/findings.ts";
import { setIn } from "../spec/owners.ts";
import type { ValidSpec } from "../spec/types.ts";
import { type Arguments, type Option, UsageError } from "./args.ts";
import type { Context } from "./context.ts";

export const creationOptions: readonly Option[] = [
  { name: "bundle", short: "b", value: "DIR", help: "bundle directory (default: the working directory)" },
  { name: "config", short: "f", value: "FILE", help: "configuration in the bundle (default config.json)" },
  { name: "console-socket", value: "PATH", help: "unix socket that takes the terminal's master" },
  { name: "pid-file", value: "FILE", help: "write the pid of the container's first process" },
  { name: "no-pivot", help: "move the root file system in place of pivot_root (for a root on ramfs)" },
  { name: "no-new-keyring", help: "keep the caller's session keyring" },
  { name: "preserve-fds", value: "N", help: "let the program keep descriptors 3 to 3+N-1" },
];

export interface Creation {
  readonly plan: Plan;
  readonly config: Uint8Array;
}

/** Reads and checks everything; nothing has been made when this throws. */
export function prepareCreation(args: Arguments, context: Context, detached: boolean): Creation {
  if (!sealed) throw new Error("this process is not sealed");
  const id = checkId(args.operand(0));
  const fds = inheritedFds(args.count("preserve-fds", 1_000_000));
  requireOpen(fds.count, context.inheritedFds);
  const bundle = enterBundle(args.text("bundle"));
  const configPath = resolve(bundle, args.text("config") ?? "config.json");
  const config = readConfig(configPath);
  const { decodeSpec } = load("spec/decode") as typeof import("../spec/decode.ts");
  const spec = within(configPath, () => decodeSpec(config.text, context.log.warn));
  requireOwnNames(spec);
  checkTerminal(spec.process?.terminal === true, detached, args.has("console-socket"));
  const plan = planCreate(spec, hostFacts(), {
    id,
    bundle,
    pivot: !args.has("no-pivot"),
    newKeyring: !args.has("no-new-keyring"),
    preserveFds: fds.count,
    extraEnv: fds.env,
  });
  requireDirectory(plan.init.rootfs.path, "root file system");
  for (const warning of plan.warnings) context.log.warn(format(warning));
  return { plan, config: config.bytes };
}

/** Names and kernel parameters are the container's own: a namespace that is joined must not be the caller's. */
function requireOwnNames(spec: ValidSpec): void {
  for (const { type, path } of spec.linux?.namespaces ?? []) {
    const property = path === undefined ? undefined : setIn(type, spec);
    if (property === undefined || path === undefined || !isOwnNamespace(type, path)) continue;
    throw new BoxError(
      `${property}: the ${type} namespace ${quote(path)} is the caller's own, it would be changed there`,
    );
  }
}

/** Relative paths of the configuration, and the hooks, start from the bundle. */
function enterBundle(bundle: string | undefined): string {
  if (bundle === "") throw new UsageError("--bundle: must not be empty");
  if (bundle !== undefined)
    within(
      () => `bundle ${quote(bundle)}`,
      () => chdir(bundle),
    );
  return getcwd();
}

/** A path of the caller's as it is before the bundle becomes the working directory. */
export function fromHere(path: string | undefined): string | undefined {
  return path === undefined || path.startsWith("/") ? path : `${getcwd()}/${path}`;
}

/** Socket activation counts when it was meant for this very process: sd_listen_fds(3). */
function inheritedFds(preserved: number): { readonly count: number; readonly env: readonly string[] } {
  const {
    LISTEN_FDS: text = "",
    LISTEN_PID: pid = "",
    LISTEN_FDNAMES: names,
  } = environ as Record<string, string | undefined>;
  const count = /^[1-9][0-9]{0,5}$/.test(text) && pid === `${getpid()}` ? Number(text) : 0;
  if (count === 0) return { count: preserved, env: [] };
  const env = [`LISTEN_FDS=${count}`, "LISTEN_PID=1", ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])];
  return { count: count + preserved, env };
}

function checkTerminal(terminal: boolean, detached: boolean, socket: boolean): void {
  if (terminal && detached && !socket)
    throw new BoxError("cannot allocate tty if box will detach without setting console socket");
  if (socket && !(terminal && detached))
    throw new BoxError("cannot use console socket if box will not detach or allocate tty");
}

/** Connects to the console socket before anything is made; the returned function hands the master over. */
export function consoleSender(path: string | undefined): (master: Fd) => void {
  if (path === undefined) return (master) => master.close();
  const [directory, name] = split(path);
  using parent = open("cwd", directory, O_PATH | O_DIRECTORY);
  const socket = connectIn(parent, name);
  return (master) => {
    send(socket, encodeUtf8("/dev/ptmx"), [master]);
    master.close();
    socket.close();
  };
}

/** Writes the pid file in one step: a reader never sees half a number. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const [directory, name] = split(path);
  using parent = open("cwd", directory, O_PATH | O_DIRECTORY);
  writeAtomically(parent, name, `${pid}`, 0o666);
}

/** A container that failed after all has no pid: the number may soon be another process's. */
export function removePidFile(path: string | undefined): void {
  if (path !== undefined) removeIfThere("cwd", path);
}
