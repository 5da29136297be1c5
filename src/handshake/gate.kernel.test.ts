import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hanging } from "../../test/kernel/hanging.ts";
import { idle, inScratch, signal, withChild } from "../../test/kernel/scratch.ts";
import { RLIMIT_NOFILE, SIGCONT, SIGTERM } from "../linux/constants.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { type Child, getLimit, getppid, setLimit, waitPidfd } from "../linux/process.ts";
import { maskOf, setSignalMask, signalFd } from "../linux/signal.ts";
import { connectIn, listenIn, poll, send, waitReadable } from "../linux/socket.ts";
import { Channel } from "./channel.ts";
import { header } from "./frame.ts";
import { awaitStart, type InitChannel, socketName } from "./gate.ts";
import { asFromInit, type FromInit, type ToInit } from "./messages.ts";

type HostSide = Channel<ToInit, FromInit>;

/** What the child ends with when its `start` has been answered. */
const answered = 42;

/** Waits at a gate while a child behaves as `peer`, which returns its exit status; gives `action` what came of it. */
function meet(
  peer: (connect: () => HostSide) => number,
  action: (answer: InitChannel | number, child: Child) => void,
): void {
  inScratch((directory) => {
    using listener = listenIn(directory, socketName);
    setSignalMask(maskOf([SIGTERM, SIGCONT]));
    using signals = signalFd(maskOf([SIGTERM, SIGCONT]));
    const connect = (): HostSide => new Channel<ToInit, FromInit>(connectIn(directory, socketName), asFromInit);
    withChild(
      () => peer(connect),
      (child) => {
        const answer = awaitStart(listener, signals);
        try {
          action(answer, child);
        } finally {
          if (typeof answer !== "number") answer[Symbol.dispose]();
        }
      },
    );
    setSignalMask(0n);
  });
}

/** The gate has opened to the peer that said `start`, and to no other. */
function isStarted(answer: InitChannel | number, { pidfd }: Child): void {
  assert.ok(typeof answer !== "number", `signal ${answer}`);
  answer.send({ type: "executing", filtered: false });
  assert.ok(waitReadable(pidfd, hanging), "start is not answered");
  assert.deepEqual(waitPidfd(pidfd, true), { code: answered });
}

/** Says start and waits for the answer. */
function start(channel: HostSide): number {
  channel.send({ type: "start" });
  return awaitAnswer(channel);
}

function awaitAnswer(channel: HostSide): number {
  const incoming = channel.receive(hanging);
  return incoming !== "end" && incoming.message.type === "executing" ? answered : 1;
}

function raw(connect: () => HostSide): Fd {
  return connect().socket;
}

describe("awaitStart() opens the gate to whoever says start", () => {
  test("alone", () => {
    meet((connect) => start(connect()), isStarted);
  });

  test("byte by byte", () => {
    meet((connect) => {
      const channel = connect();
      const body = encodeUtf8('{"type":"start"}');
      for (const byte of [...header(body.length), ...body]) {
        send(channel.socket, Uint8Array.of(byte));
        poll([], 1);
      }
      return awaitAnswer(channel);
    }, isStarted);
  });

  test("after peers that say nothing, nonsense or another word, that went away, or that never end a message", () => {
    meet((connect) => {
      connect();
      send(raw(connect), encodeUtf8("GET / HTTP/1.1\r\n"));
      send(raw(connect), header(65537));
      send(raw(connect), encodeUtf8("BX"));
      connect().send({ type: "hooked" });
      connect().send({ type: "commit", start: true });
      connect()[Symbol.dispose]();
      const body = encodeUtf8("null");
      send(raw(connect), Uint8Array.from([...header(body.length), ...body]));
      const burdened = raw(connect);
      send(
        burdened,
        encodeUtf8("BX"),
        Array.from({ length: 100 }, () => burdened),
      );
      return start(connect());
    }, isStarted);
  });

  test("after more idle peers than this process could hold", () => {
    const { soft, hard } = getLimit(RLIMIT_NOFILE);
    setLimit(RLIMIT_NOFILE, { soft: 64n, hard }, "RLIMIT_NOFILE");
    try {
      meet((connect) => {
        setLimit(RLIMIT_NOFILE, { soft, hard }, "RLIMIT_NOFILE");
        for (let count = 0; count < 100; count++) connect();
        return start(connect());
      }, isStarted);
    } finally {
      setLimit(RLIMIT_NOFILE, { soft, hard }, "RLIMIT_NOFILE");
    }
  });

  test("and keeps no descriptor that comes with the word", () => {
    meet((connect) => {
      const channel = connect();
      channel.send({ type: "start" }, [channel.socket, channel.socket]);
      return awaitAnswer(channel);
    }, isStarted);
  });
});

describe("awaitStart() minds signals", () => {
  test("that would end the program: the wait is over", () => {
    meet(
      () => {
        signal(getppid(), SIGTERM);
        return idle();
      },
      (answer) => assert.equal(answer, SIGTERM),
    );
  });

  test("that a program survives: the wait goes on", () => {
    meet((connect) => {
      signal(getppid(), SIGCONT);
      return start(connect());
    }, isStarted);
  });
});
