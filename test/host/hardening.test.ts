/** What the compiler and the linker do for the release, as docs/security.md tells it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";

function output(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

const has = (command: string): boolean => spawnSync(command, ["--version"]).error === undefined;

suite("the release", () => {
  const segments = output("readelf", "-lW", "build/box");
  const dynamic = output("readelf", "-dW", "build/box");

  test("is static and lies elsewhere each time", () => {
    assert.match(dynamic, /\(FLAGS_1\) .*\bPIE\b/);
    assert.doesNotMatch(segments, /\bINTERP\b/);
    assert.doesNotMatch(dynamic, /\(NEEDED\)|\(RPATH\)|\(RUNPATH\)|\(TEXTREL\)/);
  });

  test("has no memory that can be written and executed, nor a stack that can be executed", () => {
    assert.match(segments, /GNU_STACK .* RW +0x/);
    assert.doesNotMatch(segments, / (RWE|WE) /);
  });

  test("closes its tables of addresses before main", () => {
    assert.match(segments, /GNU_RELRO/);
    assert.match(dynamic, /\(FLAGS\) +BIND_NOW/);
  });

  test("guards the stack in every file of C", () => {
    const directory = "build/native/hardened";
    // Their functions have nothing on the stack that could be written beyond.
    const without = ["clock.o", "copy.o"];
    for (const object of readdirSync(directory).filter((name) => !without.includes(name)))
      assert.match(output("nm", join(directory, object)), /U __stack_chk_fail/, object);
  });

  test("is to checksec what docs/security.md says", {
    skip: has("checksec") ? false : "checksec is not installed",
  }, () => {
    const answer = JSON.parse(output("checksec", "--file=build/box", "--output=json"))["build/box"];
    const rows = readFileSync("docs/security.md", "utf8").matchAll(
      /^\| `(relro|canary|nx|pie|rpath|runpath|fortify_source)` \| (\w+) \|/gm,
    );
    const told = Object.fromEntries([...rows].map(([, name, value]) => [name, value]));
    assert.equal(Object.keys(told).length, 7);
    for (const [name, value] of Object.entries(told)) assert.equal(answer[name as string], value, name);
  });
});

test("the native part does its tasks in valgrind without an error, and leaves nothing", {
  skip: has("valgrind") ? false : "valgrind is not installed",
}, () => {
  // Those that end by themselves and exhaust nothing.
  const conversions = ["refused", "accepted", "views", "offsets", "errno", "utf8", "sha256", "seccomp"];
  const options = ["--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"];
  const tasks = ["state", ...conversions, "lazy", "missing", "bad"];
  const answers = JSON.parse(output("valgrind", ...options, "build/box-probe-valgrind", "several", ...tasks));
  assert.deepEqual(
    answers.map((answer: unknown) => answer === null),
    tasks.map(() => false),
  );
});
