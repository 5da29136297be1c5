/** Network devices and their addresses: rtnetlink(7). */
import { encodeUtf8 } from "host";
import {
  ENODEV,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_F_HOMEADDRESS,
  IFA_F_MANAGETEMPADDR,
  IFA_F_MCAUTOJOIN,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_FLAGS,
  IFA_LOCAL,
  IFA_PROTO,
  IFA_RT_PRIORITY,
  IFF_UP,
  IFLA_IFNAME,
  IFLA_NET_NS_FD,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from "./constants.ts";
import type { Fd } from "./fd.ts";
import { ifaddrmsg, ifinfomsg } from "./layouts.ts";
import { attributesAfter, type NetlinkAttribute, NetlinkSocket } from "./netlink.ts";
import { isErrno } from "./raw.ts";

export interface Link {
  readonly index: number;
  readonly isUp: boolean;
}

/** An address of a device, ready to be given to another one. */
export interface LinkAddress {
  readonly family: number;
  readonly prefix: number;
  readonly attributes: readonly NetlinkAttribute[];
}

/** Attributes that make an address what it is; others tell of its past, or name the device. */
const keptAttributes: readonly number[] = [
  IFA_ADDRESS,
  IFA_LOCAL,
  IFA_BROADCAST,
  IFA_CACHEINFO,
  IFA_RT_PRIORITY,
  IFA_PROTO,
];

/** Flags that are somebody's wish; the others are the kernel's findings. */
const keptFlags = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

/** The devices of the network namespace in which this was made. */
export class Links implements Disposable {
  readonly #socket = new NetlinkSocket();

  /** A device by its name; undefined when there is none. */
  find(name: string): Link | undefined {
    try {
      const [message] = this.#socket.request(name, RTM_GETLINK, ifinfomsg.encode({}), [nameAttribute(name)]);
      if (message === undefined) return undefined;
      const flags = ifinfomsg.get(message.body, "ifi_flags");
      return { index: ifinfomsg.get(message.body, "ifi_index"), isUp: (flags & IFF_UP) !== 0 };
    } catch (thrown) {
      if (isErrno(thrown, ENODEV)) return undefined;
      throw thrown;
    }
  }

  /** Moves a device into another namespace, under a name; there it is down and has no addresses. */
  move(link: Link, namespace: Fd, name: string): void {
    const target = { type: IFLA_NET_NS_FD, value: new Uint8Array(new Uint32Array([namespace.number]).buffer) };
    this.#socket.request(name, RTM_NEWLINK, ifinfomsg.encode({ ifi_index: link.index }), [target, nameAttribute(name)]);
  }

  setUp({ index }: Link, name: string): void {
    const message = ifinfomsg.encode({ ifi_index: index, ifi_flags: IFF_UP, ifi_change: IFF_UP });
    this.#socket.request(name, RTM_NEWLINK, message, []);
  }

  /** The permanent addresses of a device whose scope is global, in the kernel's order. */
  addresses(link: Link, name: string): LinkAddress[] {
    const found: LinkAddress[] = [];
    for (const { type, body } of this.#socket.dump(name, RTM_GETADDR, ifaddrmsg.encode({}))) {
      if (type !== RTM_NEWADDR || ifaddrmsg.get(body, "ifa_index") !== link.index) continue;
      const attributes = attributesAfter(body, ifaddrmsg.size);
      const wide = attributes.find((one) => one.type === IFA_FLAGS)?.value;
      const flags = wide === undefined ? ifaddrmsg.get(body, "ifa_flags") : (new Uint32Array(wide.buffer)[0] as number);
      const isGlobal = ifaddrmsg.get(body, "ifa_scope") === RT_SCOPE_UNIVERSE;
      if (!isGlobal || (flags & IFA_F_PERMANENT) === 0) continue;
      const wishes = { type: IFA_FLAGS, value: new Uint8Array(new Uint32Array([flags & keptFlags]).buffer) };
      const kept = [...attributes.filter((one) => keptAttributes.includes(one.type)), wishes];
      found.push({
        family: ifaddrmsg.get(body, "ifa_family"),
        prefix: ifaddrmsg.get(body, "ifa_prefixlen"),
        attributes: kept,
      });
    }
    return found;
  }

  addAddress({ index }: Link, { family, prefix, attributes }: LinkAddress, name: string): void {
    const message = ifaddrmsg.encode({ ifa_family: family, ifa_prefixlen: prefix, ifa_index: index });
    this.#socket.request(name, RTM_NEWADDR, message, attributes, NLM_F_CREATE | NLM_F_EXCL);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

function nameAttribute(name: string): NetlinkAttribute {
  const bytes = encodeUtf8(name);
  const value = new Uint8Array(bytes.length + 1);
  value.set(bytes);
  return { type: IFLA_IFNAME, value };
}
