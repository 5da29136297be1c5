import assert from "node:assert/strict";
import { test } from "node:test";
import { BoxError } from "../base/errors.ts";
import { Rollback } from "./rollback.ts";

function failing(message: string): () => never {
  return () => {
    throw new BoxError(message);
  };
}

test("Rollback undoes in reverse and gives back the failure as it was", () => {
  const undone: string[] = [];
  const rollback = new Rollback();
  for (const name of ["directory", "cgroup", "process"]) rollback.add(() => undone.push(name));
  const failure = new BoxError("it broke");
  assert.equal(rollback.failed(failure), failure);
  assert.deepEqual(undone, ["process", "cgroup", "directory"]);
});

test("Rollback undoes everything once", () => {
  let undone = 0;
  const rollback = new Rollback();
  rollback.add(() => undone++);
  rollback.failed(new BoxError("first"));
  rollback.failed(new BoxError("second"));
  assert.equal(undone, 1);
});

test("Rollback goes on when an undo fails, and tells every failed undo with the failure", () => {
  const undone: string[] = [];
  const rollback = new Rollback();
  rollback.add(() => undone.push("directory"));
  rollback.add(failing("cgroup is busy"));
  rollback.add(() => undone.push("socket"));
  rollback.add(failing("process is there"));
  const told = rollback.failed(new BoxError("it broke", { errno: "EPERM" }));
  assert.ok(told instanceof BoxError);
  assert.equal(told.message, "it broke (and cleaning up failed: process is there; cgroup is busy)");
  assert.deepEqual(told.details, { errno: "EPERM" });
  assert.deepEqual(undone, ["socket", "directory"]);
});

test("Rollback hands on a broken invariant as it is, after everything was undone", () => {
  let undone = false;
  const rollback = new Rollback();
  rollback.add(() => {
    undone = true;
  });
  rollback.add(failing("busy"));
  const invariant = new TypeError("x is undefined");
  assert.equal(rollback.failed(invariant), invariant);
  assert.equal(undone, true);
});

test("Rollback with nothing to undo gives back the failure", () => {
  const failure = new BoxError("it broke");
  assert.equal(new Rollback().failed(failure), failure);
});
