import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inScratch } from "../../test/kernel/scratch.ts";
import { BoxError } from "../base/errors.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { clone3, exit, waitPidfd } from "../linux/process.ts";
import { accept, listenIn, receive, send, waitReadable } from "../linux/socket.ts";
import { Bus, BusError } from "./bus.ts";
import { decodeMessage, encodeCall, messageLength } from "./message.ts";
import { marshal, type Value } from "./wire.ts";

const call = { destination: "org.example", path: "/org/example", interface: "org.example.I", member: "Do" };

test("decodeMessage() reads what encodeCall() wrote", () => {
  const bytes = encodeCall({ ...call, signature: "sb", body: ["text", true] }, 7);
  assert.equal(messageLength(bytes), bytes.length);
  const { type, path, interface: name, member, body } = decodeMessage(bytes);
  assert.deepEqual([type, path, name, member, body], ["call", "/org/example", "org.example.I", "Do", ["text", true]]);
});

test("messageLength() refuses what is no message, and one that is longer than we take", () => {
  const good = encodeCall(call, 1);
  const changed = (index: number, byte: number): Uint8Array => {
    const bytes = good.slice();
    bytes[index] = byte;
    return bytes;
  };
  for (const bytes of [changed(0, 0x42), changed(3, 2), changed(7, 0x7f), changed(15, 0x7f)])
    assert.throws(() => messageLength(bytes), BoxError);
});

/** A message to us. */
function message(type: number, fields: readonly (readonly [number, string, Value])[], text?: string): Uint8Array {
  const body = text === undefined ? new Uint8Array(0) : marshal("s", [text]);
  const list = fields.map(([code, signature, value]) => [code, { signature, value }]);
  if (text !== undefined) list.push([8, { signature: "g", value: "s" }]);
  const header = marshal("yyyyuua(yv)", [0x6c, type, 0, 1, body.length, 1, list]);
  const start = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(start + body.length);
  bytes.set(header);
  bytes.set(body, start);
  return bytes;
}

const login = encodeUtf8("DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n");
const reply = (serial: number, text?: string): Uint8Array => message(2, [[5, "u", serial]], text);

/** Connects to a bus of our own: it sends each part when it has heard something, and then stays or leaves. */
function withBus(parts: readonly Uint8Array[], action: (address: string) => void): void {
  inScratch((directory, path) => {
    using listener = listenIn(directory as Fd, "bus");
    const child = clone3(0);
    if (child === "child") {
      waitReadable(listener, 10_000);
      const peer = accept(listener) as Fd;
      for (const part of parts) {
        waitReadable(peer, 10_000);
        receive(peer, 65_536);
        send(peer, part);
      }
      exit(0);
    }
    try {
      action(`unix:path=${path}/bus`);
    } finally {
      waitPidfd(child.pidfd, true);
      child.pidfd.close();
    }
  });
}

describe("Bus", () => {
  test("answers a call with the reply to it, and keeps signals for whoever waits for them", () => {
    const signal = message(
      4,
      [
        [1, "o", "/p"],
        [2, "s", "org.example.I"],
        [3, "s", "Done"],
      ],
      "now",
    );
    const both = new Uint8Array([...signal, ...reply(99, "another's"), ...reply(2, "yes")]);
    withBus([login, reply(1, ":1.5"), both], (address) => {
      using bus = Bus.connect(address);
      assert.deepEqual(bus.call(call).body, ["yes"]);
      assert.deepEqual(bus.signal("Done", ({ member }) => member === "Done", 1000).body, ["now"]);
    });
  });

  test("tells the error that a call is answered with, on one line", () => {
    const error = message(
      3,
      [
        [5, "u", 2],
        [4, "s", "org.example.No"],
      ],
      "it\nis not",
    );
    withBus([login, reply(1), error], (address) => {
      using bus = Bus.connect(address);
      assert.throws(
        () => bus.call(call),
        (thrown) =>
          thrown instanceof BusError && thrown.errorName === "org.example.No" && !thrown.message.includes("\n"),
      );
    });
  });

  const failures: [string, Uint8Array[], RegExp][] = [
    ["refuses the login", [encodeUtf8("REJECTED KERBEROS\r\n")], /the login is refused/],
    ["leaves", [], /closed the connection|ECONNRESET|EPIPE/],
    ["sends garbage", [login, encodeUtf8("x".repeat(64))], /not a little-endian message/],
    ["announces a gigabyte", [login, message(2, [[5, "u", 1]]).fill(0x40, 4, 8)], /bytes, 1048576 are the limit/],
  ];
  for (const [what, parts, expected] of failures) {
    test(`one that ${what} is an error`, () => {
      withBus(parts, (address) => assert.throws(() => Bus.connect(address), expected));
    });
  }

  test("one that is not there, and an address that is none, are errors", () => {
    assert.throws(() => Bus.connect("unix:path=/nothing/here"), /ENOENT/);
    for (const address of ["", "tcp:host=localhost", "unix:abstract=/tmp/x"])
      assert.throws(() => Bus.connect(address), /names no unix:path=/);
  });
});
