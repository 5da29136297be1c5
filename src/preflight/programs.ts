/** The container's program and its limits, and the hooks. */
import { resolve } from "../base/path.ts";
import { describe, quote } from "../base/quote.ts";
import { denial, look, procText } from "../facts/look.ts";
import { Root } from "../fs/root.ts";
import { O_DIRECTORY, O_PATH, S_IFMT, S_IFREG, X_OK } from "../linux/constants.ts";
import { open } from "../linux/file.ts";
import { getLimit, resourceNumbers } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { capSysResource, holds } from "../spec/capabilities.ts";
import type { Findings } from "../spec/findings.ts";
import { hasJoinedNamespace } from "../spec/namespaces.ts";
import type { Hook, Process } from "../spec/types.ts";
import { hookKinds } from "../spec/vocabulary.ts";
import type { Subject } from "./host.ts";

/** Hooks run on the host, but for startContainer: that one's path is the container's. */
export function hooksCheck({ spec }: Subject, findings: Findings): void {
  for (const kind of hookKinds) {
    if (kind === "startContainer") continue;
    spec.hooks?.[kind]?.forEach(({ path }: Hook, index) => {
      const problem = path.startsWith("/") ? unusable(path) : undefined;
      if (problem !== undefined) findings.problem(`hooks.${kind}[${index}].path`, problem);
    });
  }
}

/** Why a path of the host cannot be executed. */
function unusable(path: string): string | undefined {
  const found = look(path);
  if (typeof found === "string") return found;
  return (found.mode & S_IFMT) === S_IFREG ? denial(path, X_OK) : `${quote(path)} is not a regular file`;
}

/** Programs of the container as far as its root file system shows them: a mount may bring more, so they are warnings. */
export function programCheck({ spec, bundle }: Subject, findings: Findings): void {
  const programs = [
    ...(spec.process === undefined || spec.process.args[0] === ""
      ? []
      : [["process.args[0]", candidatesOf(spec.process)] as const]),
    ...(spec.hooks?.startContainer ?? []).map(
      ({ path }, index) => [`hooks.startContainer[${index}].path`, [path]] as const,
    ),
  ];
  if (spec.process?.args[0] === "") findings.problem("process.args[0]", "an empty name is the name of no program");
  if (programs.length === 0 || spec.root === undefined || hasJoinedNamespace(spec, "mount")) return;
  try {
    using directory = open("cwd", resolve(bundle, spec.root.path), O_PATH | O_DIRECTORY);
    const root = new Root(directory);
    for (const [at, candidates] of programs) {
      if (candidates.some((path) => isThere(root, path))) continue;
      const name = describe(candidates.length === 1 ? candidates[0] : spec.process?.args[0]);
      findings.warning(at, `${name} is not in the root file system; a mount would have to bring it`);
    }
  } catch (thrown) {
    // The root file system's own check tells of it.
    if (!(thrown instanceof SyscallError)) throw thrown;
  }
}

/** Where execvp(3) looks for the program. */
function candidatesOf({ args, env = [], cwd }: Process): readonly string[] {
  const [program = ""] = args;
  if (program.includes("/")) return [resolve(cwd, program)];
  const path = env.findLast((one) => one.startsWith("PATH="))?.slice("PATH=".length);
  if (path === undefined) return [program];
  return path.split(":").map((directory) => resolve(cwd, `${directory}/${program}`));
}

function isThere(root: Root, path: string): boolean {
  using found = root.find(path, O_PATH);
  return found !== undefined;
}

/** A hard limit is raised with CAP_SYS_RESOURCE only: setrlimit(2). */
export function limitsCheck({ spec, facts }: Subject, findings: Findings): void {
  spec.process?.rlimits?.forEach(({ type, hard }, index) => {
    if (holds(facts.capabilities, capSysResource)) return;
    const own = getLimit(resourceNumbers[type]).hard;
    if (BigInt(hard) <= own) return;
    findings.problem(`process.rlimits[${index}].hard`, `more than the caller's ${own} needs CAP_SYS_RESOURCE`);
  });
}

/** proc_pid_oom_score_adj(5): below what the caller was given only with CAP_SYS_RESOURCE. */
export function oomScoreCheck({ spec, facts }: Subject, findings: Findings): void {
  const wanted = spec.process?.oomScoreAdj;
  if (wanted === undefined || holds(facts.capabilities, capSysResource)) return;
  const own = Number(procText("self/oom_score_adj") ?? "0");
  if (wanted < own) findings.problem("process.oomScoreAdj", `less than the caller's ${own} needs CAP_SYS_RESOURCE`);
}
