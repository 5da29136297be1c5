/** The system-call filter (config-linux.md, "Seccomp"). */
import Type from "typebox";
import { seccompActions, seccompArchitectures, seccompFlags, seccompOperators } from "../vocabulary.ts";
import { int, list, object, opt, text, uint32, uint64, word } from "./values.ts";

export const SeccompArg = object({
  index: int(0, 5),
  value: uint64,
  valueTwo: opt(uint64),
  op: word(seccompOperators),
});

export const SeccompSyscall = object({
  names: Type.Array(text, { minItems: 1 }),
  action: word(seccompActions),
  errnoRet: opt(uint32),
  args: opt(list(SeccompArg)),
});

export const Seccomp = object({
  defaultAction: word(seccompActions),
  defaultErrnoRet: opt(uint32),
  architectures: opt(list(word(seccompArchitectures))),
  flags: opt(list(word(seccompFlags))),
  listenerPath: opt(text),
  listenerMetadata: opt(text),
  syscalls: opt(list(SeccompSyscall)),
});
