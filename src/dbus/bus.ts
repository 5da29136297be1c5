/** A connection to a message bus: a unix socket, the caller's own identity, calls and signals. Every wait is bounded. */
import { BoxError } from "../base/errors.ts";
import { printable, quote } from "../base/quote.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { decodeUtf8, encodeUtf8 } from "../linux/engine.ts";
import { closeAll, type Fd } from "../linux/fd.ts";
import { connectPath, receive, send, timedOut, waitReadable } from "../linux/socket.ts";
import { type Call, decodeMessage, encodeCall, type Message, messageLength, prefixSize } from "./message.ts";
import type { Value } from "./wire.ts";

/** How long an answer may take, in milliseconds: what sd-bus allows as well. */
const answerTimeout = 25_000;

/** Signals that are kept while an answer is awaited; a bus that sends more is not waited for. */
const maxPending = 1000;

const driver = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

/** An error that the other side answered with. */
export class BusError extends BoxError {
  override readonly name = "BusError";
  /** As in `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly errorName: string;

  constructor(errorName: string, text: string) {
    super(printable(text === "" ? errorName : `${text} (${errorName})`));
    this.errorName = errorName;
  }
}

/** One that is logged in. It waits for one thing at a time: signals that come meanwhile are kept. Owns its socket. */
export class Bus implements Disposable {
  readonly #socket: Fd;
  #serial = 0;
  #received: Uint8Array = new Uint8Array(0);
  readonly #signals: Message[] = [];

  private constructor(socket: Fd) {
    this.#socket = socket;
  }

  /** @param address a D-Bus server address: `unix:path=/run/dbus/system_bus_socket` */
  static connect(address: string): Bus {
    const bus = new Bus(connectPath(pathOf(address)));
    try {
      bus.#authenticate();
      bus.call({ ...driver, member: "Hello" });
      return bus;
    } catch (thrown) {
      bus[Symbol.dispose]();
      throw thrown;
    }
  }

  /**
   * Says nothing of who we are: the bus reads that from the socket, so it is right in a user namespace too (EXTERNAL with
   * an empty identity, as sd-bus does).
   */
  #authenticate(): void {
    send(this.#socket, encodeUtf8("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"));
    const deadline = monotonicMilliseconds() + answerTimeout;
    for (const expected of [/^DATA ?$/, /^OK [0-9a-f]*$/]) {
      const line = this.#line(deadline);
      if (!expected.test(line)) throw new BoxError(`D-Bus: the login is refused: ${quote(line, 200)}`);
    }
  }

  /** Asks the bus for the signals of a match rule. */
  watch(rule: string): void {
    this.call({ ...driver, member: "AddMatch", signature: "s", body: [rule] });
  }

  /** Calls a method and waits for its answer. @throws BusError when that is an error */
  call(call: Call): Message {
    const serial = ++this.#serial;
    send(this.#socket, encodeCall(call, serial));
    const deadline = monotonicMilliseconds() + answerTimeout;
    for (;;) {
      const message = this.#receive(deadline, call.member);
      if (message.replySerial === serial && message.type === "return") return message;
      if (message.replySerial === serial && message.type === "error")
        throw new BusError(message.errorName ?? "error", firstText(message.body));
      if (message.type === "signal" && this.#signals.push(message) > maxPending)
        throw new BoxError("D-Bus: more signals than can be kept");
    }
  }

  /** The next signal for which this holds, those that have come in already first; others are dropped. */
  signal(what: string, matches: (signal: Message) => boolean, milliseconds: number): Message {
    const deadline = monotonicMilliseconds() + milliseconds;
    for (;;) {
      const message = this.#signals.shift() ?? this.#receive(deadline, what);
      if (message.type === "signal" && matches(message)) return message;
    }
  }

  #receive(deadline: number, what: string): Message {
    const length = messageLength(this.#have(prefixSize, deadline, what));
    const message = decodeMessage(this.#have(length, deadline, what));
    this.#received = this.#received.slice(length);
    return message;
  }

  /** What has come in, at least `size` bytes of it, cut to that. */
  #have(size: number, deadline: number, what: string): Uint8Array {
    while (this.#received.length < size) this.#more(deadline, what);
    return this.#received.subarray(0, size);
  }

  #more(deadline: number, what: string): void {
    const left = deadline - monotonicMilliseconds();
    if (left <= 0 || !waitReadable(this.#socket, left)) throw timedOut(`D-Bus: ${what}`);
    const result = receive(this.#socket, 16_384);
    if (result === "again") return;
    closeAll(result.fds);
    if (result.bytes.length === 0) throw new BoxError("D-Bus: the bus has closed the connection");
    const joined = new Uint8Array(this.#received.length + result.bytes.length);
    joined.set(this.#received);
    joined.set(result.bytes, this.#received.length);
    this.#received = joined;
  }

  /** A line of the login, without its end. */
  #line(deadline: number): string {
    for (;;) {
      const end = this.#received.indexOf(0x0a);
      if (end >= 0) {
        const line = decodeUtf8(this.#received.subarray(0, end)).trimEnd();
        this.#received = this.#received.slice(end + 1);
        return line;
      }
      if (this.#received.length > 4096) throw new BoxError("D-Bus: a line of the login that does not end");
      this.#more(deadline, "login");
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** The path of the first unix socket with one in a list of addresses. */
function pathOf(address: string): string {
  for (const one of address.split(";")) {
    const path = /^unix:(?:.*,)?path=([^,]+)/.exec(one)?.[1];
    if (path !== undefined) return unescapeAddress(path);
  }
  throw new BoxError(`D-Bus: ${quote(address)} names no unix:path=`);
}

/** Bytes that are not plain are written as %2f. */
function unescapeAddress(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new BoxError(`D-Bus: ${quote(value)} is not the path of an address`);
  }
}

function firstText([first]: readonly Value[]): string {
  return typeof first === "string" ? first : "";
}
