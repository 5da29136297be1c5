/**
 * The whole config.json, and the state of a container.
 *
 * The members of other platforms (vm, windows, solaris, zos, freebsd, commandLine, username) have no effect on Linux
 * and are ignored like unknown ones.
 */
import { containerStatuses } from "../vocabulary.ts";
import { Hooks } from "./hooks.ts";
import { Linux } from "./linux.ts";
import { Mounts, Root } from "./mounts.ts";
import { Process } from "./process.ts";
import { int, object, opt, text, textMap, word } from "./values.ts";

export const Spec = object({
  ociVersion: text,
  root: Root,
  process: opt(Process),
  hostname: opt(text),
  domainname: opt(text),
  mounts: opt(Mounts),
  hooks: opt(Hooks),
  annotations: opt(textMap),
  linux: opt(Linux),
});

/** What `state` prints and hooks read on standard input (runtime.md, "State"). */
export const State = object({
  ociVersion: text,
  id: text,
  status: word(containerStatuses),
  pid: opt(int(0, 0x7fff_ffff)),
  bundle: text,
  annotations: opt(textMap),
});
