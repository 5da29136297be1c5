/** What the caller hands to a program and what it is told of it: descriptors, the terminal, the pid. */
import { BoxError, within } from "../base/errors.ts";
import { split } from "../base/path.ts";
import type { ServiceManager } from "../container/service-manager.ts";
import { requireOpen } from "../facts/bundle.ts";
import { removeIfThere, writeAtomically } from "../fs/atomic.ts";
import { connectToSocketAt } from "../fs/socket.ts";
import { O_DIRECTORY, O_PATH } from "../linux/constants.ts";
import { encodeUtf8, environ, load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { getcwd, open } from "../linux/file.ts";
import { getpid } from "../linux/process.ts";
import { send } from "../linux/socket.ts";
import type { Arguments } from "./args.ts";
import type { Context } from "./context.ts";
import { withCallersUmask } from "./umask.ts";

/** A path of the caller's as it is before the bundle becomes the working directory. */
export function fromHere(path: string | undefined): string | undefined {
  return path === undefined || path.startsWith("/") ? path : `${getcwd()}/${path}`;
}

/** Descriptors that the program gets besides its standard streams, and what its environment says of them. */
export interface InheritedFds {
  /** How many, from 3 on. */
  readonly count: number;
  readonly env: readonly string[];
}

/** @throws BoxError when one of them is not open */
export function inheritedFds(args: Arguments, context: Context): InheritedFds {
  const preserved = args.count("preserve-fds", 1_000_000);
  const activated = activatedFds();
  const fds = { count: activated.count + preserved, env: activated.env };
  requireOpen(fds.count, context.inheritedFds);
  return fds;
}

/** Socket activation counts when it was meant for this very process: sd_listen_fds(3). */
function activatedFds(): InheritedFds {
  const {
    LISTEN_FDS: text = "",
    LISTEN_PID: pid = "",
    LISTEN_FDNAMES: names,
  } = environ as Record<string, string | undefined>;
  const count = /^[1-9][0-9]{0,5}$/.test(text) && pid === `${getpid()}` ? Number(text) : 0;
  if (count === 0) return { count, env: [] };
  const env = [`LISTEN_FDS=${count}`, ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])];
  return { count, env };
}

/** @throws BoxError where the terminal would have nobody to take it, or a socket would get none */
export function checkTerminal(terminal: boolean, detached: boolean, socket: boolean): void {
  if (terminal && detached && !socket)
    throw new BoxError("cannot allocate tty if box will detach without setting console socket");
  if (socket && !(terminal && detached))
    throw new BoxError("cannot use console socket if box will not detach or allocate tty");
}

/** Connects to the console socket before anything is made; the returned function hands the master over. */
export function consoleSender(path: string | undefined): (master: Fd) => void {
  if (path === undefined) return (master) => master.close();
  const socket = within("--console-socket", () => connectToSocketAt(path));
  return (master) => {
    send(socket, encodeUtf8("/dev/ptmx"), [master]);
    master.close();
    socket.close();
  };
}

/** Connects to the socket that takes a pidfd before anything is made; the returned function hands it over. */
export function pidfdSender(path: string | undefined): (pidfd: Fd) => void {
  if (path === undefined) return () => {};
  const socket = within("--pidfd-socket", () => connectToSocketAt(path));
  return (pidfd) => {
    send(socket, encodeUtf8("pidfd"), [pidfd]);
    socket.close();
  };
}

/** The manager of the caller's service, where the environment names one; what talks to it is loaded only then. */
export function serviceManager({ log }: Context): ServiceManager | undefined {
  const address = environ["NOTIFY_SOCKET"] ?? "";
  if (address === "") return undefined;
  const module = load("container/service-manager") as typeof import("../container/service-manager.ts");
  return new module.ServiceManager(address, log.warn);
}

/** The file that is to have a pid, if the caller wants one. */
export class PidFile {
  readonly #path: string | undefined;
  #written = false;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** In one step: a reader never sees half a number. */
  write(pid: number): void {
    const path = this.#path;
    if (path === undefined) return;
    within("--pid-file", () => {
      const [directory, name] = split(path);
      using parent = open("cwd", directory, O_PATH | O_DIRECTORY);
      withCallersUmask(() => writeAtomically(parent, name, `${pid}`, 0o666));
    });
    this.#written = true;
  }

  /** A container that failed after all has no pid: the number may soon be another process's. */
  retract(): void {
    if (this.#path === undefined || !this.#written) return;
    removeIfThere("cwd", this.#path);
  }
}
