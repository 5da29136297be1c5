/** Device rules in force: v1's list, or else a program on cgroup2. */
import { within } from "../base/errors.ts";
import { attachDeviceProgram, detachDeviceProgram, findDeviceProgram, loadDeviceProgram } from "../linux/bpf.ts";
import type { Fd } from "../linux/fd.ts";
import { writeFile } from "./directory.ts";
import { deviceProgram } from "./ebpf.ts";
import type { DeviceRuleOp } from "./ops.ts";

const property = "linux.resources.devices";

/** Writes rules into the list of a v1 cgroup, one by one. */
export function writeDeviceList(cgroup: Fd, rules: readonly DeviceRuleOp[]): void {
  within(property, () => {
    for (const rule of rules) writeFile(cgroup, rule.allow ? "devices.allow" : "devices.deny", deviceLine(rule));
  });
}

/** Attaches the program of rules to a cgroup2 directory. */
export function attachDeviceRules(cgroup: Fd, rules: readonly DeviceRuleOp[]): void {
  within(property, () => {
    using program = loadDeviceProgram(deviceProgram(rules));
    attachDeviceProgram(cgroup, program);
  });
}

/** Puts the program of rules in the place of box's former one, in one step. @returns how to take it back */
export function changeDeviceProgram(
  cgroup: Fd,
  rules: readonly DeviceRuleOp[],
  keep: (program: Fd) => void,
): () => void {
  return within(property, () => {
    const former = findDeviceProgram(cgroup);
    if (former !== undefined) keep(former);
    const program = loadDeviceProgram(deviceProgram(rules));
    keep(program);
    attachDeviceProgram(cgroup, program, former);
    return former === undefined
      ? () => detachDeviceProgram(cgroup, program)
      : () => attachDeviceProgram(cgroup, former, program);
  });
}

/** A rule as v1's files take it: `c 1:3 rwm`; `a` stands for every device and all access. */
export function deviceLine({ type, major, minor, access }: DeviceRuleOp): string {
  return type === "all" ? "a" : `${type[0]} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}
