/** Messages of the kernel's network configuration and the socket they travel through: netlink(7), rtnetlink(7). */
import * as NR from "#nr";
import {
  AF_NETLINK,
  EPROTO,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { nlmsgerr, nlmsghdr, rtattr } from "./layouts.ts";
import { call, SyscallError } from "./raw.ts";

/** One attribute behind a message's own struct. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** One message as it came: its type and what follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Everything in netlink is aligned to four bytes. */
function aligned(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** A message: header, the struct of its type, attributes. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  struct: Uint8Array,
  attributes: readonly NetlinkAttribute[],
): Uint8Array {
  const start = nlmsghdr.size + aligned(struct.length);
  const length = attributes.reduce((sum, { value }) => sum + aligned(rtattr.size + value.length), start);
  const bytes = new Uint8Array(length);
  bytes.set(nlmsghdr.encode({ nlmsg_len: length, nlmsg_type: type, nlmsg_flags: flags, nlmsg_seq: sequence }));
  bytes.set(struct, nlmsghdr.size);
  let at = start;
  for (const { type: rta_type, value } of attributes) {
    bytes.set(rtattr.encode({ rta_len: rtattr.size + value.length, rta_type }), at);
    bytes.set(value, at + rtattr.size);
    at += aligned(rtattr.size + value.length);
  }
  return bytes;
}

/** The attributes behind a struct of `size` bytes. What does not fit is the end. */
export function attributesAfter(body: Uint8Array, size: number): NetlinkAttribute[] {
  const found: NetlinkAttribute[] = [];
  for (let at = aligned(size); at + rtattr.size <= body.length; ) {
    const length = rtattr.get(body, "rta_len", at);
    if (length < rtattr.size || at + length > body.length) break;
    found.push({ type: rtattr.get(body, "rta_type", at), value: body.slice(at + rtattr.size, at + length) });
    at += aligned(length);
  }
  return found;
}

/** How much one receive may give: the kernel fills at most 32 KiB for a dump. */
const receiveSize = 65_536;

/** A socket to the network namespace in which it was made, whatever namespace its user is in later. */
export class NetlinkSocket implements Disposable {
  readonly #fd: Fd;
  #sequence = 0;

  constructor() {
    this.#fd = new Fd(call("netlink", "socket", NR.socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  }

  /** Asks for one thing to be done, or for one answer; returns what came before the acknowledgement. @throws SyscallError */
  request(
    about: string,
    type: number,
    struct: Uint8Array,
    attributes: readonly NetlinkAttribute[],
    flags = 0,
  ): NetlinkMessage[] {
    return this.#converse(about, type, NLM_F_REQUEST | NLM_F_ACK | flags, struct, attributes).messages;
  }

  /** All objects of a kind. A list that changed while it was read is read again. */
  dump(about: string, type: number, struct: Uint8Array): NetlinkMessage[] {
    for (;;) {
      const { messages, interrupted } = this.#converse(about, type, NLM_F_REQUEST | NLM_F_DUMP, struct, []);
      if (!interrupted) return messages;
    }
  }

  #converse(
    about: string,
    type: number,
    flags: number,
    struct: Uint8Array,
    attributes: readonly NetlinkAttribute[],
  ): { readonly messages: NetlinkMessage[]; readonly interrupted: boolean } {
    const sequence = ++this.#sequence;
    const request = encodeMessage(type, flags, sequence, struct, attributes);
    call(about, "sendto", NR.sendto, this.#fd.number, request, request.length, 0, null);
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      const buffer = new Uint8Array(receiveSize);
      const length = call(about, "recvfrom", NR.recvfrom, this.#fd.number, buffer, receiveSize, 0, null);
      for (let at = 0; at + nlmsghdr.size <= length; ) {
        const size = nlmsghdr.get(buffer, "nlmsg_len", at);
        if (size < nlmsghdr.size || at + size > length) throw new SyscallError("netlink", EPROTO, about);
        const body = buffer.slice(at + nlmsghdr.size, at + size);
        const kind = nlmsghdr.get(buffer, "nlmsg_type", at);
        const isOurs = nlmsghdr.get(buffer, "nlmsg_seq", at) === sequence;
        interrupted ||= (nlmsghdr.get(buffer, "nlmsg_flags", at) & NLM_F_DUMP_INTR) !== 0;
        at += aligned(size);
        if (!isOurs) continue;
        if (kind === NLMSG_DONE) return { messages, interrupted };
        if (kind === NLMSG_ERROR) {
          const error = nlmsgerr.get(body, "error");
          if (error !== 0) throw new SyscallError("netlink", -error, about);
          return { messages, interrupted };
        }
        messages.push({ type: kind, body });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}
