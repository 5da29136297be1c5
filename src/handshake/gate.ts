/**
 * init.sock: where a created init waits for `start`.
 *
 * Whoever may reach the state directory may connect. Peers that say nothing, or nonsense, are dropped and never stand in
 * the way of the next one.
 */
import { BoxError } from "../base/errors.ts";
import { POLLIN, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH } from "../linux/constants.ts";
import { restInNextCall } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { readSignal } from "../linux/signal.ts";
import { accept, poll } from "../linux/socket.ts";
import { Channel } from "./channel.ts";
import { asToInit, type FromInit, type ToInit } from "./messages.ts";

export const socketName = "init.sock";

export type InitChannel = Channel<FromInit, ToInit>;

/** How many peers may be connected at a time without having spoken; the oldest has to go. */
const maxPeers = 16;

/**
 * Waits for the peer that says `start`.
 * @param signals a signalfd: a signal that would have ended the program ends the wait
 * @returns the peer's channel, or the signal
 */
export function awaitStart(listener: Fd, signals: Fd): InitChannel | number {
  const peers: InitChannel[] = [];
  for (;;) {
    // A created container may wait for days, and there may be many.
    if (peers.length === 0) restInNextCall();
    const events = poll([
      { fd: listener, events: POLLIN },
      { fd: signals, events: POLLIN },
      ...peers.map(({ socket }) => ({ fd: socket, events: POLLIN })),
    ]);
    if (events === undefined) continue;
    if (events[1] !== 0) {
      const signal = readSignal(signals);
      if (signal !== undefined && endsProgram(signal)) return signal;
    }
    for (const [index, peer] of [...peers].entries()) {
      if (events[index + 2] === 0) continue;
      const verdict = hear(peer);
      if (verdict === "wait") continue;
      peers.splice(peers.indexOf(peer), 1);
      if (verdict === "start") {
        for (const other of peers) other[Symbol.dispose]();
        return peer;
      }
      peer[Symbol.dispose]();
    }
    if (events[0] !== 0) {
      const socket = accept(listener);
      if (socket !== undefined) peers.push(new Channel<FromInit, ToInit>(socket, asToInit));
      if (peers.length > maxPeers) peers.shift()?.[Symbol.dispose]();
    }
  }
}

function hear(peer: InitChannel): "start" | "wait" | "drop" {
  try {
    const state = peer.pump();
    const incoming = peer.taken();
    if (incoming !== undefined) {
      for (const fd of incoming.fds) fd.close();
      return incoming.message.type === "start" ? "start" : "drop";
    }
    return state === "end" ? "drop" : "wait";
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    // The peer may learn why; that it is gone already is no concern of ours.
    try {
      peer.send({ type: "failed", message: thrown.message, details: thrown.details });
    } catch (gone) {
      if (!(gone instanceof BoxError)) throw gone;
    }
    return "drop";
  }
}

/** Signals that a program without handlers survives: they are ignored or stop it, signal(7). */
const harmless: ReadonlySet<number> = new Set([SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH]);

function endsProgram(signal: number): boolean {
  return !harmless.has(signal);
}
