/** The seccomp agent: who decides over the calls of SCMP_ACT_NOTIFY (config-linux.md, "The Container Process State"). */
import { within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { SpecState } from "../base/spec-state.ts";
import { connectToSocketAt } from "../fs/socket.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { send } from "../linux/socket.ts";
import type { ListenerOps } from "../seccomp/ops.ts";

/** A connection to the agent, good for one listener. */
export class Agent implements Disposable {
  readonly #socket: Fd;
  readonly #listener: ListenerOps;

  private constructor(socket: Fd, listener: ListenerOps) {
    this.#socket = socket;
    this.#listener = listener;
  }

  /** @throws BoxError when nobody listens there, or a link stands there */
  static connect(listener: ListenerOps): Agent {
    return within(
      () => `linux.seccomp.listenerPath ${quote(listener.path)}`,
      () => new Agent(connectToSocketAt(listener.path), listener),
    );
  }

  /** Hands the listener over; the end of the connection tells the agent that the state is whole. @param pid of the process under the filter, as this one sees it */
  hand(fd: Fd, pid: number, state: SpecState): void {
    const { path, metadata } = this.#listener;
    const processState = {
      ociVersion: state.ociVersion,
      fds: ["seccompFd"],
      pid,
      ...(metadata === "" ? {} : { metadata }),
      state,
    };
    within(
      () => `linux.seccomp.listenerPath ${quote(path)}`,
      () => send(this.#socket, encodeUtf8(JSON.stringify(processState)), [fd]),
    );
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
