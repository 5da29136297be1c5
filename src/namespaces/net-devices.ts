/**
 * Moves network devices of the host into the container's network namespace (config-linux.md, "Network Devices").
 *
 * Runs on the host side, which is in the one namespace and has rights in both. Addresses go when a device changes its
 * namespace, so they are read before and given back after.
 */
import { BoxError, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { O_RDONLY } from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { open } from "../linux/file.ts";
import { type Link, type LinkAddress, Links } from "../linux/links.ts";
import { setns } from "../linux/namespace.ts";
import type { NetDeviceOp } from "./ops.ts";

interface Moved {
  readonly device: NetDeviceOp;
  /** What it is in the container, under whatever name; undefined until it has arrived. */
  arrived: Link | undefined;
  readonly wasUp: boolean;
  readonly addresses: readonly LinkAddress[];
}

/** Holds both namespaces open: what is moved can be taken back when nobody else is in the container's any more. */
export class NetDevices implements Disposable {
  readonly #hostNamespace = open("cwd", "/proc/self/ns/net", O_RDONLY);
  readonly #containerNamespace: Fd;
  readonly #host = new Links();
  readonly #container: Links;
  readonly #moved: Moved[] = [];

  /** @param path of the container's network namespace */
  constructor(path: string) {
    this.#containerNamespace = open("cwd", path, O_RDONLY);
    this.#container = this.#linksOf(this.#containerNamespace);
  }

  /** A socket belongs to the namespace in which it was made: this process goes there for a moment. */
  #linksOf(namespace: Fd): Links {
    setns(namespace, "net", "the container's network namespace");
    try {
      return new Links();
    } finally {
      setns(this.#hostNamespace, "net", "the host's network namespace");
    }
  }

  /** Moves one device and sets it up. @throws BoxError when it is not there or its new name is taken */
  move(device: NetDeviceOp): void {
    within(
      () => `linux.netDevices[${quote(device.hostName)}]`,
      () => {
        const link = this.#host.find(device.hostName);
        if (link === undefined) throw new BoxError("there is no such network device", { errno: "ENODEV" });
        const name = this.#freeName(device.name);
        const addresses = this.#host.addresses(link, device.hostName);
        const moved: Moved = { device, arrived: undefined, wasUp: link.isUp, addresses };
        this.#moved.push(moved);
        this.#host.move(link, this.#containerNamespace, name);
        moved.arrived = linkOf(this.#container, name);
        equip(this.#container, moved.arrived, name, addresses, true);
      },
    );
  }

  /** The first number that is free takes the place of `%d`. */
  #freeName(wanted: string): string {
    for (let number = 0; ; number++) {
      const name = wanted.replace("%d", `${number}`);
      if (this.#container.find(name) === undefined) return name;
      if (name === wanted) {
        throw new BoxError(`the container's network namespace has a device ${quote(name)} already`, {
          errno: "EEXIST",
        });
      }
    }
  }

  /** Takes everything back, for a container that is not to be: with its name, its addresses and as it was, up or down. */
  giveBack(): void {
    for (const { device, arrived, wasUp, addresses } of this.#moved.splice(0).reverse()) {
      // Moving it has failed.
      if (arrived === undefined) continue;
      const name = device.hostName;
      this.#container.move(arrived, this.#hostNamespace, name);
      equip(this.#host, linkOf(this.#host, name), name, addresses, wasUp);
    }
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
    this.#container[Symbol.dispose]();
    this.#hostNamespace.close();
    this.#containerNamespace.close();
  }
}

/** A device that has just come into a namespace. */
function linkOf(links: Links, name: string): Link {
  const link = links.find(name);
  if (link === undefined) throw new BoxError(`network device ${quote(name)} did not arrive`);
  return link;
}

/** What it needs there. */
function equip(links: Links, link: Link, name: string, addresses: readonly LinkAddress[], up: boolean): void {
  for (const address of addresses) links.addAddress(link, address, name);
  if (up) links.setUp(link, name);
}
