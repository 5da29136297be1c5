/** Takes privileges away, to exactly what was planned. Runs in init. */
import { BoxError } from "../base/errors.ts";
import { ENOSYS, EOPNOTSUPP, EPERM } from "../linux/constants.ts";
import { getCapabilities, joinNewSessionKeyring, setCapabilities } from "../linux/cred.ts";
import { clearAmbient, dropFromBoundingSet, raiseAmbient, setKeepCaps, setNoNewPrivileges } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import type { CapabilityOps } from "./ops.ts";

export { type LabelFile, labelKeys, openLabels, writeLabels } from "./labels.ts";

/** Numbers of the capabilities in a mask. */
function* numbersOf(mask: bigint): Generator<number> {
  for (let number = 0, rest = mask; rest !== 0n; number++, rest >>= 1n) if ((rest & 1n) !== 0n) yield number;
}

/** A mask of all capabilities that a kernel could have. */
const everyNumber = 2n ** 64n - 1n;

/** Drops everything but `bounding` from the bounding set. Before the ids change: it takes CAP_SETPCAP. */
export function limitBoundingSet({ bounding }: CapabilityOps): void {
  dropFromBoundingSet(~BigInt(bounding) & everyNumber);
}

/** Lets the permitted set survive the change of ids. */
export function keepCapabilities(): void {
  setKeepCaps(true);
}

/** Sets the other four sets and compares what the kernel then says. After the ids have changed. */
export function setCapabilitySets(ops: CapabilityOps): void {
  const held = BigInt(ops.untilExecution);
  const wanted = {
    effective: BigInt(ops.effective) | held,
    permitted: BigInt(ops.permitted) | held,
    inheritable: BigInt(ops.inheritable),
  };
  clearAmbient();
  setCapabilities(wanted);
  for (const number of numbersOf(BigInt(ops.ambient))) {
    const result = raiseAmbient(number);
    // What is not permitted and inheritable as well cannot be ambient; the kernel's refusal leaves it out.
    if (result < 0 && result !== -EPERM) throw new SyscallError("prctl", -result, "PR_CAP_AMBIENT_RAISE");
  }
  setKeepCaps(false);
  const got = getCapabilities();
  if (
    got.effective !== wanted.effective ||
    got.permitted !== wanted.permitted ||
    got.inheritable !== wanted.inheritable
  ) {
    throw new BoxError("process.capabilities: the kernel granted other sets than asked for");
  }
}

/** `process.noNewPrivileges`. */
export function forbidNewPrivileges(): void {
  setNoNewPrivileges();
}

/** Leaves the caller's session keyring, so that its keys cannot be searched; a kernel without keys has none to find. */
export function leaveKeyring(): void {
  const result = joinNewSessionKeyring();
  if (result < 0 && result !== -ENOSYS && result !== -EOPNOTSUPP)
    throw new SyscallError("keyctl", -result, "session keyring");
}
