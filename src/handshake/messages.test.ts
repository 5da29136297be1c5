import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { utf8Length } from "../spec/rules/text.ts";
import { asFromInit, asToInit, type FromInit, failure, maxBody, type ToInit } from "./messages.ts";

const toInit: readonly ToInit[] = [
  { type: "placed" },
  { type: "hooked" },
  { type: "commit", start: true },
  { type: "commit", start: false },
  { type: "start" },
];

const fromInit: readonly FromInit[] = [
  { type: "hooks" },
  { type: "ready" },
  { type: "starting", hooks: true },
  { type: "starting", hooks: false },
  { type: "executing", filtered: true },
  { type: "executing", filtered: false },
  { type: "listener" },
  { type: "source", linkTo: undefined },
  { type: "source", linkTo: "../target" },
  { type: "failed", message: "it broke", details: {} },
  {
    type: "failed",
    message: "it broke",
    details: { stage: "a", syscall: "mount", errno: "EPERM", path: "/proc", hint: "b" },
  },
];

function overTheWire(message: object): unknown {
  return JSON.parse(JSON.stringify(message));
}

test("each side understands every message of the other, and none of its own", () => {
  for (const message of toInit) {
    assert.deepEqual(asToInit(overTheWire(message)), message);
    assert.equal(asFromInit(overTheWire(message)), undefined, message.type);
  }
  for (const message of fromInit) {
    assert.deepEqual(asFromInit(overTheWire(message)), message);
    assert.equal(asToInit(overTheWire(message)), undefined, message.type);
  }
});

const nonsense: readonly unknown[] = [
  ...[null, true, false, 0, 1, "", "start", "ready", [], ["start"], {}, { type: null }, { type: 1 }, { type: "" }],
  ...[{ type: "Start" }, { type: ["start"] }, { type: { type: "start" } }, { type: "constructor" }],
  ...[{ Type: "start" }, { message: "x" }, { type: "failed" }, { type: "failed", message: 5 }],
  ...[{ type: "failed", message: null, details: {} }, { type: "starting" }, { type: "starting", hooks: 1 }],
  ...[{ type: "starting", hooks: "true" }, { type: "commit" }, { type: "commit", start: 1 }],
  ...[
    { type: "commit", start: null },
    { type: "commit", start: "true" },
  ],
];

test("asToInit() and asFromInit() know nothing else", () => {
  for (const body of nonsense) {
    assert.equal(asToInit(body), undefined, JSON.stringify(body));
    assert.equal(asFromInit(body), undefined, JSON.stringify(body));
  }
});

test("asFromInit() keeps nothing of what init sends besides the words of the protocol", () => {
  const body = JSON.parse('{"type":"ready","extra":1,"__proto__":{"hooks":true},"details":{"errno":"EPERM"}}');
  assert.deepEqual(asFromInit(body), { type: "ready" });
  const failed = JSON.parse(
    '{"type":"failed","message":"m","details":{"errno":"EPERM","level":"x","msg":"y","path":5,"__proto__":{"hint":"z"}}}',
  );
  assert.deepEqual(asFromInit(failed), { type: "failed", message: "m", details: { errno: "EPERM" } });
});

test("asFromInit() takes a failure without details", () => {
  for (const details of [undefined, null, 5, "x", [], ["EPERM"]]) {
    assert.deepEqual(asFromInit({ type: "failed", message: "m", details }), {
      type: "failed",
      message: "m",
      details: {},
    });
  }
});

test("asToInit() and asFromInit() give a message or nothing, whatever the body", () => {
  const types = ["placed", "hooked", "commit", "start", "hooks", "ready", "starting", "executing", "failed"];
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        type: fc.constantFrom(...types),
        start: fc.jsonValue(),
        hooks: fc.jsonValue(),
        message: fc.jsonValue(),
        details: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(body, (value) => {
      for (const message of [asToInit(value), asFromInit(value)]) {
        if (message !== undefined) assert.ok(types.includes(message.type));
      }
    }),
  );
});

test("failure() says what went wrong in a message that is never too long to be sent", () => {
  assert.deepEqual(failure("it broke", { errno: "EPERM" }), {
    type: "failed",
    message: "it broke",
    details: { errno: "EPERM" },
  });
  const text = fc
    .tuple(fc.constantFrom("a", "\0", "é", "\ud800", "\u{1F600}"), fc.nat(100_000))
    .map(([unit, count]) => unit.repeat(count));
  const details = fc.record({ stage: text, syscall: text, errno: text, path: text, hint: text }, { requiredKeys: [] });
  fc.assert(
    fc.property(text, details, (message, more) => {
      const body = JSON.stringify(failure(message, more));
      assert.ok(utf8Length(body) <= maxBody);
      const understood = asFromInit(JSON.parse(body));
      assert.ok(understood?.type === "failed");
      assert.ok(message.startsWith(understood.message.slice(0, 2000)));
      assert.ok(message.endsWith(understood.message.slice(-2000)));
    }),
    { numRuns: 50 },
  );
});
