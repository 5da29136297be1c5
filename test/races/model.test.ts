import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, isExplained, type Operation } from "./model.ts";

const done = (operation: Operation, ok: boolean, began: number, ended: number, told?: string): Event => ({
  operation,
  ok,
  began,
  ended,
  ...(told === undefined ? {} : { told }),
});

test("one of two starts may win, not both and not neither", () => {
  const starts = (first: boolean, second: boolean): boolean =>
    isExplained("created", [done("start", first, 0, 10), done("start", second, 5, 15)], "running");
  assert.deepEqual(
    [starts(true, false), starts(false, true), starts(true, true), starts(false, false)],
    [true, true, false, false],
  );
});

test("what had ended before another began comes before it", () => {
  const events = (later: number): Event[] => [done("delete", true, 0, 10), done("state", true, later, 20, "stopped")];
  assert.equal(isExplained("stopped", events(5), "none"), true);
  assert.equal(isExplained("stopped", events(11), "none"), false);
});

test("a killed container is stopped in the end, and not before it was killed", () => {
  assert.equal(isExplained("running", [done("kill", true, 0, 10)], "running"), false);
  assert.equal(
    isExplained("running", [done("kill", true, 0, 10), done("state", true, 11, 12, "running")], "stopped"),
    true,
  );
  assert.equal(
    isExplained("running", [done("state", true, 0, 1, "stopped"), done("kill", true, 2, 3)], "stopped"),
    false,
  );
});

test("a create that a deletion by force cuts short has made nothing", () => {
  const events = (began: number): Event[] => [done("create", false, 0, 10), done("force", true, began, 20)];
  assert.equal(isExplained("none", events(5), "none"), true);
  assert.equal(isExplained("none", events(11), "none"), false);
});

test("while a container is being created it is there for a second create, and not yet running for others", () => {
  const meeting = (create: number): Event[] => [
    done("create", true, 0, create),
    done("run", false, 5, 8),
    done("stats", false, 9, 12),
  ];
  assert.equal(isExplained("none", meeting(20), "created"), true);
  assert.equal(isExplained("none", meeting(4), "created"), false);
});
