import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, Findings, format } from "./findings.ts";

test("refuseProblems() names three problems on one line and counts the others", () => {
  const findings = new Findings();
  findings.refuseProblems();
  findings.warning("a", "only a warning");
  findings.refuseProblems();
  for (const path of ["a", ".b", ""]) findings.problem(path, "is wrong");
  assert.throws(() => findings.refuseProblems(), { name: "BoxError", message: "a: is wrong; b: is wrong; is wrong" });
  findings.problem("c", "is wrong");
  assert.throws(() => findings.refuseProblems(), { message: "a: is wrong; b: is wrong; is wrong; and 1 more" });
});

test("Findings keep a hundred of each kind when there are more", () => {
  const findings = new Findings();
  for (let count = 0; count < 1000; count++) {
    findings.problem("a", "is wrong");
    findings.warning("a", "is odd");
  }
  assert.equal(findings.problems.length, 100);
  assert.equal(findings.warnings.length, 100);
});

test("entry() quotes the key of a map", () => {
  assert.equal(
    format({ path: `linux.sysctl${entry('a"b\n')}`, message: "is odd" }),
    'linux.sysctl["a\\"b\\n"]: is odd',
  );
});
