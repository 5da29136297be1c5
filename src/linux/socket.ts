/** Unix sockets and descriptors through them: unix(7), sendmsg(2), poll(2). */
import { encodeUtf8 } from "host";
import * as NR from "#nr";
import {
  AF_INET,
  AF_UNIX,
  EAGAIN,
  ENAMETOOLONG,
  ETIMEDOUT,
  IFF_UP,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  POLLIN,
  SCM_RIGHTS,
  SIOCGIFFLAGS,
  SIOCSIFFLAGS,
  SO_PEERCRED,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { cmsghdr, ifreq, iovec, msghdr, pollfd, sockaddr_un, timespec, timeval, ucred } from "./layouts.ts";
import { attempt, call, SyscallError } from "./raw.ts";

/** Two connected stream sockets. */
export function socketPair(): [Fd, Fd] {
  const pair = new Int32Array(2);
  call(undefined, "socketpair", NR.socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  return [new Fd(pair[0] as number), new Fd(pair[1] as number)];
}

/** The address of a name in an open directory: works for any length of the directory's own path, unix(7). */
export function addressIn(use: AddressUse, directory: Fd, name: string): Uint8Array {
  return unixAddress(use, `/proc/self/fd/${directory.number}/${name}`, name);
}

/** The call that an address is made for. */
type AddressUse = "bind" | "connect";

/** @throws SyscallError of that call where the path is too long for an address */
export function unixAddress(use: AddressUse, path: string, about: string): Uint8Array {
  const bytes = encodeUtf8(path);
  if (bytes.length >= 108) throw new SyscallError(use, ENAMETOOLONG, about);
  return sockaddr_un.encode({ sun_family: AF_UNIX, sun_path: bytes });
}

/** A socket bound to a new name in a directory and listening. */
export function listenIn(directory: Fd, name: string): Fd {
  const fd = new Fd(call(undefined, "socket", NR.socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  try {
    call(name, "bind", NR.bind, fd.number, addressIn("bind", directory, name), sockaddr_un.size);
    call(name, "listen", NR.listen, fd.number, 16);
    return fd;
  } catch (thrown) {
    fd.close();
    throw thrown;
  }
}

/** How long whoever listens may take to make room for a connection, in seconds. */
const connectTimeout = 10;

/** Connects to the socket of a name in a directory. A backlog that stays full is EAGAIN. */
export function connectIn(directory: Fd, name: string): Fd {
  return connect(addressIn("connect", directory, name), name, (socket) => {
    const time = timeval.encode({ tv_sec: connectTimeout });
    call(undefined, "setsockopt", NR.setsockopt, socket.number, SOL_SOCKET, SO_SNDTIMEO, time, time.length);
  });
}

/** Connects to the socket that was opened (O_PATH): no name is looked up again. */
export function connectTo(socket: Fd, about: string): Fd {
  return connect(unixAddress("connect", `/proc/self/fd/${socket.number}`, about), about);
}

/** Connects to a socket by the caller's own path (a bus of D-Bus). */
export function connectPath(path: string): Fd {
  return connect(unixAddress("connect", path, path), path);
}

function connect(address: Uint8Array, about: string, prepare?: (socket: Fd) => void): Fd {
  const fd = new Fd(call(undefined, "socket", NR.socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  try {
    prepare?.(fd);
    call(about, "connect", NR.connect, fd.number, address, sockaddr_un.size);
    return fd;
  } catch (thrown) {
    fd.close();
    throw thrown;
  }
}

/** The next waiting connection of a listening socket, undefined when there is none. */
export function accept(fd: Fd): Fd | undefined {
  const result = attempt("accept4", NR.accept4, fd.number, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (result === -EAGAIN) return undefined;
  if (result < 0) throw new SyscallError("accept4", -result, undefined);
  return new Fd(result);
}

/** Who is at the other end, as the kernel saw it at connect: SO_PEERCRED, unix(7). */
export function peerCredentials(fd: Fd): { readonly pid: number; readonly uid: number; readonly gid: number } {
  const buffer = new Uint8Array(ucred.size);
  const length = new Uint32Array([ucred.size]);
  call(undefined, "getsockopt", NR.getsockopt, fd.number, SOL_SOCKET, SO_PEERCRED, buffer, length);
  return { pid: ucred.get(buffer, "pid"), uid: ucred.get(buffer, "uid"), gid: ucred.get(buffer, "gid") };
}

/** Sends bytes, all or an error; with descriptors, they travel with the first byte. */
export function send(socket: Fd, bytes: Uint8Array, fds: readonly Fd[] = []): void {
  let rest = bytes;
  let control = fds.length > 0 ? rightsMessage(fds) : null;
  while (rest.length > 0) {
    const iov = iovec.encode({ iov_base: rest, iov_len: rest.length });
    const message = msghdr.encode({
      msg_iov: iov,
      msg_iovlen: 1,
      msg_control: control,
      msg_controllen: control?.length ?? 0,
    });
    rest = rest.subarray(call(undefined, "sendmsg", NR.sendmsg, socket.number, message, MSG_NOSIGNAL));
    control = null;
  }
}

function rightsMessage(fds: readonly Fd[]): Uint8Array {
  const length = cmsghdr.size + 4 * fds.length;
  const buffer = new Uint8Array(Math.ceil(length / 8) * 8);
  buffer.set(cmsghdr.encode({ cmsg_len: length, cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }));
  new Int32Array(buffer.buffer, cmsghdr.size, fds.length).set(fds.map((fd) => fd.number));
  return buffer;
}

/** What one receive gave: no bytes is the end of the stream. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly fds: readonly Fd[];
}

/** Receives up to `size` bytes and the descriptors that came with them, without waiting; "again" when there are none. */
export function receive(socket: Fd, size: number): Received | "again" {
  const buffer = new Uint8Array(size);
  const control = new Uint8Array(256);
  const iov = iovec.encode({ iov_base: buffer, iov_len: size });
  const message = msghdr.encode({ msg_iov: iov, msg_iovlen: 1, msg_control: control, msg_controllen: control.length });
  const result = attempt("recvmsg", NR.recvmsg, socket.number, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (result === -EAGAIN) return "again";
  if (result < 0) throw new SyscallError("recvmsg", -result, undefined);
  const length = msghdr.getNumber(message, "msg_controllen");
  const fds = length === 0 ? [] : rightsIn(control, length);
  if ((msghdr.get(message, "msg_flags") & MSG_CTRUNC) !== 0) {
    for (const fd of fds) fd.close();
    throw new SyscallError("recvmsg", ENAMETOOLONG, "more descriptors than expected");
  }
  return { bytes: buffer.subarray(0, result), fds };
}

function rightsIn(control: Uint8Array, length: number): Fd[] {
  const fds: Fd[] = [];
  for (let at = 0; at + cmsghdr.size <= length; ) {
    const size = Number(cmsghdr.get(control, "cmsg_len", at));
    if (size < cmsghdr.size) break;
    const isRights =
      cmsghdr.get(control, "cmsg_level", at) === SOL_SOCKET && cmsghdr.get(control, "cmsg_type", at) === SCM_RIGHTS;
    const count = isRights ? (size - cmsghdr.size) >> 2 : 0;
    for (const number of new Int32Array(control.buffer, at + cmsghdr.size, count)) fds.push(new Fd(number));
    at += Math.ceil(size / 8) * 8;
  }
  return fds;
}

/** One descriptor to wait for. */
export interface Wait {
  readonly fd: Fd;
  readonly events: number;
}

/**
 * Waits until one of the descriptors has an event: ppoll(2).
 * @param milliseconds how long at most, with fractions; undefined waits for ever
 * @returns the revents of each, in order; undefined when the time has run out
 */
export function poll(waits: readonly Wait[], milliseconds?: number): number[] | undefined {
  // struct pollfd by hand: the descriptor, and in one word behind it events and revents.
  const table = new Int32Array((waits.length * pollfd.size) / 4);
  let at = 0;
  for (const { fd, events } of waits) {
    table[at++] = fd.number;
    table[at++] = events;
  }
  // ppoll writes the rest back into the timespec (a raw call's difference from libc's), so an interrupted wait goes on.
  const time = milliseconds === undefined ? null : duration(milliseconds);
  const ready = call(undefined, "ppoll", NR.ppoll, table, waits.length, time, null, 0);
  return ready === 0 ? undefined : waits.map((_, index) => (table[2 * index + 1] as number) >>> 16);
}

/** Never less than was asked for: who wakes too early asks again and again until the time has come. */
function duration(milliseconds: number): Uint8Array {
  const nanoseconds = Math.ceil(milliseconds * 1e6);
  return timespec.encode({ tv_sec: Math.floor(nanoseconds / 1e9), tv_nsec: nanoseconds % 1e9 });
}

/** Waits until a descriptor can be read (or is at its end), at most so long. */
export function waitReadable(fd: Fd, milliseconds?: number): boolean {
  return poll([{ fd, events: POLLIN }], milliseconds) !== undefined;
}

/** ETIMEDOUT as an error of `what`, for protocol steps that took too long. */
export function timedOut(what: string): SyscallError {
  return new SyscallError("poll", ETIMEDOUT, what);
}

/** Sets an interface up, as `ip link set lo up`: netdevice(7). */
export function setLinkUp(name: string): void {
  using socket = new Fd(call(undefined, "socket", NR.socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const request = ifreq.encode({ ifr_name: encodeUtf8(name) });
  call(name, "ioctl SIOCGIFFLAGS", NR.ioctl, socket.number, SIOCGIFFLAGS, request);
  const flags = ifreq.get(request, "ifr_flags");
  if ((flags & IFF_UP) !== 0) return;
  const up = ifreq.encode({ ifr_name: encodeUtf8(name), ifr_flags: flags | IFF_UP });
  call(name, "ioctl SIOCSIFFLAGS", NR.ioctl, socket.number, SIOCSIFFLAGS, up);
}
