import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { idle, inScratch, withChild } from "../../test/kernel/scratch.ts";
import { SIGCONT, SIGTERM } from "../linux/constants.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { getppid, kill } from "../linux/process.ts";
import { maskOf, setSignalMask, signalFd } from "../linux/signal.ts";
import { connectIn, listenIn, poll, send } from "../linux/socket.ts";
import { Channel } from "./channel.ts";
import { header } from "./frame.ts";
import { awaitStart, type InitChannel, socketName } from "./gate.ts";
import { asFromInit, type FromInit, type ToInit } from "./messages.ts";

type HostSide = Channel<ToInit, FromInit>;

/** Waits at a gate while a child behaves as `peer`, and gives `action` what came of it. */
function meet(peer: (connect: () => HostSide) => void, action: (answer: InitChannel | number) => void): void {
  inScratch((directory) => {
    using listener = listenIn(directory, socketName);
    setSignalMask(maskOf([SIGTERM, SIGCONT]));
    using signals = signalFd(maskOf([SIGTERM, SIGCONT]));
    const body = (): number => {
      peer(() => new Channel<ToInit, FromInit>(connectIn(directory, socketName), asFromInit));
      return idle();
    };
    withChild(body, () => {
      const answer = awaitStart(listener, signals);
      try {
        action(answer);
      } finally {
        if (typeof answer !== "number") answer[Symbol.dispose]();
      }
    });
    setSignalMask(0n);
  });
}

function isStarted(answer: InitChannel | number): void {
  assert.ok(typeof answer !== "number", `signal ${answer}`);
}

function raw(connect: () => HostSide): Fd {
  return connect().socket;
}

describe("awaitStart() opens the gate to whoever says start", () => {
  test("alone", () => {
    meet((connect) => connect().send({ type: "start" }), isStarted);
  });

  test("byte by byte", () => {
    meet((connect) => {
      const peer = raw(connect);
      const body = encodeUtf8('{"type":"start"}');
      for (const byte of [...header(body.length), ...body]) {
        send(peer, Uint8Array.of(byte));
        poll([], 1);
      }
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
      poll([], 20);
      connect().send({ type: "start" });
    }, isStarted);
  });

  test("after more idle peers than there is room for", () => {
    meet((connect) => {
      for (let count = 0; count < 100; count++) {
        connect();
        if (count % 10 === 0) poll([], 5);
      }
      poll([], 20);
      connect().send({ type: "start" });
    }, isStarted);
  });

  test("and can answer it", () => {
    inScratch((directory) => {
      using listener = listenIn(directory, socketName);
      using signals = signalFd(0n);
      const body = (): number => {
        const channel = new Channel<FromInit, ToInit>(connectIn(directory, socketName), (message) => message as ToInit);
        channel.send({ type: "start" } as unknown as FromInit);
        const incoming = channel.receive(5000);
        return incoming !== "end" && (incoming.message as unknown as FromInit).type === "executing" ? 42 : 1;
      };
      withChild(body, () => {
        const answer = awaitStart(listener, signals);
        assert.ok(typeof answer !== "number");
        answer.send({ type: "executing" });
        answer[Symbol.dispose]();
      });
    });
  });
});

describe("awaitStart() minds signals", () => {
  test("that would end the program: the wait is over", () => {
    meet(
      () => kill(getppid(), SIGTERM),
      (answer) => assert.equal(answer, SIGTERM),
    );
  });

  test("that a program survives: the wait goes on", () => {
    meet((connect) => {
      kill(getppid(), SIGCONT);
      poll([], 20);
      connect().send({ type: "start" });
    }, isStarted);
  });
});
