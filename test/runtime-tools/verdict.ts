/** What one program of the suite found, from its output: the Test Anything Protocol, read as its authors use it. */

export interface Verdict {
  readonly passed: boolean;
  /** What failed, one line each; empty when it passed. */
  readonly problems: readonly string[];
}

/** @param status null when the program was killed */
export function verdictOf(status: number | null, stdout: string, stderr: string): Verdict {
  const lines = stdout.split("\n");
  const failed = lines.filter((line) => /^not ok\b/.test(line) && !/# TODO\b/.test(line));
  const tests = lines.filter((line) => /^(not )?ok\b/.test(line));
  const problems = [...failed];
  if (status === null) problems.push("it did not end");
  else if (status !== 0) problems.push(stderr.trim().split("\n").at(-1) ?? "", `exit status ${status}`);
  // Some programs report no test at all: a note with an error in it is then how they say that they failed.
  if (tests.length === 0)
    problems.push(...lines.filter((line) => /^\s*"error": /.test(line)).map((line) => line.trim()));
  return { passed: problems.length === 0, problems: problems.filter((line) => line !== "") };
}
