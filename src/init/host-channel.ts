/** What a process inside the container and the host side say to each other, as the former sees it. */
import { BoxError, messageOf } from "../base/errors.ts";
import { withStage } from "../base/steps.ts";
import type { Channel } from "../handshake/channel.ts";
import { type FromInit, failure, type ToInit } from "../handshake/messages.ts";
import { exit } from "../linux/process.ts";

export type HostChannel = Channel<FromInit, ToInit>;

/** The next message, which must be of this type: the host side speaks in a fixed order. */
export function expect<T extends ToInit["type"]>(
  host: HostChannel,
  type: T,
  timeout: number | undefined,
): Extract<ToInit, { type: T }> {
  const incoming = host.receive(timeout);
  // The host side was killed: nobody waits for this process any more.
  if (incoming === "end") exit(1);
  if (incoming.message.type !== type)
    throw new BoxError(`handshake: ${incoming.message.type} came where ${type} was due`);
  return incoming.message as Extract<ToInit, { type: T }>;
}

/** Tells the host side, if it is still there, why this process ends. */
export function report(host: HostChannel, thrown: unknown): void {
  const details = thrown instanceof BoxError ? thrown.details : {};
  try {
    host.send(failure(messageOf(thrown), withStage(details)));
  } catch (gone) {
    if (!(gone instanceof BoxError)) throw gone;
  }
}
