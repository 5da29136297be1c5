/**
 * The static types of the OCI configuration, taken from the schema; they leave nothing in the bundle.
 *
 * Everything is read-only: a configuration is decoded once and never changed. Maps (`annotations`, `sysctl`,
 * `unified`, `rdma`, `netDevices`) hold keys of the caller's choice, "constructor" and "__proto__" among them: read them
 * with Object.keys or Object.entries and never copy them by assignment to a plain object.
 */
import type { Static, TSchema } from "typebox";
import type * as hooks from "./schema/hooks.ts";
import type * as linux from "./schema/linux.ts";
import type * as mounts from "./schema/mounts.ts";
import type * as process from "./schema/process.ts";
import type * as resources from "./schema/resources.ts";
import type * as seccomp from "./schema/seccomp.ts";
import type * as spec from "./schema/spec.ts";

export type { Int64 } from "./schema/values.ts";

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;
type Of<Schema extends TSchema> = Frozen<Static<Schema>>;

/** config.json */
export interface Spec extends Of<typeof spec.Spec> {}
/** The state of a container, as hooks and the callers of `state` see it. */
export interface State extends Of<typeof spec.State> {}
export type Status = State["status"];

export interface Root extends Of<typeof mounts.Root> {}
export interface Mount extends Of<typeof mounts.Mount> {}
export interface IdMapping extends Of<typeof mounts.IdMapping> {}

export interface Process extends Of<typeof process.Process> {}
export interface User extends Of<typeof process.User> {}
export interface Capabilities extends Of<typeof process.Capabilities> {}
export interface Rlimit extends Of<typeof process.Rlimit> {}
export interface Scheduler extends Of<typeof process.Scheduler> {}
export interface IoPriority extends Of<typeof process.IoPriority> {}
export interface CpuAffinity extends Of<typeof process.CpuAffinity> {}
export interface ConsoleSize extends Of<typeof process.ConsoleSize> {}

export interface Hook extends Of<typeof hooks.Hook> {}
export interface Hooks extends Of<typeof hooks.Hooks> {}
export type HookKind = keyof Hooks;

export interface Linux extends Of<typeof linux.Linux> {}
export interface Namespace extends Of<typeof linux.Namespace> {}
export type NamespaceType = Namespace["type"];
export interface Device extends Of<typeof linux.Device> {}
export interface NetDevice extends Of<typeof linux.NetDevice> {}
export interface TimeOffset extends Of<typeof linux.TimeOffset> {}
export interface TimeOffsets extends Of<typeof linux.TimeOffsets> {}
export interface IntelRdt extends Of<typeof linux.IntelRdt> {}
export interface MemoryPolicy extends Of<typeof linux.MemoryPolicy> {}
export interface Personality extends Of<typeof linux.Personality> {}
export type Propagation = NonNullable<Linux["rootfsPropagation"]>;

export interface Resources extends Of<typeof resources.Resources> {}
export interface DeviceRule extends Of<typeof resources.DeviceRule> {}
export interface MemoryResources extends Of<typeof resources.MemoryResources> {}
export interface CpuResources extends Of<typeof resources.CpuResources> {}
export interface PidsResources extends Of<typeof resources.PidsResources> {}
export interface BlockResources extends Of<typeof resources.BlockResources> {}
export interface BlockWeight extends Of<typeof resources.BlockWeight> {}
export interface BlockThrottle extends Of<typeof resources.BlockThrottle> {}
export interface HugepageLimit extends Of<typeof resources.HugepageLimit> {}
export interface NetworkResources extends Of<typeof resources.NetworkResources> {}
export interface RdmaLimit extends Of<typeof resources.RdmaLimit> {}

export interface Seccomp extends Of<typeof seccomp.Seccomp> {}
export interface SeccompSyscall extends Of<typeof seccomp.SeccompSyscall> {}
export interface SeccompArg extends Of<typeof seccomp.SeccompArg> {}
export type SeccompAction = Seccomp["defaultAction"];

declare const valid: unique symbol;

/** A configuration that has passed the schema and every rule; only decode.ts makes one. */
export type ValidSpec = Spec & { readonly [valid]: "spec" };
/** A process that has passed the schema and the rules of its container's configuration. */
export type ValidProcess = Process & { readonly [valid]: "process" };
/** Resources that have passed the schema and the rules. */
export type ValidResources = Resources & { readonly [valid]: "resources" };
/** Mounts that have passed the schema and the rules. */
export type ValidMounts = readonly Mount[] & { readonly [valid]: "mounts" };
