/** The root file system and the mounts in it (config.md, "Root" and "Mounts"). */
import { flag, int, list, object, opt, text, texts, uint32 } from "./values.ts";

export const Root = object({ path: text, readonly: opt(flag) });

/** One line of a uid_map or gid_map. */
export const IdMapping = object({ containerID: uint32, hostID: uint32, size: int(1, 0xffff_ffff) });

export const Mount = object({
  destination: text,
  source: opt(text),
  type: opt(text),
  options: opt(texts),
  uidMappings: opt(list(IdMapping)),
  gidMappings: opt(list(IdMapping)),
});

export const Mounts = list(Mount);
