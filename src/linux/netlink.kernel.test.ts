import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutLeaks } from "../../test/kernel/scratch.ts";
import { Links } from "./links.ts";
import { attributesAfter, encodeMessage } from "./netlink.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

test("encodeMessage() aligns the struct and every attribute, and gives their true lengths", () => {
  const attributes = [
    { type: 3, value: bytes(1, 2, 3, 4, 5) },
    { type: 28, value: bytes() },
  ];
  assert.deepEqual(
    [...encodeMessage(16, 5, 7, bytes(9, 9), attributes)],
    // Header of 16 bytes, the struct padded to 4, an attribute of 4 + 5 padded to 12, one of 4.
    [36, 0, 0, 0, 16, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0, 0, 9, 0, 3, 0, 1, 2, 3, 4, 5, 0, 0, 0, 4, 0, 28, 0],
  );
});

test("attributesAfter() reads what encodeMessage() wrote", () => {
  const attributes = [
    { type: 1, value: bytes(1, 2, 3) },
    { type: 2, value: bytes(4, 5, 6, 7) },
  ];
  const message = encodeMessage(20, 0, 1, bytes(0, 0, 0, 0, 0), attributes);
  assert.deepEqual(attributesAfter(message.slice(16), 5), attributes);
});

test("attributesAfter() ends where an attribute does not fit", () => {
  assert.deepEqual(attributesAfter(bytes(), 0), []);
  assert.deepEqual(attributesAfter(bytes(3, 0, 1, 0), 0), []);
  assert.deepEqual(attributesAfter(bytes(8, 0, 1, 0, 1), 0), []);
  assert.deepEqual(attributesAfter(bytes(5, 0, 1, 0, 6, 0, 0, 0, 255, 255, 1, 0), 0), [{ type: 1, value: bytes(6) }]);
});

test("Links finds the loopback device with its address of the host, and no device of another name", () => {
  withoutLeaks(() => {
    using links = new Links();
    const loopback = links.find("lo");
    assert.equal(loopback?.index, 1);
    assert.equal(links.find("nosuchdevice"), undefined);
    // 127.0.0.1 has the scope of the host.
    assert.deepEqual(links.addresses(loopback, "lo"), []);
  });
});
