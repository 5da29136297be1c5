/** Datagram sockets of names: unix(7). Loaded only where a service manager is to be told. */
import * as NR from "#nr";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "./constants.ts";
import { encodeUtf8 } from "./engine.ts";
import { Fd } from "./fd.ts";
import { umask } from "./file.ts";
import { sockaddr_un } from "./layouts.ts";
import { call } from "./raw.ts";
import { addressIn, unixAddress } from "./socket.ts";

/** A socket bound to a new name in a directory, to which everybody who reaches it may send. Does not block. */
export function bindDatagramIn(directory: Fd, name: string): Fd {
  return prepared((fd) => {
    const mask = umask(0);
    try {
      call(name, "bind", NR.bind, fd.number, addressIn("bind", directory, name), sockaddr_un.size);
    } finally {
      umask(mask);
    }
  });
}

/** A socket that sends to a path, or to an abstract name written with `@` in place of the NUL. Does not block. */
export function connectDatagram(address: string): Fd {
  return prepared((fd) => {
    const bytes = unixAddress("connect", address, address);
    const isAbstract = address.startsWith("@");
    if (isAbstract) bytes[2] = 0;
    // An abstract name is as long as the address says; NULs behind it would belong to it.
    const length = isAbstract ? 2 + encodeUtf8(address).length : bytes.length;
    call(address, "connect", NR.connect, fd.number, bytes, length);
  });
}

function prepared(use: (fd: Fd) => void): Fd {
  const fd = new Fd(call(undefined, "socket", NR.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  try {
    use(fd);
    return fd;
  } catch (thrown) {
    fd.close();
    throw thrown;
  }
}
