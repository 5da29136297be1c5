/** Credentials: user and group ids, capabilities, the session keyring: credentials(7), capabilities(7), keyrings(7). */

import * as NR from "#nr";
import { _LINUX_CAPABILITY_VERSION_3, KEYCTL_JOIN_SESSION_KEYRING } from "./constants.ts";
import { cap_user_data, cap_user_header } from "./layouts.ts";
import { attempt, call } from "./raw.ts";

/** The effective user id, as this process's user namespace shows it: geteuid(2). */
export function geteuid(): number {
  return attempt("geteuid", NR.geteuid);
}

/** The effective group id, as this process's user namespace shows it: getegid(2). */
export function getegid(): number {
  return attempt("getegid", NR.getegid);
}

/** Sets the supplementary groups to exactly these: setgroups(2). */
export function setGroups(gids: readonly number[]): void {
  call(gids.join(" "), "setgroups", NR.setgroups, gids.length, new Uint32Array(gids));
}

/** Sets the real, effective and saved group id: setresgid(2). 2^32-1 would mean "keep" and never gets here. */
export function setGid(gid: number): void {
  call(`${gid}`, "setresgid", NR.setresgid, gid, gid, gid);
}

/** Sets the real, effective and saved user id: setresuid(2). */
export function setUid(uid: number): void {
  call(`${uid}`, "setresuid", NR.setresuid, uid, uid, uid);
}

/** The ids as the kernel tells them: real, effective, saved. */
export function getIds(): { readonly uid: Uint32Array; readonly gid: Uint32Array } {
  const uid = new Uint32Array(3);
  const gid = new Uint32Array(3);
  call(undefined, "getresuid", NR.getresuid, uid.subarray(0), uid.subarray(1), uid.subarray(2));
  call(undefined, "getresgid", NR.getresgid, gid.subarray(0), gid.subarray(1), gid.subarray(2));
  return { uid, gid };
}

/** Capability sets as 64-bit masks. */
export interface CapabilityMasks {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** The header tells the kernel that the data has two halves, the lower ones of all sets first. */
const version3 = cap_user_header.encode({ version: _LINUX_CAPABILITY_VERSION_3 });

/** Sets three of the five capability sets of this process: capset(2). */
export function setCapabilities(masks: CapabilityMasks): void {
  const wide = new Uint32Array(new BigUint64Array([masks.effective, masks.permitted, masks.inheritable]).buffer);
  const data = new Uint32Array((2 * cap_user_data.size) / 4);
  for (let set = 0; set < 3; set++) {
    data[set] = wide[2 * set] as number;
    data[3 + set] = wide[2 * set + 1] as number;
  }
  call(undefined, "capset", NR.capset, version3, data);
}

/** The capability sets of this process: capget(2). */
export function getCapabilities(): CapabilityMasks {
  const data = new Uint32Array((2 * cap_user_data.size) / 4);
  call(undefined, "capget", NR.capget, version3, data);
  const mask = (set: number): bigint => BigInt(data[set] as number) | (BigInt(data[3 + set] as number) << 32n);
  return { effective: mask(0), permitted: mask(1), inheritable: mask(2) };
}

/**
 * Leaves the caller's session keyring for a new one without a name: keyctl(2). Returns 0 or more, or -errno.
 * With a name the kernel would give any keyring of that name, another user's too if that one lets us search it.
 */
export function joinNewSessionKeyring(): number {
  return attempt("keyctl", NR.keyctl, KEYCTL_JOIN_SESSION_KEYRING, null, 0, 0, 0);
}
