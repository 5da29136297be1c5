/** Namespaces that are made or joined, id mappings, and what is set inside them. */
import { describe, quote } from "../base/quote.ts";
import { exists, look, procText, textOf } from "../facts/look.ts";
import { namespaceFile } from "../facts/namespaces.ts";
import { subordinateIds, userName } from "../facts/users.ts";
import { NSFS_MAGIC, O_PATH } from "../linux/constants.ts";
import { fileSystemType, open } from "../linux/file.ts";
import { entry, type Findings } from "../spec/findings.ts";
import { hasNewNamespace } from "../spec/namespaces.ts";
import { sysctlComponents } from "../spec/sysctl-key.ts";
import type { IdMapping, NamespaceType } from "../spec/types.ts";
import type { Subject } from "./host.ts";

/** Those that are joined must be namespaces that are there; those that are made must be known here, and allowed. */
export function namespacesCheck({ spec }: Subject, findings: Findings): void {
  spec.linux?.namespaces?.forEach(({ type, path }, index) => {
    const at = `linux.namespaces[${index}]`;
    if (path !== undefined) joinedCheck(path, `${at}.path`, findings);
    else newCheck(type, `${at}.type`, findings);
  });
}

function joinedCheck(path: string, at: string, findings: Findings): void {
  const found = look(path);
  if (typeof found === "string") {
    findings.problem(at, found);
    return;
  }
  using fd = open("cwd", path, O_PATH);
  if (fileSystemType(fd, path) !== NSFS_MAGIC) findings.problem(at, `${quote(path)} is not a namespace`);
}

/** namespaces(7): a kind that the kernel lacks has no file, and a kind can be forbidden by a limit of 0. */
function newCheck(type: NamespaceType, at: string, findings: Findings): void {
  const file = namespaceFile(type);
  if (!exists(`/proc/self/ns/${file}`)) findings.problem(at, `this kernel has no ${type} namespaces`);
  const limit = `user/max_${file}_namespaces`;
  if (procText(`sys/${limit}`)?.trim() === "0") findings.problem(at, `/proc/sys/${limit} is 0`);
}

/** user_namespaces(7), subuid(5): ids of the caller's namespace, and without privilege only those that are the caller's. */
export function idMappingsCheck({ spec, facts }: Subject, findings: Findings): void {
  if (!hasNewNamespace(spec, "user")) return;
  for (const [kind, own] of [
    ["uid", facts.euid],
    ["gid", facts.egid],
  ] as const) {
    const mappings = spec.linux?.[`${kind}Mappings`] ?? [];
    const at = `linux.${kind}Mappings`;
    if (mappings.length === 0) continue;
    const here = parseMap(procText(`self/${kind}_map`) ?? "");
    requireWithin(mappings, here, "not all mapped here", at, findings);
    if (facts.euid === 0) continue;
    const file = `/etc/sub${kind}`;
    const user = { uid: facts.euid, name: userName(facts.euid) };
    const theirs = [{ first: own, size: 1 }, ...subordinateIds(textOf(file) ?? "", user)];
    requireWithin(mappings, theirs, `neither the caller's own nor given by ${file}`, at, findings);
  }
}

interface Range {
  readonly first: number;
  readonly size: number;
}

/** The inner side of a map: `0 100000 65536` is the ids 0 to 65535. */
function parseMap(text: string): Range[] {
  return text.split("\n").flatMap((line) => {
    const [first, , size] = line.trim().split(/ +/).map(Number);
    return first === undefined || size === undefined ? [] : [{ first, size }];
  });
}

/** Each range of host ids must lie in one of `ranges`; `lack` says what it is otherwise. */
function requireWithin(
  mappings: readonly IdMapping[],
  ranges: readonly Range[],
  lack: string,
  at: string,
  findings: Findings,
): void {
  mappings.forEach(({ hostID, size }, index) => {
    if (ranges.some((range) => hostID >= range.first && hostID + size <= range.first + range.size)) return;
    findings.problem(`${at}[${index}].hostID`, `ids ${hostID} to ${hostID + size - 1} are ${lack}`);
  });
}

/** Devices are taken from the network namespace of the caller. */
export function netDevicesCheck({ spec }: Subject, findings: Findings): void {
  for (const name of Object.keys(spec.linux?.netDevices ?? {})) {
    if (name.includes("/") || exists(`/sys/class/net/${name}`)) continue;
    findings.problem(`linux.netDevices${entry(name)}`, `there is no network device ${describe(name)} here`);
  }
}

/** A new namespace may have parameters that the caller's lacks, so a missing one is a warning. */
export function sysctlCheck({ spec }: Subject, findings: Findings): void {
  for (const key of Object.keys(spec.linux?.sysctl ?? {})) {
    const components = sysctlComponents(key);
    if (components === undefined || exists(`/proc/sys/${components.join("/")}`)) continue;
    findings.warning(`linux.sysctl${entry(key)}`, "this kernel shows no such parameter here");
  }
}
