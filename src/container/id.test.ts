import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BoxError } from "../base/errors.ts";
import { checkId } from "./id.ts";

const format = 'invalid container ID format: ID (letters, digits and _ + - . are allowed, "." and ".." are not)';

test("checkId() takes letters, digits and _ + - . up to 255 of them", () => {
  const ids = ["a", "Z", "0", "_", "+", "-", "-a", "...", ".a", "a.", "a..b", "--all", "a".repeat(255)];
  for (const id of [...ids, "AZaz09_+-.", "constructor", "__proto__"]) assert.equal(checkId(id), id);
});

test("checkId() refuses an empty id", () => {
  assert.throws(() => checkId(""), { name: "BoxError", message: "container id cannot be empty" });
});

test("checkId() refuses what could be a path, an option of a shell, or a second line", () => {
  const cases: [id: string, shown: string][] = [
    [".", '"."'],
    ["..", '".."'],
    ["/", '"/"'],
    ["a/b", '"a/b"'],
    ["../a", '"../a"'],
    ["a b", '"a b"'],
    ["a\n", '"a\\n"'],
    ["\na", '"\\na"'],
    ["a\0", '"a\\u0000"'],
    ["a:b", '"a:b"'],
    ["a@b", '"a@b"'],
    ["a~", '"a~"'],
    ["$(a)", '"$(a)"'],
    ["*", '"*"'],
    ["é", '"é"'],
    ["١", '"١"'],
    ["\u212a", '"\u212a"'],
    ["\ud800", '"\\ud800"'],
    ["\u001b[2J", '"\\u001b[2J"'],
  ];
  for (const [id, shown] of cases) {
    assert.throws(() => checkId(id), { name: "BoxError", message: format.replace("ID (", `${shown} (`) });
  }
});

test("checkId() refuses more than 255 bytes, and says so in a short line", () => {
  const message = "invalid container ID format: 256 bytes, at most 255 are allowed";
  assert.throws(() => checkId("a".repeat(256)), { name: "BoxError", message });
  try {
    checkId("/".repeat(1_000_000));
    assert.fail("accepted");
  } catch (thrown) {
    assert.ok(thrown instanceof BoxError);
    assert.ok(thrown.message.length < 1000);
  }
});

test("checkId() takes a text exactly when it is a safe name for a directory", () => {
  const character = fc.oneof(fc.constantFrom(..."aZ0_+-./ \n~:"), fc.string({ unit: "binary", maxLength: 1 }));
  fc.assert(
    fc.property(fc.array(character, { maxLength: 6 }), (characters) => {
      const id = characters.join("");
      const isSafe =
        id !== "" &&
        id !== "." &&
        id !== ".." &&
        [...id].every((one) => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.".includes(one));
      try {
        assert.equal(checkId(id), id);
        assert.ok(isSafe, JSON.stringify(id));
      } catch (thrown) {
        if (!(thrown instanceof BoxError)) throw thrown;
        assert.ok(!isSafe, JSON.stringify(id));
      }
    }),
  );
});
