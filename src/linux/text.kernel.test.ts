import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "./engine.ts";
import { decodeLossy } from "./text.ts";

test("text that is no UTF-8 loses its bytes outside ASCII, in the line where it is not", () => {
  assert.equal(decodeLossy(encodeUtf8("größe\nβ\n")), "größe\nβ\n");
  const bytes = new Uint8Array([...encodeUtf8("größe\na"), 0xff, ...encodeUtf8("ö\nβ")]);
  assert.equal(decodeLossy(bytes), "größe\na???\nβ");
  assert.equal(decodeLossy(new Uint8Array()), "");
});
