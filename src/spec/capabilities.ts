/** Capabilities as masks, bit N for the one of number N: capabilities(7). */
import { capabilityNames } from "./vocabulary.ts";

type CapabilityName = (typeof capabilityNames)[number];

const bits: ReadonlyMap<string, bigint> = new Map(capabilityNames.map((name, number) => [name, 1n << BigInt(number)]));

function bitOf(name: CapabilityName): bigint {
  return bits.get(name) as bigint;
}

/** To give a cgroup to another user. */
export const capChown = bitOf("CAP_CHOWN");
/** To write the id maps of a user namespace: user_namespaces(7). */
export const capMapIds = bitOf("CAP_SETUID") | bitOf("CAP_SETGID");
/** To move a network device into another namespace. */
export const capNetAdmin = bitOf("CAP_NET_ADMIN");
/** To mount, to enter namespaces, and to load a filter without no_new_privs. */
export const capSysAdmin = bitOf("CAP_SYS_ADMIN");
/** To raise what binds a process: hard limits, the OOM score. */
export const capSysResource = bitOf("CAP_SYS_RESOURCE");

/** All that the configuration can name, which Linux 5.9 and later know. */
export const everyCapability = (1n << BigInt(capabilityNames.length)) - 1n;

/** Whether all of `wanted` are held. */
export function holds(held: bigint, wanted: bigint): boolean {
  return (held & wanted) === wanted;
}

/** Unknown names are left out; the specification's rules have warned of them. */
export function maskOf(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) mask |= bits.get(name) ?? 0n;
  return mask;
}

/** Names of the capabilities in a mask, in the order of their numbers; bits without a name are left out. */
export function namesOf(mask: bigint): string[] {
  return capabilityNames.filter((_, number) => (mask & (1n << BigInt(number))) !== 0n);
}
