/** The program and how it is started (config.md, "Process"); also the file of `exec --process`. */
import Type from "typebox";
import { ioPriorityClasses, rlimitTypes, schedulerFlags, schedulerPolicies } from "../vocabulary.ts";
import { flag, id, int, int32, list, object, opt, text, texts, uint16, uint64, word } from "./values.ts";

/** The specification does not ask for a user; as in the other runtimes its absence means root of the container. */
export const User = Type.Object(
  { uid: id, gid: id, umask: opt(int(0, 0o777)), additionalGids: opt(list(id)) },
  { default: { uid: 0, gid: 0 } },
);

export const Capabilities = object({
  bounding: opt(texts),
  effective: opt(texts),
  inheritable: opt(texts),
  permitted: opt(texts),
  ambient: opt(texts),
});

export const Rlimit = object({ type: word(rlimitTypes), soft: uint64, hard: uint64 });

export const Scheduler = object({
  policy: word(schedulerPolicies),
  nice: opt(int32),
  priority: opt(int32),
  flags: opt(list(word(schedulerFlags))),
  /** Nanoseconds, as the next two. */
  runtime: opt(uint64),
  deadline: opt(uint64),
  period: opt(uint64),
});

export const IoPriority = object({ class: word(ioPriorityClasses), priority: opt(int(0, 7)) });

export const CpuAffinity = object({ initial: opt(text), final: opt(text) });

/** struct winsize has 16 bits for each. "Runtimes MUST ignore consoleSize if terminal is false or unset." */
export const ConsoleSize = object({ height: uint16, width: uint16 }, { onlyWith: "terminal" });

export const Process = object({
  terminal: opt(flag),
  consoleSize: opt(ConsoleSize),
  user: User,
  args: Type.Array(text, { minItems: 1 }),
  env: opt(texts),
  cwd: text,
  capabilities: opt(Capabilities),
  rlimits: opt(list(Rlimit)),
  noNewPrivileges: opt(flag),
  apparmorProfile: opt(text),
  selinuxLabel: opt(text),
  oomScoreAdj: opt(int(-1000, 1000)),
  scheduler: opt(Scheduler),
  ioPriority: opt(IoPriority),
  execCPUAffinity: opt(CpuAffinity),
});
