import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "./verdict.ts";

test("verdictOf() passes a program whose tests all passed, whatever its notes say", () => {
  const note = '  ---\n  {\n    "error": "exit status 1"\n  }\n  ...\n';
  assert.deepEqual(verdictOf(0, `TAP version 13\nok 1 - an id is needed\n${note}1..1\n`, ""), {
    passed: true,
    problems: [],
  });
  assert.equal(verdictOf(0, "not ok 1 - later # TODO\n1..1\n", "").passed, true);
  assert.equal(verdictOf(0, "TAP version 13\n1..0\n", "").passed, true);
});

test("verdictOf() fails a program for a test, a status, a hang, or an error without any test", () => {
  assert.deepEqual(verdictOf(0, "ok 1\nnot ok 2 - it stays\n", "").problems, ["not ok 2 - it stays"]);
  assert.deepEqual(verdictOf(1, "", "failed to create\nexit status 1\n").problems, ["exit status 1", "exit status 1"]);
  assert.deepEqual(verdictOf(null, "ok 1\n", "").problems, ["it did not end"]);
  assert.deepEqual(verdictOf(0, '  ---\n  {\n    "error": "hooks came late"\n  }\n  ...\n1..0\n', "").problems, [
    '"error": "hooks came late"',
  ]);
});
