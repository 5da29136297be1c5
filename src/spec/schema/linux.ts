/** What only Linux has (config-linux.md). */
import {
  deviceTypes,
  memoryPolicyFlags,
  memoryPolicyModes,
  namespaceTypes,
  personalityDomains,
  propagations,
} from "../vocabulary.ts";
import { IdMapping } from "./mounts.ts";
import { Resources } from "./resources.ts";
import { Seccomp } from "./seccomp.ts";
import { flag, id, int, int64, list, mapOf, object, opt, text, textMap, texts, word } from "./values.ts";

export const Namespace = object({ type: word(namespaceTypes), path: opt(text) });

/** The kernel keeps 12 bits of a major and 20 bits of a minor number; what is beyond would name another device. */
export const Device = object({
  type: word(deviceTypes),
  path: text,
  major: opt(int(0, 0xfff)),
  minor: opt(int(0, 0xf_ffff)),
  // Podman hands the type's bits down too: st_mode as it is.
  fileMode: opt(int(0, 0o177777)),
  uid: opt(id),
  gid: opt(id),
});

export const NetDevice = object({ name: opt(text) });

export const TimeOffset = object({ secs: opt(int64), nanosecs: opt(int(0, 999_999_999)) });
export const TimeOffsets = object({ monotonic: opt(TimeOffset), boottime: opt(TimeOffset) });

export const IntelRdt = object({
  closID: opt(text),
  schemata: opt(texts),
  l3CacheSchema: opt(text),
  memBwSchema: opt(text),
  enableMonitoring: opt(flag),
});

export const MemoryPolicy = object({
  mode: word(memoryPolicyModes),
  nodes: opt(text),
  flags: opt(list(word(memoryPolicyFlags))),
});

export const Personality = object({ domain: word(personalityDomains), flags: opt(texts) });

export const Linux = object({
  namespaces: opt(list(Namespace)),
  uidMappings: opt(list(IdMapping)),
  gidMappings: opt(list(IdMapping)),
  timeOffsets: opt(TimeOffsets),
  devices: opt(list(Device)),
  netDevices: opt(mapOf(NetDevice)),
  cgroupsPath: opt(text),
  resources: opt(Resources),
  intelRdt: opt(IntelRdt),
  memoryPolicy: opt(MemoryPolicy),
  sysctl: opt(textMap),
  seccomp: opt(Seccomp),
  rootfsPropagation: opt(word(propagations)),
  maskedPaths: opt(texts),
  readonlyPaths: opt(texts),
  mountLabel: opt(text),
  personality: opt(Personality),
});
