/** When and where a process runs: sched_setattr(2), ioprio_set(2), sched_setaffinity(2), set_mempolicy(2), personality(2). */
import * as NR from "#nr";
import { IOPRIO_CLASS_SHIFT, IOPRIO_WHO_PROCESS } from "./constants.ts";
import { sched_attr } from "./layouts.ts";
import { call } from "./raw.ts";

export interface Scheduling {
  /** SCHED_* */
  readonly policy: number;
  /** The sum of SCHED_FLAG_* */
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  /** Nanoseconds, as the next two. */
  readonly runtime: number | bigint;
  readonly deadline: number | bigint;
  readonly period: number | bigint;
}

/** The whole of a processor: util_max without a bound. */
const fullCapacity = 1024;

/** @param about the policy's name */
export function setScheduling(pid: number, scheduling: Scheduling, about: string): void {
  const { policy, flags, nice, priority, runtime, deadline, period } = scheduling;
  const attributes = sched_attr.encode({
    size: sched_attr.size,
    sched_policy: policy,
    sched_flags: flags,
    sched_nice: nice,
    sched_priority: priority,
    sched_runtime: runtime,
    sched_deadline: deadline,
    sched_period: period,
    sched_util_max: fullCapacity,
  });
  call(about, "sched_setattr", NR.sched_setattr, pid, attributes, 0);
}

/** @param ioClass IOPRIO_CLASS_* */
export function setIoPriority(pid: number, ioClass: number, priority: number, about: string): void {
  call(about, "ioprio_set", NR.ioprio_set, IOPRIO_WHO_PROCESS, pid, (ioClass << IOPRIO_CLASS_SHIFT) | priority);
}

/** The kernel's own bound of processor numbers: the largest CONFIG_NR_CPUS. */
const cpuLimit = 8192;
/** The kernel's own bound of node numbers: the largest CONFIG_NODES_SHIFT. */
const nodeLimit = 1024;

const allCpus = new Uint8Array(cpuLimit / 8).fill(0xff);

function bitmap(numbers: readonly number[], bits: number): Uint8Array {
  const bytes = new Uint8Array(bits / 8);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] as number) | (1 << (number & 7));
  return bytes;
}

/** Binds this process to processors; what its cgroup does not have is left out by the kernel. "all" undoes a binding. */
export function setAffinity(cpus: readonly number[] | "all"): void {
  const mask = cpus === "all" ? allCpus : bitmap(cpus, cpuLimit);
  const about = cpus === "all" ? "all" : cpus.join(",");
  call(about, "sched_setaffinity", NR.sched_setaffinity, 0, mask.length, mask);
}

/** @param mode MPOL_* with MPOL_F_* */
export function setMemoryPolicy(mode: number, nodes: readonly number[], about: string): void {
  // The kernel takes one bit off what it is told.
  const mask = nodes.length === 0 ? null : bitmap(nodes, nodeLimit);
  call(about, "set_mempolicy", NR.set_mempolicy, mode, mask, mask === null ? 0 : nodeLimit + 1);
}

/** @param domain PER_* */
export function setPersonality(domain: number): void {
  call(undefined, "personality", NR.personality, domain);
}
