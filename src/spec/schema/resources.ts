/** What the cgroup limits (config-linux.md, "Control groups"); also the file of `update --resources`. */
import { deviceRuleTypes } from "../vocabulary.ts";
import { flag, int, int64, list, mapOf, object, opt, text, textMap, uint16, uint32, uint64, word } from "./values.ts";

/** -1, or nothing, stands for every number. */
const anyDeviceNumber = int(-1, 0xffff_ffff);

export const DeviceRule = object({
  allow: flag,
  type: opt(word(deviceRuleTypes)),
  major: opt(anyDeviceNumber),
  minor: opt(anyDeviceNumber),
  access: opt(text),
});

export const MemoryResources = object({
  limit: opt(int64),
  reservation: opt(int64),
  /** Memory and swap together. */
  swap: opt(int64),
  kernel: opt(int64),
  kernelTCP: opt(int64),
  swappiness: opt(int(0, 100)),
  disableOOMKiller: opt(flag),
  useHierarchy: opt(flag),
  checkBeforeUpdate: opt(flag),
});

export const CpuResources = object({
  shares: opt(uint64),
  /** Microseconds, as the next four. */
  quota: opt(int64),
  burst: opt(uint64),
  period: opt(uint64),
  realtimeRuntime: opt(int64),
  realtimePeriod: opt(uint64),
  cpus: opt(text),
  mems: opt(text),
  idle: opt(int64),
});

export const PidsResources = object({ limit: int64 });

export const BlockWeight = object({ major: uint32, minor: uint32, weight: opt(uint16), leafWeight: opt(uint16) });
export const BlockThrottle = object({ major: uint32, minor: uint32, rate: uint64 });

const throttles = opt(list(BlockThrottle));

export const BlockResources = object({
  weight: opt(uint16),
  leafWeight: opt(uint16),
  weightDevice: opt(list(BlockWeight)),
  throttleReadBpsDevice: throttles,
  throttleWriteBpsDevice: throttles,
  throttleReadIOPSDevice: throttles,
  throttleWriteIOPSDevice: throttles,
});

export const HugepageLimit = object({ pageSize: text, limit: uint64 });

export const NetworkPriority = object({ name: text, priority: uint32 });
export const NetworkResources = object({ classID: opt(uint32), priorities: opt(list(NetworkPriority)) });

export const RdmaLimit = object({ hcaHandles: opt(uint32), hcaObjects: opt(uint32) });

export const Resources = object({
  devices: opt(list(DeviceRule)),
  memory: opt(MemoryResources),
  cpu: opt(CpuResources),
  pids: opt(PidsResources),
  blockIO: opt(BlockResources),
  hugepageLimits: opt(list(HugepageLimit)),
  network: opt(NetworkResources),
  rdma: opt(mapOf(RdmaLimit)),
  unified: opt(textMap),
});
