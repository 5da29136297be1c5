/** One side of a handshake: whole messages over a stream socket, each wait with a time-out. */
import { BoxError } from "../base/errors.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { ECONNRESET, EPIPE } from "../linux/constants.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { keepOnly } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { poll, receive, send, waitReadable } from "../linux/socket.ts";
import { bodyLength, header } from "./frame.ts";
import { headerSize } from "./messages.ts";

/** A message as it came, with its descriptors; "end" when the other side is gone. */
export type Incoming<M> = { readonly message: M; readonly fds: readonly Fd[] } | "end";

/** What is read at once, in bytes: more than most messages have. */
const pieceSize = 4096;

/** How many descriptors may come with one message. */
const maxFds = 8;

/** Owns its socket, and the descriptors that have come and were not taken yet. */
export class Channel<Out, In extends object> implements Disposable {
  #socket: Fd;
  readonly #check: (body: unknown) => In | undefined;
  /** Bytes of a message that is not whole yet. */
  #pending = new Uint8Array(0);
  /** Descriptors that have come, and where in `#pending` the bytes end with which they came. */
  #arrived: { readonly fds: readonly Fd[]; end: number }[] = [];

  /** @param check what makes a message of a decoded body, undefined for anything unknown */
  constructor(socket: Fd, check: (body: unknown) => In | undefined) {
    this.#socket = socket;
    this.#check = check;
  }

  /** Sends one message. @throws SyscallError EPIPE when the other side is gone */
  send(message: Out, fds: readonly Fd[] = []): void {
    const body = encodeUtf8(JSON.stringify(message));
    const frame = new Uint8Array(headerSize + body.length);
    frame.set(header(body.length));
    frame.set(body, headerSize);
    send(this.#socket, frame, fds);
  }

  /**
   * Waits for one message.
   * @param milliseconds how long at most for the whole message; undefined waits for ever (while hooks run)
   * @throws BoxError for a time-out, and for bytes that are no message of this protocol
   */
  receive(milliseconds: number | undefined): Incoming<In> {
    let deadline: number | undefined;
    for (;;) {
      const message = this.#take();
      if (message !== undefined) return message;
      const came = this.pump();
      if (came === "end") return "end";
      if (came === "more") continue;
      let left: number | undefined;
      if (milliseconds !== undefined) {
        const now = monotonicMilliseconds();
        deadline ??= now + milliseconds;
        left = Math.max(0, deadline - now);
      }
      if (!waitReadable(this.#socket, left))
        throw new BoxError(`handshake: no answer within ${(milliseconds as number) / 1000} s`, { errno: "ETIMEDOUT" });
    }
  }

  /**
   * Waits until the other side is gone, and for no word of it: who waits for words is woken by each.
   * @returns false when it is still there after so many milliseconds
   */
  awaitEnd(milliseconds: number): boolean {
    // The kernel tells of a hang-up whether it is asked for or not: poll(2).
    return poll([{ fd: this.#socket, events: 0 }], milliseconds) !== undefined;
  }

  /** Reads what is there without waiting. A message may then be whole. */
  pump(): "more" | "nothing" | "end" {
    try {
      const received = receive(this.#socket, pieceSize);
      if (received === "again") return "nothing";
      const end = this.#pending.length + received.bytes.length;
      if (received.fds.length > 0) this.#arrived.push({ fds: received.fds, end });
      // Descriptors without end would leave this process none of its own.
      if (this.#fds.length > maxFds) throw new BoxError(`handshake: more than ${maxFds} descriptors came`);
      if (received.bytes.length === 0) return "end";
      const joined = new Uint8Array(end);
      joined.set(this.#pending);
      joined.set(received.bytes, this.#pending.length);
      this.#pending = joined;
      return "more";
    } catch (thrown) {
      if (isErrno(thrown, ECONNRESET, EPIPE)) return "end";
      throw thrown;
    }
  }

  /** A whole message that has come, if there is one. */
  taken(): { readonly message: In; readonly fds: readonly Fd[] } | undefined {
    return this.#take();
  }

  #take(): { readonly message: In; readonly fds: readonly Fd[] } | undefined {
    if (this.#pending.length < headerSize) return undefined;
    const end = headerSize + bodyLength(this.#pending);
    if (this.#pending.length < end) return undefined;
    const body = this.#pending.subarray(headerSize, end);
    const message = this.#check(parse(body));
    if (message === undefined) throw new BoxError("handshake: a message that box does not know");
    this.#pending = this.#pending.slice(end);
    // One read may give several messages, but none behind the bytes that descriptors came with: unix(7).
    const fds = this.#arrived.filter((one) => one.end <= end).flatMap((one) => one.fds);
    this.#arrived = this.#arrived.filter((one) => one.end > end);
    for (const one of this.#arrived) one.end -= end;
    return { message, fds };
  }

  get #fds(): readonly Fd[] {
    return this.#arrived.flatMap(({ fds }) => fds);
  }

  /** What the messages go over, to be waited for or spared when others are closed: it stays the channel's. */
  get socket(): Fd {
    return this.#socket;
  }

  /** Goes on under another descriptor number and closes every descriptor above it, whoever's they are: keepOnly(). */
  keepOnlyAt(number: number): void {
    this.#socket = keepOnly(this.#socket, number);
  }

  [Symbol.dispose](): void {
    closeAll(this.#fds);
    this.#socket.close();
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(body));
  } catch {
    throw new BoxError("handshake: a message that is not JSON");
  }
}
