/**
 * NOTIFY_SOCKET: how the manager of the service that box runs for learns that the container's program is ready,
 * sd_notify(3). Loaded only where the caller has a manager.
 *
 * The container sees a socket of its own, in a directory of its state that is bound at /run/notify. Whoever is in there
 * may send what they like: READY=1 is all that is looked for, once, and box tells the manager in its own words.
 */
import { BoxError, messageOf, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { EAGAIN, ENOENT, O_DIRECTORY, O_NOFOLLOW, O_PATH, POLLIN, POLLOUT } from "../linux/constants.ts";
import { bindDatagramIn, connectDatagram } from "../linux/datagram.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { mkdir, open, pipe, readSome, unlink } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { poll, send, type Wait, waitReadable } from "../linux/socket.ts";
import type { ValidSpec } from "../spec/types.ts";

const directoryName = "notify";
const socketName = "notify.sock";
const mountPoint = "/run/notify";

/** Longer messages are cut: what matters in them is one short line. */
const messageLimit = 4096;
/** How many are read at a time: more than wait in a socket (net.unix.max_dgram_qlen is 10 by default). */
const messagesAtATime = 32;
/** How long the manager may take to confirm, in milliseconds; one that does not know BARRIER=1 never does. */
const barrierTimeout = 30_000;

type Answer = "told" | "later" | "gone";

/**
 * Owns the connection to the manager and the socket at which the container tells. A manager that goes away is a
 * warning.
 */
export class ServiceManager implements Disposable {
  readonly #manager: Fd;
  readonly #warn: (message: string) => void;
  /** Where the container's word arrives, until it has. */
  #socket: Fd | undefined;
  /** Whether the manager is still to be told what the container has said. */
  #hasNews = false;

  /** @param address the manager's socket: a path, or `@` and an abstract name */
  constructor(address: string, warn: (message: string) => void) {
    if (!/^[/@]./s.test(address))
      throw new BoxError(`NOTIFY_SOCKET: must be an absolute path or begin with "@", not ${quote(address)}`);
    this.#manager = within("NOTIFY_SOCKET", () => connectDatagram(address));
    this.#warn = warn;
  }

  /** The configuration with the socket in it. @param state the container's directory, absolute */
  introduce(spec: ValidSpec, state: string): ValidSpec {
    const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
    const mount = { destination: mountPoint, type: "bind", source: `${state}/${directoryName}`, options };
    const { process, mounts = [] } = spec;
    const env = [...(process?.env ?? []), `NOTIFY_SOCKET=${mountPoint}/${socketName}`];
    return { ...spec, mounts: [...mounts, mount], ...(process === undefined ? {} : { process: { ...process, env } }) };
  }

  /** Makes the directory that is bound into the container. @param state the container's directory */
  makePlace(state: Fd): void {
    mkdir(state, directoryName, 0o755);
  }

  /** From now on the container can tell. A socket of an earlier start that has failed is replaced. */
  listen(state: Fd): void {
    within("NOTIFY_SOCKET", () => {
      using place = openPlace(state);
      try {
        unlink(place, socketName);
      } catch (thrown) {
        if (!isErrno(thrown, ENOENT)) throw thrown;
      }
      this.#socket = bindDatagramIn(place, socketName);
    });
  }

  /** For a loop of the caller's: what it is to wait for besides its own descriptors. */
  waits(): readonly Wait[] {
    if (this.#hasNews) return [{ fd: this.#manager, events: POLLOUT }];
    return this.#socket === undefined ? [] : [{ fd: this.#socket, events: POLLIN }];
  }

  /** Tells the manager that the service is ready, once the container says so. @param events what poll said of `waits()` */
  serve([event = 0]: readonly number[]): void {
    if (event === 0) return;
    this.#read();
    if (this.#hasNews) this.#hasNews = this.#tell(["READY=1"]) === "later";
  }

  /**
   * Waits until the container says that it is ready or its program has ended; then tells the manager that this process
   * is to be the service's from now on, and waits until it has taken note: a message is attributed to its sender only as
   * long as that is there.
   * @param pidfd the program; undefined when it has ended
   */
  passOn(pid: number, pidfd: Fd | undefined): void {
    while (this.#socket !== undefined) {
      const program = pidfd === undefined ? [] : [{ fd: pidfd, events: POLLIN }];
      const events = pidfd === undefined ? [POLLIN] : poll([...program, ...this.waits()]);
      // What it has said before it ended is there already.
      this.#read();
      if (!this.#hasNews && events?.[0] !== 0) return;
    }
    const news = [`MAINPID=${pid}`, "READY=1"];
    let answer = this.#tell(news);
    for (; answer === "later"; answer = this.#tell(news)) poll(this.waits());
    if (answer === "told") this.#synchronize();
  }

  #read(): void {
    for (let count = 0; this.#socket !== undefined && count < messagesAtATime; count++) {
      const bytes = readSome(this.#socket, messageLimit);
      if (bytes === "again") return;
      const lines = String.fromCharCode(...bytes).split("\n");
      if (!lines.includes("READY=1")) continue;
      this.#hasNews = true;
      this.#socket.close();
      this.#socket = undefined;
    }
  }

  /** @returns what became of it; where nobody listens any more the program runs all the same, and that is a warning */
  #tell(lines: readonly string[], fds: readonly Fd[] = []): Answer {
    try {
      send(this.#manager, encodeUtf8(lines.join("\n")), fds);
      return "told";
    } catch (thrown) {
      if (isErrno(thrown, EAGAIN)) return "later";
      if (!(thrown instanceof BoxError)) throw thrown;
      this.#warn(`NOTIFY_SOCKET: ${messageOf(thrown)}`);
      return "gone";
    }
  }

  /** sd_notify_barrier(3): the manager closes what it was sent once it has read everything before. */
  #synchronize(): void {
    const [reader, writer] = pipe();
    const told = this.#tell(["BARRIER=1"], [writer]);
    writer.close();
    if (told === "told" && !waitReadable(reader, barrierTimeout))
      this.#warn(`NOTIFY_SOCKET: not confirmed after ${barrierTimeout / 1000} s`);
    reader.close();
  }

  [Symbol.dispose](): void {
    this.#manager.close();
    this.#socket?.close();
  }
}

/** @throws BoxError where `create` had no manager */
function openPlace(state: Fd): Fd {
  try {
    return open(state, directoryName, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
    throw new BoxError("the container was created without one", {
      hint: "set NOTIFY_SOCKET for create, or not for start",
    });
  }
}
