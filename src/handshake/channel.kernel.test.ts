import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { withoutLeaks } from "../../test/kernel/scratch.ts";
import { BoxError, messageOf } from "../base/errors.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import { pipe, writeAll } from "../linux/file.ts";
import { send, socketPair, waitReadable } from "../linux/socket.ts";
import { Channel } from "./channel.ts";
import { header } from "./frame.ts";
import { asFromInit, asToInit, type FromInit, maxBody, type ToInit } from "./messages.ts";

type HostSide = Channel<ToInit, FromInit>;
type InitSide = Channel<FromInit, ToInit>;

/** Gives `action` both ends of a handshake. */
function withChannels(action: (host: HostSide, init: InitSide) => void): void {
  withoutLeaks(() => {
    const [ours, theirs] = socketPair();
    using host = new Channel<ToInit, FromInit>(ours, asFromInit);
    using init = new Channel<FromInit, ToInit>(theirs, asToInit);
    action(host, init);
  });
}

/** Gives `action` the host's end, and a socket that says anything. */
function withPeer(action: (host: HostSide, peer: Fd) => void): void {
  withoutLeaks(() => {
    const [ours, theirs] = socketPair();
    using host = new Channel<ToInit, FromInit>(ours, asFromInit);
    using peer = theirs;
    action(host, peer);
  });
}

function frame(body: string | Uint8Array): Uint8Array {
  const bytes = typeof body === "string" ? encodeUtf8(body) : body;
  return Uint8Array.from([...header(bytes.length), ...bytes]);
}

function refusal(host: HostSide): string {
  try {
    host.receive(1000);
  } catch (thrown) {
    assert.ok(thrown instanceof BoxError, String(thrown));
    return thrown.message;
  }
  return assert.fail("it was taken");
}

describe("Channel.awaitEnd()", () => {
  test("is not ended by words, which can be read behind it", () => {
    withChannels((host, init) => {
      init.send({ type: "ready" });
      assert.equal(host.awaitEnd(1), false);
      init[Symbol.dispose]();
      assert.equal(host.awaitEnd(1000), true);
      assert.deepEqual(host.receive(0), { message: { type: "ready" }, fds: [] });
      assert.equal(host.receive(0), "end");
    });
  });
});

describe("Channel.receive() gives", () => {
  test("each message that was sent, in order, in both directions", () => {
    withChannels((host, init) => {
      init.send({ type: "hooks" });
      init.send({ type: "ready" });
      host.send({ type: "hooked" });
      assert.deepEqual(host.receive(1000), { message: { type: "hooks" }, fds: [] });
      assert.deepEqual(host.receive(1000), { message: { type: "ready" }, fds: [] });
      assert.deepEqual(init.receive(1000), { message: { type: "hooked" }, fds: [] });
    });
  });

  test("a failure with its text as it was", () => {
    withChannels((host, init) => {
      const message = 'mount "é \u{1F600}": \u0000\n"';
      init.send({ type: "failed", message, details: { errno: "EPERM" } });
      assert.deepEqual(host.receive(1000), {
        message: { type: "failed", message, details: { errno: "EPERM" } },
        fds: [],
      });
    });
  });

  test("a message that comes byte by byte", () => {
    withPeer((host, peer) => {
      const bytes = frame('{"type":"ready"}');
      for (const byte of bytes.subarray(0, -1)) {
        send(peer, Uint8Array.of(byte));
        assert.equal(host.pump(), "more");
        assert.equal(host.taken(), undefined);
      }
      send(peer, bytes.subarray(-1));
      assert.deepEqual(host.receive(1000), { message: { type: "ready" }, fds: [] });
    });
  });

  test("the descriptor that came with a message, to that message", () => {
    withChannels((host, init) => {
      const [reader, writer] = pipe();
      init.send({ type: "ready" }, [writer]);
      writer.close();
      const incoming = host.receive(1000);
      assert.ok(incoming !== "end");
      const [received, ...others] = incoming.fds;
      assert.ok(received !== undefined);
      assert.deepEqual(others, []);
      writeAll(received, "x");
      assert.ok(waitReadable(reader, 1000));
      received.close();
      reader.close();
    });
  });

  test("no descriptor to the message after the one that it came with", () => {
    withChannels((host, init) => {
      init.send({ type: "ready" }, [host.socket]);
      init.send({ type: "executing", filtered: false });
      const first = host.receive(1000);
      assert.ok(first !== "end");
      assert.equal(first.fds.length, 1);
      assert.deepEqual(host.receive(1000), { message: { type: "executing", filtered: false }, fds: [] });
      for (const fd of first.fds) fd.close();
    });
  });

  test("the end when the other side went without having read everything", () => {
    withPeer((host, peer) => {
      host.send({ type: "start" });
      peer.close();
      assert.equal(host.receive(1000), "end");
    });
  });

  test("the end when the other side is gone, half-way through a message too", () => {
    for (const length of [0, 3, 8, 12]) {
      withPeer((host, peer) => {
        const part = frame('{"type":"ready"}').subarray(0, length);
        if (part.length > 0) send(peer, part);
        peer.close();
        assert.equal(host.receive(1000), "end");
        assert.equal(host.receive(1000), "end");
      });
    }
  });

  test("what was sent before the other side went", () => {
    withChannels((host, init) => {
      init.send({ type: "executing", filtered: false });
      init[Symbol.dispose]();
      assert.deepEqual(host.receive(1000), { message: { type: "executing", filtered: false }, fds: [] });
      assert.equal(host.receive(1000), "end");
    });
  });
});

describe("Channel.receive() refuses", () => {
  const spoken: readonly (readonly [what: string, bytes: Uint8Array, message: string])[] = [
    ["another protocol", encodeUtf8("GET / HTTP/1.1\r\n\r\n"), "handshake: not a frame of box's protocol"],
    [
      "another version",
      Uint8Array.from([0x42, 0x58, 2, 0, 0, 0, 0, 0]),
      "handshake: the other side speaks version 2, this one 1",
    ],
    [
      "a message that is too long before it has come",
      header(maxBody + 1),
      `handshake: a message of ${maxBody + 1} bytes is longer than ${maxBody}`,
    ],
    ["an empty message", frame(""), "handshake: a message that is not JSON"],
    ["what is not JSON", frame("{type}"), "handshake: a message that is not JSON"],
    ["what is not UTF-8", frame(Uint8Array.of(0x22, 0xff, 0x22)), "handshake: a message that is not JSON"],
    ["JSON that is deeper than the stack", frame("[".repeat(maxBody)), "handshake: a message that is not JSON"],
    ["an unknown word", frame('{"type":"hello"}'), "handshake: a message that box does not know"],
    ["a word of its own", frame('{"type":"start"}'), "handshake: a message that box does not know"],
    ["null", frame("null"), "handshake: a message that box does not know"],
    ["a number", frame("5"), "handshake: a message that box does not know"],
  ];
  for (const [what, bytes, message] of spoken) {
    test(what, () => {
      withPeer((host, peer) => {
        send(peer, bytes);
        assert.equal(refusal(host), message);
      });
    });
  }

  test("more descriptors than any message has, and keeps none", () => {
    withPeer((host, peer) => {
      send(
        peer,
        frame('{"type":"ready"}'),
        Array.from({ length: 200 }, () => peer),
      );
      assert.match(refusal(host), /more descriptors than expected/);
    });
  });
});

describe("Channel.receive() waits", () => {
  test("no longer than it may, and says how long that was", () => {
    withPeer((host) => {
      const before = monotonicMilliseconds();
      assert.throws(() => host.receive(50), {
        name: "BoxError",
        message: "handshake: no answer within 0.05 s",
      });
      const waited = monotonicMilliseconds() - before;
      assert.ok(waited >= 49, `${waited} ms`);
    });
  });

  test("no longer for the rest of a message", () => {
    withPeer((host, peer) => {
      send(peer, frame('{"type":"ready"}').subarray(0, 10));
      assert.throws(() => host.receive(50), { message: "handshake: no answer within 0.05 s" });
    });
  });
});

test("Channel.send() says EPIPE when the other side is gone", () => {
  withPeer((host, peer) => {
    peer.close();
    assert.throws(() => host.send({ type: "start" }), {
      name: "SyscallError",
      details: { syscall: "sendmsg", errno: "EPIPE" },
    });
  });
});

test("Channel closes the descriptors of a message that never became whole", () => {
  withPeer((host, peer) => {
    send(peer, frame('{"type":"ready"}').subarray(0, 9), [peer, peer]);
    assert.equal(host.pump(), "more");
  });
});

test("Channel gives a message, the end or a BoxError, whatever is sent and in whatever pieces", () => {
  const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }).map((list) => Uint8Array.from(list));
  const piece = fc.oneof(
    bytes,
    bytes.map((body) => frame(body)),
    fc.json().map((text) => frame(text)),
    fc.constantFrom(frame('{"type":"ready"}'), frame('{"type":"failed","message":"x"}')),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      withPeer((host, peer) => {
        for (const one of pieces) if (one.length > 0) send(peer, one);
        peer.close();
        try {
          for (let incoming = host.receive(1000); incoming !== "end"; incoming = host.receive(1000)) {
            assert.ok(["hooks", "ready", "starting", "executing", "failed"].includes(incoming.message.type));
          }
        } catch (thrown) {
          assert.ok(thrown instanceof BoxError, messageOf(thrown));
        }
      });
    }),
    { numRuns: 200 },
  );
});
