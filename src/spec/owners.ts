/** What of a configuration is kept in which namespace. */
import { entry } from "./findings.ts";
import { sysctlComponents } from "./sysctl-key.ts";
import type { NamespaceType, Spec } from "./types.ts";

/** Parameters under kernel/ that each IPC namespace has for itself (ipc_namespaces(7)). */
const ipcNames: readonly string[] = [
  "auto_msgmni",
  "msg_next_id",
  "msgmax",
  "msgmnb",
  "msgmni",
  "sem",
  "sem_next_id",
  "shm_next_id",
  "shm_rmid_forced",
  "shmall",
  "shmmax",
  "shmmni",
];

/** The namespace whose property a parameter is; undefined for one of the whole machine. */
export function sysctlOwner(components: readonly string[]): NamespaceType | undefined {
  const [area = "", name = ""] = components;
  if (components.length < 2) return undefined;
  if (area === "net") return "network";
  if (area === "user") return "user";
  if (area === "fs") return name === "mqueue" && components.length > 2 ? "ipc" : undefined;
  if (area !== "kernel" || components.length > 2) return undefined;
  if (name === "hostname" || name === "domainname") return "uts";
  return ipcNames.includes(name) ? "ipc" : undefined;
}

/** The path of a property that changes the namespace of this type; undefined when nothing does. */
export function setIn(type: NamespaceType, spec: Spec): string | undefined {
  const name =
    type === "uts" ? (["hostname", "domainname"] as const).find((one) => (spec[one] ?? "") !== "") : undefined;
  if (name !== undefined) return name;
  if (type === "network" && Object.keys(spec.linux?.netDevices ?? {}).length > 0) return "linux.netDevices";
  const key = Object.keys(spec.linux?.sysctl ?? {}).find((one) => sysctlOwner(sysctlComponents(one) ?? []) === type);
  return key === undefined ? undefined : `linux.sysctl${entry(key)}`;
}
