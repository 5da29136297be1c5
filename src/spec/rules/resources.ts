/** Resources (config-linux.md, "Control groups"): what holds for `create` and for `update`. */
import { describe } from "../../base/quote.ts";
import { entry, type Findings } from "../findings.ts";
import type { CpuResources, MemoryResources, Resources } from "../types.ts";
import { requireNumberList } from "./text.ts";

/** Every rule of resources; `at` is their path in the document. */
export function resourceRules(resources: Resources, at: string, findings: Findings): void {
  if (resources.memory !== undefined) memoryRule(resources.memory, `${at}.memory`, findings);
  if (resources.cpu !== undefined) cpuRule(resources.cpu, `${at}.cpu`, findings);
  deviceRulesRule(resources, at, findings);
  blockRule(resources, at, findings);
  hugepagesRule(resources, at, findings);
  namesRule(resources, at, findings);
  unifiedRule(resources, at, findings);
}

/**
 * `memory.swap` is the sum of memory and swap, so it means nothing without `memory.limit`. To be asked of all resources of a
 * container: an update may set the one without the other.
 */
export function swapNeedsLimitRule({ memory }: Resources, at: string, findings: Findings): void {
  if (memory?.swap === undefined || memory.swap <= 0) return;
  if (memory.limit === undefined || memory.limit <= 0) {
    findings.problem(`${at}.memory.swap`, "needs memory.limit, which it includes");
  }
}

function memoryRule(memory: MemoryResources, at: string, findings: Findings): void {
  for (const name of ["limit", "reservation", "swap", "kernel", "kernelTCP"] as const) {
    const bytes = memory[name];
    if (bytes !== undefined && bytes < -1) {
      findings.problem(`${at}.${name}`, `must be a number of bytes, or -1 for no limit, not ${bytes}`);
    }
  }
  const { limit, swap } = memory;
  if (limit !== undefined && swap !== undefined && limit > 0 && swap > 0 && swap < limit) {
    findings.problem(`${at}.swap`, `must be at least memory.limit ${limit}, which it includes, not ${swap}`);
  }
}

function cpuRule(cpu: CpuResources, at: string, findings: Findings): void {
  const { quota, burst } = cpu;
  if (quota !== undefined && burst !== undefined && quota > 0 && burst > quota) {
    findings.problem(`${at}.burst`, `must be at most the quota ${quota}, not ${burst}`);
  }
  for (const name of ["cpus", "mems"] as const) {
    if (cpu[name] !== undefined) requireNumberList(`${at}.${name}`, cpu[name], findings);
  }
}

/** A rule for all devices has no numbers in the kernel either: who gave some meant one device, and gets all. */
function deviceRulesRule(resources: Resources, at: string, findings: Findings): void {
  resources.devices?.forEach(({ type = "a", major = -1, minor = -1, access }, index) => {
    const path = `${at}.devices[${index}]`;
    if (type === "a" && (major >= 0 || minor >= 0))
      findings.warning(path, "major and minor mean nothing without type c or b: the rule is for every device");
    if (access === undefined || /^[rwm]+$/.test(access)) return;
    findings.problem(`${path}.access`, `must be made of the letters r, w and m, not ${describe(access)}`);
  });
}

function blockRule(resources: Resources, at: string, findings: Findings): void {
  resources.blockIO?.weightDevice?.forEach(({ weight, leafWeight }, index) => {
    if (weight !== undefined || leafWeight !== undefined) return;
    findings.problem(`${at}.blockIO.weightDevice[${index}]`, "needs weight or leafWeight");
  });
}

const pageSizeForm = /^[1-9][0-9]{0,8}[KMG]B$/;

function hugepagesRule(resources: Resources, at: string, findings: Findings): void {
  resources.hugepageLimits?.forEach(({ pageSize }, index) => {
    if (pageSizeForm.test(pageSize)) return;
    findings.problem(
      `${at}.hugepageLimits[${index}].pageSize`,
      `must be a size such as 2MB, not ${describe(pageSize)}`,
    );
  });
}

/** These names become one word of a line. */
function namesRule(resources: Resources, at: string, findings: Findings): void {
  const isWord = (name: string) => name !== "" && !/\s/.test(name);
  for (const [name, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    const path = `${at}.rdma${entry(name)}`;
    if (!isWord(name)) findings.problem(path, "must be the name of a device");
    if (hcaHandles === undefined && hcaObjects === undefined) findings.problem(path, "needs hcaHandles or hcaObjects");
  }
  resources.network?.priorities?.forEach(({ name }, index) => {
    const path = `${at}.network.priorities[${index}].name`;
    if (!isWord(name)) findings.problem(path, `must be the name of a network device, not ${describe(name)}`);
  });
}

/**
 * Files of a cgroup by which processes are moved, ended and stopped, and what the cgroup is: box's own business. A pid of
 * the host in the first would put that process into the container, to be ended with it.
 */
const noLimits: readonly string[] = ["procs", "threads", "kill", "freeze", "subtree_control", "type"].map(
  (name) => `cgroup.${name}`,
);

/** Keys are names of files in the container's cgroup, and of no other directory. */
function unifiedRule(resources: Resources, at: string, findings: Findings): void {
  for (const key of Object.keys(resources.unified ?? {})) {
    const path = `${at}.unified${entry(key)}`;
    if (key === "" || key === "." || key === ".." || key.includes("/"))
      findings.problem(path, 'must be the name of a cgroup file without "/", such as memory.high');
    else if (noLimits.includes(key)) findings.problem(path, "is no limit: box itself writes this file");
  }
}
