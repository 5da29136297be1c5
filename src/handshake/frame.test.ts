import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BoxError } from "../base/errors.ts";
import { bodyLength, header } from "./frame.ts";
import { headerSize, maxBody, protocolVersion } from "./messages.ts";

test("header() is the letters BX, the version, 0, and the length little-endian", () => {
  assert.deepEqual([...header(0)], [0x42, 0x58, protocolVersion, 0, 0, 0, 0, 0]);
  assert.deepEqual([...header(0x0102)], [0x42, 0x58, protocolVersion, 0, 2, 1, 0, 0]);
});

test("bodyLength() reads back what header() wrote, up to the largest body", () => {
  for (const length of [0, 1, 255, 256, 65535, maxBody]) assert.equal(bodyLength(header(length)), length);
});

test("bodyLength() reads a header that lies inside a larger buffer", () => {
  const buffer = new Uint8Array(32);
  buffer.set(header(77), 11);
  assert.equal(bodyLength(buffer.subarray(11)), 77);
});

test("bodyLength() refuses every header that is not ours", () => {
  const frame = "handshake: not a frame of box's protocol";
  const cases: [bytes: readonly number[], message: string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], frame],
    [[0x58, 0x42, 1, 0, 0, 0, 0, 0], frame],
    [[0x42, 0x42, 1, 0, 0, 0, 0, 0], frame],
    [[0x42, 0x58, 1, 1, 0, 0, 0, 0], frame],
    [[0x47, 0x45, 0x54, 0x20, 0x2f, 0x20, 0x48, 0x54], frame],
    [[0x42, 0x58, 0, 0, 0, 0, 0, 0], "handshake: the other side speaks version 0, this one 1"],
    [[0x42, 0x58, 2, 0, 0, 0, 0, 0], "handshake: the other side speaks version 2, this one 1"],
    [[0x42, 0x58, 255, 0, 0, 0, 0, 0], "handshake: the other side speaks version 255, this one 1"],
    [[0x42, 0x58, 1, 0, 1, 0, 1, 0], "handshake: a message of 65537 bytes is longer than 65536"],
    [[0x42, 0x58, 1, 0, 0xff, 0xff, 0xff, 0xff], "handshake: a message of 4294967295 bytes is longer than 65536"],
    [[0x42, 0x58, 1, 0, 0, 0, 0, 0x80], "handshake: a message of 2147483648 bytes is longer than 65536"],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => bodyLength(Uint8Array.from(bytes)), { name: "BoxError", message });
  }
});

test("bodyLength() gives a length within bounds or a BoxError, whatever the bytes", () => {
  const start = fc.constantFrom([], [0x42], [0x42, 0x58], [0x42, 0x58, 1], [0x42, 0x58, 1, 0]);
  const rest = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: headerSize, maxLength: 3 * headerSize });
  fc.assert(
    fc.property(start, rest, (first, more) => {
      try {
        const length = bodyLength(Uint8Array.from([...first, ...more]));
        assert.ok(length >= 0 && length <= maxBody);
      } catch (thrown) {
        assert.ok(thrown instanceof BoxError, String(thrown));
      }
    }),
  );
});
